#!/usr/bin/env bash
# Fuzzes every fuzz target of the project, one after the other: fuzz.sh [TIME].
source "$(dirname "$0")/env.sh"
time=${1:-3s}
found=0
while IFS=: read -r file name; do
	say "$(dirname "$file") $name"
	go test "./$(dirname "$file")" -run '^$' -fuzz "^$name\$" -fuzztime "$time" </dev/null
	found=$((found + 1))
done < <(grep -r --include='*_test.go' -E '^func Fuzz' . | sed -E 's/^\.\/([^:]+):func (Fuzz[A-Za-z0-9_]*).*/\1:\2/' | sort)
((found > 0)) || die "no fuzz target found"
