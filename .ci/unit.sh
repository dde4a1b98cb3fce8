#!/usr/bin/env bash
# Runs the Go tests with the race detector, all but those that kill processes:
# unit, property and system tests, and the directions of the imports. Never from
# the cache. Arguments go to go test.
#
# The core is tested without the detector, with which the walk through its small
# worlds takes eight times as long: nothing in it runs beside anything else.
# Elsewhere the detector has each process wait a whole second for races when it
# exits, and the tests start hundreds; here it waits for less. make lint vets.
source "$(dirname "$0")/env.sh"
core=github.com/natslock/natslock/service/lock
bash .ci/natscli.sh # for what natslock tells its operators to type
packages=$(go list ./... | grep -vxE ".*/cmd/natslock/soak|$core")
mapfile -t packages <<<"$packages"
go test -vet=off -count=1 -timeout 10m "$@" "$core"
export GORACE="atexit_sleep_ms=50 ${GORACE:-}"
go test -race -vet=off -count=1 -timeout 10m "$@" "${packages[@]}"
