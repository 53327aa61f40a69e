#!/bin/sh
# A client as the conformance suite starts it: the last word is the server's URL. It lists the tools and calls them.
set -eu
for url; do :; done
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$PROGRAM" init --server "$url" -o "$place/mine.toml"
# What the suite judges is what it saw; a tool that fails on purpose is no failure of the client.
"$PROGRAM" run "$place/mine.toml" --clients 1 --duration 8 --deadline 10 --out "$place/out" --quiet || true
