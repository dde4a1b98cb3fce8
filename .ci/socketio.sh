#!/usr/bin/env bash
# Runs the socket.io clients of npm, versions 3 and 4, against the gateway's
# socket.io, and against natslock as clients of locker-cache: over long-polling,
# websockets and the upgrade between them.
source "$(dirname "$0")/env.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -race -o "$work/conformance" ./service/gateway/socketio/conformance
go build -o "$work/natslock" ./cmd/natslock
cd service/gateway/socketio/testdata/node
npm ci --no-audit --no-fund
for packed in ../../script/dist/*.gz; do
	name=$(basename "$packed" .gz)
	gunzip <"$packed" | cmp - "node_modules/socket.io-client/dist/$name" || die "$name is not that of the package"
done
CONFORMANCE=$work/conformance NATSLOCK=$work/natslock npm test
