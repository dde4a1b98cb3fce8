#!/usr/bin/env bash
# Builds the static binary: build.sh [FILE]. VERSION, a semantic one, is what it
# calls itself; without it, what Go knows of the checkout.
source "$(dirname "$0")/env.sh"
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w ${VERSION:+-X main.version=$VERSION}" -o "${1:-dist/natslock}" ./cmd/natslock
