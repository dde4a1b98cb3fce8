#!/usr/bin/env bash
# Builds the static binary: build.sh [FILE]. VERSION is what it calls itself.
source "$(dirname "$0")/env.sh"
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo devel)}
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$version" -o "${1:-dist/natslock}" ./cmd/natslock
