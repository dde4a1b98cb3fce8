#!/usr/bin/env bash
# Makes the Go code of the gRPC service from its proto file. With --check it fails
# when that changes something.
source "$(dirname "$0")/env.sh"
go=v1.36.12 grpc=v1.6.2

go build -C .ci/proto -o "$bin/proto" .
GOBIN=$bin go install "google.golang.org/protobuf/cmd/protoc-gen-go@$go"
GOBIN=$bin go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$grpc"
dir=service/gateway/ldlm/ldlmpb
out=$dir
if [[ ${1:-} == --check ]]; then
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
fi
proto "$dir" ldlm.proto "$out" protoc-gen-go protoc-gen-go-grpc
[[ $out == "$dir" ]] || for file in "$out"/*.go; do
	cmp "$file" "$dir/$(basename "$file")" || die "$dir is not what its proto file makes: make proto"
done
