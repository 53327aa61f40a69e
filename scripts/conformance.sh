#!/bin/sh
# The official conformance suite for MCP clients, with this program as the client: each scenario must pass.
# Usage: scripts/conformance.sh [PROGRAM]; needs Node 22 and, if PROGRAM is not given, a release build.
set -eu
cd "$(dirname "$0")/.."
PROGRAM=${1:-$PWD/target/release/music21-mcp-bench}
export PROGRAM
for scenario in initialize tools_call sse-retry; do
  echo "== $scenario"
  npx --yes @modelcontextprotocol/conformance@0.1.16 client \
    --command "$PWD/scripts/conformance_client.sh" --scenario "$scenario"
done
