#!/bin/sh
# The official conformance suite for MCP clients, with this program as the client. Each scenario must pass but for those of
# scripts/conformance-expected.txt, which must fail: one that passes no longer belongs there.
# Exits with 1 if one does not do as it should, and 3 if the suite cannot be installed.
# Usage: scripts/conformance.sh [PROGRAM]; needs npm, from which Node 22 is installed below target if there is none, and a
# release build if PROGRAM is not given.
set -eu
cd "$(dirname "$0")/.."
PROGRAM=${1:-$PWD/target/release/music21-mcp-bench}
export PROGRAM
home=$PWD/target/conformance
mkdir -p "$home"
packages=@modelcontextprotocol/conformance@0.1.16
major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
[ "${major:-0}" -ge 22 ] || packages="$packages node@22"
if [ ! -x "$home/node_modules/.bin/conformance" ]; then
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
exit $wrong
