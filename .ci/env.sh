# shellcheck shell=bash
# Sourced by every script here: strict, at the root of the checkout, with the
# tools that the scripts install first in PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$PWD/.ci/bin
mkdir -p "$bin"
export PATH="$bin:$PATH"

say() { printf '==> %s\n' "$*"; }
die() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}
