#!/usr/bin/env bash
# What a call costs this crate's client and what it costs k6: the same server, the same tool, the same sessions, every
# answer checked. Needs k6 on PATH, and `cargo build --release` before. The server has one CPU and the client the
# other, so that calls a second are the slower side's; the fair figure is CPU time a call. CLIENTS and SECONDS_EACH are
# variables. What a client needs to start is left out: a run of one second is subtracted from the long one.
set -euo pipefail
cd "$(dirname "$0")/../.."
bench=target/release/music21-mcp-bench
clients=${CLIENTS:-10} seconds=${SECONDS_EACH:-10} address=127.0.0.1:8790
url=http://$address/mcp out=$(mktemp -d)

taskset -c 0 "$bench" serve --http "$address" --quiet > /dev/null &
server=$!
trap 'kill $server; rm -rf "$out"' EXIT
until (: < "/dev/tcp/${address/:/\/}") 2> /dev/null; do sleep 0.1; done

# Prints the calls of one run and the CPU seconds of its client. Exit code 3 is right here: a client that uses up its
# CPU is INVALID as a load test, and what is measured.
ours() {
  /usr/bin/time -f '%U %S' -o "$out/cpu" taskset -c 1 "$bench" run scripts/peers/health.toml --server "$url" \
    --clients "$clients" --duration "$1" --out "$out/ours" --json > "$out/ours.json" 2> /dev/null || [ $? -eq 3 ]
  python3 - "$out" << 'PY'
import json, sys
stage = json.load(open(sys.argv[1] + '/ours.json'))['scenarios'][0]['stages'][0]
assert stage['accounts']['ended'] == {'ok': stage['accounts']['sent']}, stage['accounts']
print(stage['accounts']['sent'], sum(map(float, open(sys.argv[1] + '/cpu').read().splitlines()[-1].split())))
PY
}

theirs() {
  /usr/bin/time -f '%U %S' -o "$out/cpu" taskset -c 1 k6 run --quiet --no-usage-report --summary-export "$out/k6.json" \
    -e URL="$url" -e CLIENTS="$clients" -e SECONDS="$1" scripts/peers/k6.js > /dev/null
  python3 - "$out" << 'PY'
import json, sys
metrics = json.load(open(sys.argv[1] + '/k6.json'))['metrics']
assert 'bad' not in metrics, metrics['bad']
print(metrics['calls']['count'], sum(map(float, open(sys.argv[1] + '/cpu').read().splitlines()[-1].split())))
PY
}

for tool in ours theirs; do
  read -r few_calls few_cpu < <($tool 1)
  read -r calls cpu < <($tool "$seconds")
  awk -v tool="$tool" -v n="$calls" -v m="$few_calls" -v t="$cpu" -v u="$few_cpu" -v s="$seconds" -v c="$clients" \
    'BEGIN { printf "%-7s %d sessions: %8.0f calls/s, %6.1f us of client CPU a call\n", tool, c, n / s, (t - u) * 1e6 / (n - m) }'
done
