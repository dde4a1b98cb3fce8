#!/usr/bin/env bash
# Runs the Go tests with the race detector, all but those that kill processes:
# unit, property and system tests, and the directions of the imports. Never from
# the cache. Arguments go to go test.
source "$(dirname "$0")/env.sh"
bash .ci/natscli.sh # for what natslock tells its operators to type
packages=$(go list ./... | grep -v '/cmd/natslock/soak$')
mapfile -t packages <<<"$packages"
go test -race -count=1 -timeout 10m "$@" "${packages[@]}"
