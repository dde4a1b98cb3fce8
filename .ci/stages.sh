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

# passed says that all stages have passed.
passed() { printf '%d passed, 0 failed\n' "$stages"; }
