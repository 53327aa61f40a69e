#!/bin/sh
# A client as the conformance suite starts it: the last word is the server's URL. It lists the tools and calls them.
set -eu
for url; do :; done
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
# A server without tools is refused by init, once it has been initialized: what the suite saw of that decides.
"$PROGRAM" init --server "$url" -o "$place/mine.toml" || exit 0
# The suite's tools change nothing, though they do not declare it: those that init has as comments are called, too.
sed -i 's/^# \(\[\{1,2\}stages\..*\)/\1/; s/^# \([a-z_]* = \)/\1/' "$place/mine.toml"
# What the suite judges is what it saw; a tool that fails on purpose is no failure of the client.
"$PROGRAM" run "$place/mine.toml" --clients 1 --duration 3 --deadline 10 --out "$place/out" --quiet || true
