# shellcheck shell=bash
# Sourced by the scripts that need a natslock: a free address, a fresh data
# directory, and everything that was started is ended with the script.
work=$(mktemp -d)
started=()

# halt ends what was started.
halt() {
	local pid tries
	for pid in "${started[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null || continue
		for ((tries = 0; tries < 100; tries++)); do
			kill -0 -- "-$pid" 2>/dev/null || continue 2
			sleep 0.1
		done
		kill -KILL -- "-$pid" 2>/dev/null || true
	done
	started=()
}

end() {
	halt
	rm -rf "$work"
}
trap end EXIT

# The address is in the range that no system hands out by itself.
address() {
	local port
	while port=$((10000 + RANDOM % 20000)); do
		(: </dev/tcp/127.0.0.1/$port) 2>/dev/null || break
	done
	echo "127.0.0.1:$port"
}

NATSLOCK_NATS=$(address)
NATSLOCK_HTTP=$(address)
export NATSLOCK_NATS NATSLOCK_HTTP
export NATSLOCK_DATA=$work/data
export NATSLOCK_SERVER=nats://$NATSLOCK_NATS NATS_URL=nats://$NATSLOCK_NATS

# background COMMAND...: starts a server, and returns when it is ready.
background() {
	local log=$work/server.$RANDOM.log tries
	setsid "$@" >"$log" 2>&1 </dev/null &
	started+=($!)
	for ((tries = 0; tries < 600; tries++)); do
		grep -q '^natslock: ready' "$log" && return
		kill -0 "${started[-1]}" 2>/dev/null || break
		sleep 0.1
	done
	cat "$log" >&2
	die "not ready: $*"
}
