#!/usr/bin/env bash
# Measures this project's socket.io, that of npm, an echo that is stored, and the locks of
# natslock side by side: run.sh [ROUNDS [FLAG...]]. All run at once, and each is measured for a
# second in turn, over and over: what else the machine does, and how fast it is just now,
# concerns all of them. At the end come the medians. The flags are those of the program
# here. What idle connections take is seen in one round, for which the servers are fresh:
# run.sh 1 -idle 5000.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
rounds=${1:-20}
flags=("${@:2}")
work=$(mktemp -d)
declare -A servers at
stop() {
	((${#servers[@]} == 0)) || kill "${servers[@]}" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap stop EXIT
go build -o "$work/bench" .
go build -o "$work/conformance" ../conformance
go build -o "$work/floor" ./floor
go build -o "$work/natslock" ../../../../cmd/natslock
npm ci --no-audit --no-fund

# start NAME COMMAND...: starts a server, which says where it is.
start() {
	local name=$1 tries
	shift
	"$@" >"$work/$name.log" 2>&1 &
	servers[$name]=$!
	for ((tries = 0; tries < 100; tries++)); do
		at[$name]=$(sed -nE '/ready/!d; s/.*ready at //p' "$work/$name.log")
		grep -q '^natslock: ready' "$work/$name.log" && at[$name]=$(sed -nE 's|.*http listens.*url=http://([^ ]+).*|\1|p' "$work/$name.log")
		[[ -z ${at[$name]} ]] || return 0
		sleep 0.1
	done
	cat "$work/$name.log" >&2
	return 1
}

# measure NAME: measures a server once.
measure() {
	local locks=()
	[[ $1 != natslock ]] || locks=(-locks)
	"$work/bench" -url "ws://${at[$1]}" -pid "${servers[$1]}" "${locks[@]}" -idle 0 -time 1s "${flags[@]}"
}

names=(echo socket.io floor natslock)
start echo "$work/conformance" -addr 127.0.0.1:0 -ping-interval 25s -ping-timeout 20s
start socket.io node server.js
start floor "$work/floor" -addr 127.0.0.1:0 -data "$work/floor.data"
start natslock "$work/natslock" serve --sync 1s --data "$work/data" --nats 127.0.0.1:0 --http 127.0.0.1:0
if ((rounds > 1)); then
	for name in "${names[@]}"; do measure "$name" >/dev/null; done # to be warm
fi
for ((round = 1; round <= rounds; round++)); do
	for name in "${names[@]}"; do
		printf '%-10s%s\n' "$name" "$(measure "$name")" | tee -a "$work/results"
	done
done

# What is done in a second, and its ratio to the echoes of the same round.
awk '
	function median(list, n, i, j, t) {
		for (i = 2; i <= n; i++) for (j = i; j > 1 && list[j-1] > list[j]; j--) { t = list[j]; list[j] = list[j-1]; list[j-1] = t }
		return n % 2 ? list[(n + 1) / 2] : (list[n/2] + list[n/2 + 1]) / 2
	}
	{ match($0, /talk: [0-9]+/); done[$1, ++n[$1]] = substr($0, RSTART + 6, RLENGTH - 6); if (n[$1] == 1) names[++all] = $1 }
	END {
		for (k = 1; k <= all; k++) {
			name = names[k]
			for (i = 1; i <= n[name]; i++) { rate[i] = done[name, i] + 0; ratio[i] = rate[i] / done["echo", i] }
			printf "median of %d: %-10s%7.0f/s, %.2f of echo\n", n[name], name, median(rate, n[name]), median(ratio, n[name])
		}
	}' "$work/results"
