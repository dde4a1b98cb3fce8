#!/usr/bin/env bash
# Fuzzes every fuzz target of the project, one after the other: fuzz.sh [TIME].
source "$(dirname "$0")/env.sh"
time=${1:-3s}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$(go env GOCACHE)/fuzz
found=0

# fuzz DIR PACKAGE NAME: one target, whose package is built in $work/fuzz.
fuzz() {
	local log=$work/log
	(cd "$1" && "$work/fuzz" -test.run '^$' -test.fuzz "^$3\$" -test.fuzztime "$time" -test.fuzzcachedir "$cache/$2") </dev/null 2>&1 | tee "$log" && return
	over "$log" "$3" && say "nothing found until the time was over"
}

# over LOG NAME: whether a target failed by nothing but the end of its time, which
# Go takes for a failure when it learns of that before its workers do: what is found
# is told of otherwise.
over() {
	local rest
	rest=$(grep -v '^fuzz: elapsed: ' "$1" | sed -E 's/ \([0-9.]+s\)$//')
	[[ $rest == "--- FAIL: $2"$'\n    context deadline exceeded\nFAIL' ]]
}

while read -r dir; do
	package=$(go list "./$dir")
	go test -c -vet=off -fuzz . -o "$work/fuzz" "$package" # once for all its targets
	while read -r name; do
		say "$dir $name"
		fuzz "$dir" "$package" "$name"
		found=$((found + 1))
	done < <(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/func //' | sort)
done < <(grep -rlE --include='*_test.go' '^func Fuzz' . | sed -E 's|^\./||; s|/[^/]*$||' | sort -u)
((found > 0)) || die "no fuzz target found"
say "$found targets fuzzed"
