#!/usr/bin/env bash
# Vets and lints the Go code, and checks that go.mod is tidy.
source "$(dirname "$0")/env.sh"
version=v2.15.0

if [[ $(golangci-lint version --short 2>/dev/null) != "${version#v}" ]]; then
	say "install golangci-lint $version"
	GOBIN=$bin go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
fi
go vet ./...
golangci-lint run
go mod tidy -diff
