#!/usr/bin/env bash
# Runs the gRPC client of npm against natslock, as a client of LDLM.
source "$(dirname "$0")/env.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/natslock" ./cmd/natslock
cd service/gateway/ldlm/testdata/node
npm ci --no-audit --no-fund
NATSLOCK=$work/natslock npm test
