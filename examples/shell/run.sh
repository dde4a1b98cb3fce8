#!/usr/bin/env bash
# Four at once add one to a number in a file, under a lock: none is lost.
set -euo pipefail
export counter
counter=$(mktemp)
trap 'rm -f "$counter"' EXIT
echo 0 >"$counter"

for _ in 1 2 3 4; do
	natslock run counter -- sh -c 'n=$(cat "$counter"); sleep 0.1; echo $((n + 1)) >"$counter"' &
done
wait
echo "counted to $(cat "$counter")"
[[ $(cat "$counter") == 4 ]]
