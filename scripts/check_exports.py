#!/usr/bin/env python3
"""Exports of works of music21's own corpus, read again by music21: the same notes, ties and measures?

Usage: check_exports.py [--works N] [PROGRAM]

PROGRAM is music21-mcp-bench (target/release/music21-mcp-bench if not given), whose embedded server reads and writes each of N
works (60 if not given), taken evenly from all MusicXML of the corpus. What differs is printed. Exits with 1 if something
does. Needs music21 from PyPI.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import music21
from check_scores import facts

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST_BYTES = 100_000


class Server:
    """The embedded server over stdio."""

    def __init__(self, program, corpus, exports):
        words = [program, "serve", "--stdio", "--quiet", "--keep-exports", "--export-dir", exports]
        # It reads files below the folder in which it runs.
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=corpus)
        self.last = 0
        client = {"name": "check_exports", "version": "0"}
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self.tell({"method": "notifications/initialized"})

    def tell(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def ask(self, method, params):
        self.last += 1
        self.tell({"id": self.last, "method": method, "params": params})
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.last:
                return answer["result"]
        sys.exit("the server has ended")

    def call(self, tool, **arguments):
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        answer = json.loads(result["content"][0]["text"])
        if answer.get("status") != "success":
            raise RuntimeError(answer.get("message", answer))
        return answer


def works(count):
    corpus = pathlib.Path(music21.__path__[0]) / "corpus"
    found = sorted(path for path in corpus.rglob("*") if path.suffix in (".mxl", ".xml", ".musicxml"))
    # music21 takes minutes over the largest.
    found = [path for path in found if path.stat().st_size < MOST_BYTES]
    return corpus, found[:: max(1, len(found) // count)][:count]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", type=int, default=60)
    parser.add_argument("program", nargs="?", default=ROOT / "target" / "release" / "music21-mcp-bench")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    corpus, chosen = works(options.works)
    same = 0
    with tempfile.TemporaryDirectory() as folder:
        server = Server(pathlib.Path(options.program).resolve(), corpus, folder)
        for work in chosen:
            server.call("import_score", score_id="work", source=str(work), source_type="file")
            exported = server.call("export_score", score_id="work", format="musicxml")["file_path"]
            before, after = facts(str(work)), facts(exported)
            differs = [key for key in ("notes", "parts") if before[key] != after[key]]
            for key in differs:
                print(f"{work.relative_to(corpus)}: {key}\n  before {before[key]}\n  after  {after[key]}", flush=True)
            same += not differs
            server.call("delete_score", score_id="work")
        server.process.stdin.close()
        server.process.wait()
    print(f"{same} of {len(chosen)} works have the same notes, ties and measures in an export")
    sys.exit(0 if same == len(chosen) > 0 else 1)


if __name__ == "__main__":
    main()
