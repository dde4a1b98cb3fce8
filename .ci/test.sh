#!/usr/bin/env bash
# Installs what the tests need and runs all of them.
source "$(dirname "$0")/env.sh"
source .ci/stages.sh
stage "Go tests" bash .ci/unit.sh
stage "processes that are killed" bash .ci/soak.sh 12s
stage "mutants of the core" bash .ci/mutants.sh
stage "fuzz tests" bash .ci/fuzz.sh 3s
stage "README" bash .ci/readme.sh
stage "how to move here" bash .ci/readme.sh docs/migrate.md
stage "examples" bash .ci/examples.sh
stage "console" bash .ci/console.sh
stage "socket.io clients" bash .ci/socketio.sh
stage "LDLM clients" bash .ci/ldlm.sh
passed
