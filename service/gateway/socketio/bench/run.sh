#!/usr/bin/env bash
# Measures this project's socket.io, that of npm, an echo that is stored, and the locks of
# natslock in turn, three times: run.sh [FLAG...]. The flags are those of the program here.
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
go build -o "$work/floor" ./floor
go build -o "$work/natslock" ../../../../cmd/natslock
npm ci --no-audit --no-fund

# measure NAME FLAG COMMAND...: starts a server, which says where it is, and measures
# it with the flag, if that is not empty.
measure() {
	local name=$1 flag=$2 at="" tries
	shift 2
	"$@" >"$work/$name.log" 2>&1 &
	server=$!
	for ((tries = 0; tries < 100; tries++)); do
		at=$(sed -nE '/ready/!d; s/.*ready at //p' "$work/$name.log")
		grep -q '^natslock: ready' "$work/$name.log" && at=$(sed -nE 's|.*http listens.*url=http://([^ ]+).*|\1|p' "$work/$name.log")
		[[ -z $at ]] || break
		sleep 0.1
	done
	printf '%-10s' "$name"
	"$work/bench" -url "ws://$at" -pid "$server" ${flag:+"$flag"} "${flags[@]}"
	stop
}

flags=("$@")
for round in 1 2 3; do
	measure echo "" "$work/conformance" -addr 127.0.0.1:0 -ping-interval 25s -ping-timeout 20s
	measure socket.io "" node server.js
	measure floor "" "$work/floor" -addr 127.0.0.1:0 -data "$work/floor.$round"
	measure natslock -locks "$work/natslock" serve --sync 1s --data "$work/data.$round" --nats 127.0.0.1:0 --http 127.0.0.1:0
done
