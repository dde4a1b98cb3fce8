#!/usr/bin/env bash
# Formats the Go files: fmt.sh. With --check it changes none, and fails when
# there is one to format.
source "$(dirname "$0")/env.sh"
if [[ ${1:-} != --check ]]; then
	exec gofmt -l -s -w .
fi
wrong=$(gofmt -l -s .)
[[ -z $wrong ]] || die "not formatted (make fmt): $wrong"
