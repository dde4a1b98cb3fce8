#!/usr/bin/env bash
# Runs the Go tests with the race detector, all but those that kill processes:
# unit, property and system tests, and the directions of the imports. Never from
# the cache. Arguments go to go test.
#
# The detector has each process wait a whole second for races when it exits, and the
# tests start hundreds; here it waits for less. make lint vets.
source "$(dirname "$0")/env.sh"
bash .ci/natscli.sh # for what natslock tells its operators to type
packages=$(go list ./... | grep -vx '.*/cmd/natslock/soak')
mapfile -t packages <<<"$packages"
export GORACE="atexit_sleep_ms=50 ${GORACE:-}"
go test -race -vet=off -count=1 -timeout 10m "$@" "${packages[@]}"
