#!/usr/bin/env bash
# Installs what the tests need and runs all of them.
source "$(dirname "$0")/env.sh"
source .ci/stages.sh

# readers does what readers of the docs do: they wait for servers most of the time.
readers() {
	stage "README" bash .ci/readme.sh
	stage "how to move here" bash .ci/readme.sh docs/migrate.md
	stage "examples" bash .ci/examples.sh
	stage "LDLM clients" bash .ci/ldlm.sh
}

stage "Go tests" bash .ci/unit.sh
stage "processes that are killed" bash .ci/soak.sh 12s
beside readers # of stages that only compute
stage "mutants of the core" bash .ci/mutants.sh
stage "fuzz tests" bash .ci/fuzz.sh 3s
joined
stage "console" bash .ci/console.sh
stage "socket.io clients" bash .ci/socketio.sh
passed
