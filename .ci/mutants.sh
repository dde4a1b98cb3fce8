#!/usr/bin/env bash
# Puts faults into the core, one at a time, and fails if its tests miss one.
source "$(dirname "$0")/env.sh"
go test -tags mutants -run '^TestEveryMutantIsKilled$' -count=1 -timeout 20m -v ./service/lock
