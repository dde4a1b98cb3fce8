# shellcheck shell=bash
# Sourced by the scripts that run others, stage by stage, until one fails.
stages=0

# stage NAME COMMAND...: runs a command without input, and says how long it took.
stage() {
	local name=$1 start=$SECONDS status=0
	shift
	say "$name"
	"$@" </dev/null || status=$?
	if ((status != 0)); then
		printf 'FAILED: %s, exit status %d, after %ds\n%d passed, 1 failed\n' "$name" "$status" $((SECONDS - start)) "$stages"
		exit 1
	fi
	stages=$((stages + 1))
	say "$name: $((SECONDS - start))s"
}

# beside FUNCTION: runs a function, which consists of stages, beside the stages
# that follow it. When one of these fails, so does it.
beside() {
	aside=$(mktemp -d)
	trap 'kill -TERM -- "-$company" 2>/dev/null || true; wait "$company" || true; rm -rf "$aside"' EXIT
	set -m # all of it in one process group
	(
		stages=0
		trap 'echo "$stages" >"$aside/stages"' EXIT
		"$1"
	) >"$aside/log" 2>&1 </dev/null &
	company=$!
	set +m
}

# joined waits for what runs beside, shows what it has printed, in one piece, and
# fails if it has failed.
joined() {
	local status=0
	wait "$company" || status=$?
	trap - EXIT
	cat "$aside/log"
	stages=$((stages + $(<"$aside/stages")))
	rm -rf "$aside"
	if ((status != 0)); then
		printf '%d passed, 1 failed\n' "$stages"
		exit 1
	fi
}

# passed says that all stages have passed.
passed() { printf '%d passed, 0 failed\n' "$stages"; }
