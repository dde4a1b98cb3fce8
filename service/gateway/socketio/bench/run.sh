#!/usr/bin/env bash
# Measures this project's socket.io and that of npm in turn, three times:
# run.sh [FLAG...]. The flags are those of the program here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
server=
stop() {
	[[ -n $server ]] || return 0
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	server=
}
trap 'stop; rm -rf "$work"' EXIT
go build -o "$work/bench" .
go build -o "$work/conformance" ../conformance
npm ci --no-audit --no-fund

# measure NAME COMMAND...: starts a server, which says where it is, and measures it.
measure() {
	local name=$1 at="" tries
	shift
	"$@" >"$work/$name" &
	server=$!
	for ((tries = 0; tries < 100; tries++)); do
		at=$(sed -n 's/.*ready at //p' "$work/$name")
		[[ -z $at ]] || break
		sleep 0.1
	done
	printf '%-10s' "$name"
	"$work/bench" -url "ws://$at" -pid "$server" "${flags[@]}"
	stop
}

flags=("$@")
for _ in 1 2 3; do
	measure natslock "$work/conformance" -addr 127.0.0.1:0 -ping-interval 25s -ping-timeout 20s
	measure socket.io node server.js
done
