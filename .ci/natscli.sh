#!/usr/bin/env bash
# Builds the nats command into .ci/bin, unless it is there: exactly its release,
# with the versions and checksums that it names, but without nsc, which only
# "nats auth" needs.
source "$(dirname "$0")/env.sh"
version=v0.3.2

if [[ $(nats --version 2>/dev/null) == "${version#v}" ]]; then
	exit 0
fi
say "build nats $version"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
release=$(cd "$work" && go mod download -json "github.com/nats-io/natscli@$version" | sed -nE 's/^\t"Dir": "(.*)",$/\1/p')
install -m 644 "$release/go.mod" "$release/go.sum" "$work"
go mod edit -replace "github.com/nats-io/nsc/v2=$PWD/.ci/natscli/nsc" "$work/go.mod"
go build -C "$release" -modfile "$work/go.mod" -ldflags "-s -w -X main.version=${version#v}" -o "$bin/nats" ./nats
