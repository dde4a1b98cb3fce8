#!/usr/bin/env bash
# Builds the image, starts it with docker-compose.yml and waits for its health
# check. Without a container engine it builds what the image would be built from,
# runs that as the image would, and says so.
source "$(dirname "$0")/env.sh"
source .ci/server.sh

for file in docker-compose.yml .github/workflows/ci.yml; do
	npx --yes yaml@2.8.1 valid <"$file" || die "$file is no YAML"
done

# What the console asks for comes from the environment of docker compose.
export NATSLOCK_AUTH_USER=ann NATSLOCK_AUTH_PASSWORD=secret
names=$(grep -o "NATSLOCK_AUTH_[A-Z]*" docker-compose.yml | sort -u)
[[ $names == NATSLOCK_AUTH_PASSWORD$'\n'NATSLOCK_AUTH_USER ]] || die "docker-compose.yml passes no credentials on"

if docker info >/dev/null 2>&1; then
	export COMPOSE_PROJECT_NAME=natslock-ci-$$
	compose() { docker compose "$@"; }
	trap 'compose down --volumes; end' EXIT
	compose up --build --wait
	compose exec natslock natslock list --limit 1
	curl -fsS -u ann:secret -o /dev/null http://127.0.0.1:8080/console
	exit 0
fi

say "no container engine here: neither the image nor docker-compose.yml is tried, only what they consist of"
mkdir "$work/src"
sed -n 's/^!//p' .dockerignore | xargs cp -r --parents -t "$work/src"
find "$work/src" -name '*_test.go' -delete
find "$work/src" -name testdata -type d -exec rm -r {} +
make -C "$work/src" --no-print-directory build VERSION=1.2.3-image
natslock=$work/src/dist/natslock
[[ $(go version -m "$natslock") == *CGO_ENABLED=0* ]] || die "the binary is not built without cgo"
! ldd "$natslock" >/dev/null 2>&1 || die "the binary is not static"
[[ $("$natslock" version) == *" 1.2.3-image "* ]] || die "the binary does not know its version"

read -ra command < <(sed -nE 's/^CMD \[(.*)\]$/\1/p' Dockerfile | tr -d '",')
read -ra health < <(sed -nE 's/^[ \t]+CMD \["natslock", (.*)\]$/\1/p' Dockerfile | tr -d '",')
as=()
if ((EUID == 0)); then # then as the user of the image, who owns the data and nothing else
	user=$(sed -nE 's/^USER ([0-9]+):.*/\1/p' Dockerfile)
	as=(setpriv "--reuid=$user" "--regid=$user" --clear-groups env -u HOME -u USER)
	install -d -o "$user" "$NATSLOCK_DATA"
	chmod 711 "$work"
fi
say "natslock ${command[*]}, natslock ${health[*]}"
background "${as[@]}" "$natslock" "${command[@]}"
"${as[@]}" "$natslock" "${health[@]}"
curl -fsS -u ann:secret -o /dev/null "http://$NATSLOCK_HTTP/console"
