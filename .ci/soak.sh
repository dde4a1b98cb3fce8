#!/usr/bin/env bash
# Lets many callers work on a natslock that is killed, stopped and frozen, and
# checks what each of them saw: soak.sh [TIME]. Other arguments go to go test.
source "$(dirname "$0")/env.sh"
time=${1:-10m}
go test -count=1 -v -timeout 60m ./cmd/natslock/soak -soak "$time" "${@:2}"
