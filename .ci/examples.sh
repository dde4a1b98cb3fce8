#!/usr/bin/env bash
# Runs the programs in examples/ against a natslock of its own.
source "$(dirname "$0")/env.sh"
source .ci/server.sh
bash .ci/build.sh "$work/natslock"
bash .ci/natscli.sh
export PATH="$work:$PATH"
background natslock serve

say "examples/go"
go run ./examples/go
for script in examples/shell/*.sh; do
	say "$script"
	bash "$script"
done
say "examples/node"
cd examples/node
npm ci --no-audit --no-fund
npm start
npm test
