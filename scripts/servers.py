#!/usr/bin/env python3
"""`init` and then `run`, unedited, on public MCP servers from npm and PyPI.

Usage: scripts/servers.py [--only NAME] [--seconds N] [PROGRAM]

PROGRAM is music21-mcp-bench (target/release/music21-mcp-bench if not given). The servers are installed below target/servers
and run there, with HOME and TMPDIR in a folder of their own. Prints a Markdown table. Exits with 1 if the file of one cannot
be run, or if a server passes of which not a single answer was good; with 3 if none could be installed.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / "target" / "servers"
NPM = "npm"
PYPI = "pypi"
# Registry, packages, program, arguments; {scratch} is the folder that they work in. Two do not start with SDK 2.
SERVERS = {
    "everything": (NPM, "@modelcontextprotocol/server-everything", "mcp-server-everything", []),
    "memory": (NPM, "@modelcontextprotocol/server-memory", "mcp-server-memory", []),
    "filesystem": (NPM, "@modelcontextprotocol/server-filesystem", "mcp-server-filesystem", ["{scratch}"]),
    "sequential-thinking": (
        NPM,
        "@modelcontextprotocol/server-sequential-thinking",
        "mcp-server-sequential-thinking",
        [],
    ),
    "time": (PYPI, "mcp-server-time", "mcp-server-time", []),
    "git": (PYPI, "mcp-server-git", "mcp-server-git", ["--repository", "{scratch}/repository"]),
    "fetch": (PYPI, "mcp-server-fetch", "mcp-server-fetch", ["--ignore-robots-txt"]),
    "sqlite": (PYPI, "mcp-server-sqlite mcp<2", "mcp-server-sqlite", ["--db-path", "{scratch}/data.db"]),
    "calculator": (PYPI, "mcp-server-calculator", "mcp-server-calculator", []),
    "duckdb": (PYPI, "mcp-server-duckdb mcp<2", "mcp-server-duckdb", ["--db-path", "{scratch}/duck.db"]),
}


def run(words, **more):
    return subprocess.run(words, capture_output=True, text=True, **more)


def last_line(done):
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"


def install(name, registry, packages, program):
    """The program's path, or None and why there is none."""
    home = HOME / name
    home.mkdir(parents=True, exist_ok=True)
    if registry == PYPI:
        python = home / "bin" / "python"
        if not python.exists():
            run([sys.executable, "-m", "venv", str(home)], check=True)
        done = run([str(python), "-m", "pip", "install", "--quiet", *packages.split()])
        path = home / "bin" / program
    elif not shutil.which("npm"):
        return None, "there is no npm"
    else:
        (home / "package.json").write_text('{ "private": true }\n')
        done = run(["npm", "install", "--silent", "--no-fund", *packages.split()], cwd=home)
        path = home / "node_modules" / ".bin" / program
    if done.returncode != 0 or not path.exists():
        return None, last_line(done)
    return path, None


def measure(options, name, path, arguments):
    """What `init` said, and the result of the run; or why there is none."""
    scratch = HOME / name / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    if name == "git":
        run(["git", "init", "--quiet", str(scratch / "repository")], check=True)
    words = [str(path), *(argument.format(scratch=scratch) for argument in arguments)]
    server = " ".join(f"'{word}'" for word in words)
    environment = {**os.environ, "HOME": str(scratch), "TMPDIR": str(scratch)}
    program = str(pathlib.Path(options.program).resolve())
    place = {"cwd": scratch, "env": environment, "stdin": subprocess.DEVNULL, "timeout": 600}
    init = run([program, "init", "--server", server, "-o", "mine.toml"], **place)
    if init.returncode != 0:
        return None, last_line(init)
    said = last_line(init).split(": ", 1)[-1]
    if "nothing is active" in said:
        return said.split(";")[0], None
    words = [program, "run", "mine.toml", "--duration", str(options.seconds), "--out", "out", "--json", "--quiet"]
    done = run(words, **place)
    if not done.stdout.startswith("{"):
        return None, last_line(done)
    return said, json.loads(done.stdout)["scenarios"][0]


def figures(scenario):
    """Calls, good ones, doubtful ones, verdict."""
    stages = scenario["stages"]
    sent = sum(stage["accounts"]["sent"] for stage in stages)
    good = sum(stage["accounts"]["ended"].get("ok", 0) for stage in stages)
    tools = [tool for stage in stages for tool in stage["tools"].values()]
    doubtful = sum((tool.get("doubtful") or {}).get("calls", 0) for tool in tools)
    return sent, good, doubtful, scenario["verdict"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SERVERS, help="this server alone")
    parser.add_argument("--seconds", type=int, default=10, help="how long each is measured")
    parser.add_argument("program", nargs="?", default=ROOT / "target" / "release" / "music21-mcp-bench")
    options = parser.parse_args()
    print("| server | `init` | calls | good | of them doubtful | verdict |")
    print("|---|---|---|---|---|---|")
    failures, measured = 0, 0
    for name, (registry, packages, program, arguments) in SERVERS.items():
        package = packages.split()[0]
        if options.only not in (None, name):
            continue
        path, why = install(name, registry, packages, program)
        if path is None:
            print(f"| {package} | not here: {why} | | | | |", flush=True)
            continue
        measured += 1
        said, found = measure(options, name, path, arguments)
        if said is None:
            failures += 1
            print(f"| {package} | FAILED: {found} | | | | |", flush=True)
        elif found is None:
            print(f"| {package} | {said} | – | – | – | not run: no tool is safe to call |", flush=True)
        else:
            sent, good, doubtful, verdict = figures(found)
            failures += verdict == "pass" and (good == 0 or doubtful > 0)
            print(f"| {package} | {said} | {sent} | {good} | {doubtful} | {verdict} |", flush=True)
    sys.exit(1 if failures else 0 if measured else 3)


main()
