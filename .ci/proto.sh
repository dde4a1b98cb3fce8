#!/usr/bin/env bash
# Makes the Go code of the gRPC service from its proto file. With --check it fails
# when that changes something.
source "$(dirname "$0")/env.sh"
buf=v1.75.0 go=v1.36.12 grpc=v1.6.2

GOBIN=$bin go install "github.com/bufbuild/buf/cmd/buf@$buf"
GOBIN=$bin go install "google.golang.org/protobuf/cmd/protoc-gen-go@$go"
GOBIN=$bin go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$grpc"
dir=service/gateway/ldlm/ldlmpb
template='{"version":"v2","plugins":[
	{"local":"protoc-gen-go","out":".","opt":"paths=source_relative"},
	{"local":"protoc-gen-go-grpc","out":".","opt":"paths=source_relative"}]}'
out=$dir
if [[ ${1:-} == --check ]]; then
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
fi
buf generate "$dir" --template "$template" --output "$out"
[[ $out == "$dir" ]] || for file in "$out"/*.go; do
	cmp "$file" "$dir/$(basename "$file")" || die "$dir is not what its proto file makes: make proto"
done
