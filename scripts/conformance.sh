#!/bin/sh
# The official conformance suite for MCP clients, with this program as the client. Each scenario must pass but for those of
# scripts/conformance-expected.txt, which must fail: one that passes no longer belongs there.
# Then the suite for servers, with a public server, as an agent that `record` must not disturb: it has to find through `record`
# what it finds without it, and what was recorded has to be possible again.
# Exits with 1 if one does not do as it should, and 3 if the suite cannot be installed.
# Usage: scripts/conformance.sh [PROGRAM]; needs npm, from which Node 22 is installed below target if there is none, and a
# release build if PROGRAM is not given.
set -eu
cd "$(dirname "$0")/.."
PROGRAM=${1:-$PWD/target/release/music21-mcp-bench}
export PROGRAM
home=$PWD/target/conformance
mkdir -p "$home"
packages="@modelcontextprotocol/conformance@0.1.16 @modelcontextprotocol/server-everything@2026.8.31"
major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
[ "${major:-0}" -ge 22 ] || packages="$packages node@22"
if [ ! -x "$home/node_modules/.bin/mcp-server-everything" ]; then
  npm install --silent --no-audit --no-fund --prefix "$home" $packages || {
    echo "skipped: npm does not install $packages" >&2
    exit 3
  }
fi
PATH=$home/node_modules/.bin:$PATH
wrong=0
passed=0
for scenario in $(conformance list --client | sed -n 's/^ *- \([^ ]*\) .*/\1/p'); do
  grep -q "^${scenario%%/*}\(/\*\)\?:" scripts/conformance-expected.txt && expected=fails || expected=passes
  # A login needs a browser or a secret, which this program has not: not one of these is started.
  case $expected$scenario in failsauth/*) continue ;; esac
  if said=$(conformance client --command "$PWD/scripts/conformance_client.sh" --scenario "$scenario" 2>&1); then
    found=passes
  else
    found=fails
  fi
  if [ "$found" = "$expected" ]; then
    echo "$scenario: $found, as it should"
    [ "$found" = fails ] || passed=$((passed + 1))
  else
    printf '%s\n%s: %s, and not as it should\n' "$said" "$scenario" "$found"
    wrong=1
  fi
done
# A suite that lists nothing shows nothing.
[ "$passed" -gt 0 ] || wrong=1

place=$(mktemp -d)
# A number below the ports that systems give out by themselves.
port=$((10000 + $$ % 20000))
server=http://127.0.0.1:$port/mcp
PORT=$port mcp-server-everything streamableHttp >"$place/server" 2>&1 &
pids=$!
trap 'kill $pids 2>/dev/null || true; rm -rf "$place"' EXIT
# Node takes its time to start.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  "$PROGRAM" init --server "$server" -o "$place/tools.toml" >/dev/null 2>&1 && break
  sleep 1
done
"$PROGRAM" record --listen 127.0.0.1:$((port + 1)) --out "$place/mine.toml" "$server" 2>"$place/said" &
recorder=$!
pids="$pids $recorder"
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ -s "$place/said" ] || sleep 1
done
# What each scenario came to: the lines at its end.
found() {
  conformance server --suite all --url "$1" 2>&1 | sed -n '/=== SUMMARY ===/,$p'
}
found "$server" >"$place/direct"
found "http://127.0.0.1:$((port + 1))/mcp" >"$place/through"
kill -INT $recorder
wait $recorder || wrong=1
if grep -q ': [1-9][0-9]* passed' "$place/direct" && diff "$place/direct" "$place/through"; then
  echo "record: the suite finds through it what it finds without it"
else
  echo "record: the suite finds something else through it"
  wrong=1
fi
# 3 is for a machine too busy to time anything.
if "$PROGRAM" run "$place/mine.toml" --duration 3 --out "$place/out" --quiet >"$place/run" || [ $? -eq 3 ]; then
  sed -n 's/^.*: wrote \(.*\) to .*/record: \1 are made again/p' "$place/said"
  grep '^Passed' "$place/run" || true
else
  cat "$place/said" "$place/run"
  echo "record: what was recorded cannot be done again"
  wrong=1
fi
exit $wrong
