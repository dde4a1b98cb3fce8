#!/usr/bin/env bash
# Looks at the console with a browser, as people do. Its pictures are in dist/console.
source "$(dirname "$0")/env.sh"
source .ci/server.sh

# browser says which one is there.
browser() { command -v chromium || command -v google-chrome-stable || command -v google-chrome; }

if [[ -z ${CHROMIUM:=$(browser)} ]]; then
	say "install chromium"
	as=()
	((EUID == 0)) || as=(sudo -n)
	"${as[@]}" apt-get update -qq
	"${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core
	CHROMIUM=$(browser) || die "no browser is there"
fi
export CHROMIUM
export NATSLOCK=$work/natslock SCREENSHOTS=$PWD/dist/console
bash .ci/build.sh "$NATSLOCK"
background "$NATSLOCK" serve
cd service/gateway/console/testdata/browser
npm ci --no-audit --no-fund
timeout 240 npm test
