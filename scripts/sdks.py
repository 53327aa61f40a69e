#!/usr/bin/env python3
"""Every current SDK's echo server, over each transport: are calls reported the calls that it counted, and did every session end?

Usage: scripts/sdks.py [--only NAME] [--install] [PROGRAM]

PROGRAM is music21-mcp-bench (target/release/music21-mcp-bench if not given). The SDKs are installed below target/sdks from
PyPI and npm. Prints a Markdown table; exits with 1 if a cell differs, and 3 if no SDK could be installed.
"""

import argparse
import concurrent.futures
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVERS = ROOT / "scripts" / "sdks"
HOME = ROOT / "target" / "sdks"
OLDEST_NODE = 20
CALLS = 400
CLIENTS = 4
SCENARIO = f"""
name = "sdk"
description = "Does every call that is reported reach the server once?"
[[stages]]
name = "echo"
clients = {CLIENTS}
calls = {CALLS}
duration_s = 120
[[stages.workload.flows]]
steps = [{{ tool = "echo", arguments = {{ text = "{{{{nonce}}}}" }}, must_echo_nonce = true }}]
"""
BOTH = [("http", *options) for options in ((), ("json",), ("stateless",), ("stateless", "json"))]
EACH = [("stdio",), *BOTH]
# What is installed, from where, its server, and how that is started.
SDKS = {
    "FastMCP 2.9": ("pypi", ["fastmcp>=2.9,<2.10", "mcp<1.13", "pydantic<2.12"], "fastmcp_server.py", EACH),
    "FastMCP 3": ("pypi", ["fastmcp>=3,<4"], "fastmcp_server.py", EACH),
    "FastMCP 4": ("pypi", ["fastmcp>=4,<5"], "fastmcp_server.py", EACH),
    "TypeScript SDK 1": ("npm", ["@modelcontextprotocol/sdk@1", "zod@3"], "typescript1_server.mjs", EACH),
    "TypeScript SDK 2": (
        "npm",
        ["@modelcontextprotocol/server@2", "@modelcontextprotocol/node@2", "zod@4"],
        "typescript2_server.mjs",
        [("stdio",), ("http", "stateless")],
    ),
}


def node_major():
    node = shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout if node else "v0"
    return int(version.strip().lstrip("v").split(".")[0])


def install(name, registry, packages, server):
    """The words that start the server; None where the registry has it not."""
    home = HOME / name.replace(" ", "-")
    home.mkdir(parents=True, exist_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    if registry == "pypi":
        python = home / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", home], check=True)
        installed = subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], **quiet)
        command = [str(python), str(SERVERS / server)]
    elif not shutil.which("npm") or node_major() < OLDEST_NODE:
        return None, f"there is no npm, or no Node {OLDEST_NODE}"
    else:
        (home / "package.json").write_text('{ "private": true, "type": "module" }\n')
        installed = subprocess.run(["npm", "install", "--silent", "--no-fund", *packages], cwd=home, **quiet)
        # Node finds packages beside the file.
        for file in (server, "counts.mjs"):
            shutil.copy(SERVERS / file, home / file)
        command = ["node", str(home / server)]
    if installed.returncode != 0:
        return None, installed.stderr.strip().splitlines()[-1] if installed.stderr.strip() else "not installed"
    return command, None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, server):
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return None
        if server.poll() is not None:
            return f"the server ended with {server.returncode}"
        time.sleep(0.1)
    return f"nothing listens on port {port} after a minute"


def counted(counts):
    """What the server's processes wrote, added up."""
    total = {"calls": 0, "opened": 0, "ended": 0}
    for path in counts.glob("*.json"):
        for key, value in json.loads(path.read_text()).items():
            total[key] += value
    return total


def measure(program, command, options, place):
    """One cell: what was reported, and what the server counted."""
    counts = place / "counts"
    counts.mkdir(parents=True)
    scenario = place / "sdk.toml"
    scenario.write_text(SCENARIO)
    server = None
    if options == ("stdio",):
        spec = " ".join(f"'{word}'" for word in [*command, counts, "stdio"])
    else:
        port = free_port()
        words = [*command, str(counts), "http", str(port), *options[1:]]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        why = wait_for(port, server)
        if why:
            server.kill()
            return None, [why]
        spec = f"http://127.0.0.1:{port}/mcp"
    out = place / "out"
    try:
        run = [program, "run", scenario, "--server", spec, "--out", out, "--json", "--quiet"]
        done = subprocess.run(run, capture_output=True, text=True, timeout=300)
        time.sleep(0.5)
    finally:
        if server:
            server.kill()
            server.wait()
    if done.returncode not in (0, 3):
        return None, done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    stage = json.loads(done.stdout)["scenarios"][0]["stages"][0]
    ended = stage["accounts"]["ended"]
    return ended, counted(counts)


def judge(ended, server, options):
    """What is wrong with a cell; nothing if all is well."""
    wrong = []
    if ended != {"ok": CALLS}:
        wrong.append(f"calls ended as {ended}")
    if server["calls"] != CALLS:
        wrong.append(f"the server counted {server['calls']} calls")
    keeps_sessions = "stateless" not in options
    if keeps_sessions and not server["opened"] == server["ended"] > 0:
        wrong.append(f"{server['opened']} sessions opened, {server['ended']} ended")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SDKS, help="this SDK alone")
    parser.add_argument("--install", action="store_true", help="install them, and measure nothing")
    parser.add_argument("program", nargs="?", default=ROOT / "target" / "release" / "music21-mcp-bench")
    options = parser.parse_args()
    wanted = {name: sdk for name, sdk in SDKS.items() if options.only in (None, name)}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        installed = pool.map(lambda sdk: install(*sdk), [(name, *sdk[:3]) for name, sdk in wanted.items()])
        installed = dict(zip(wanted, installed))
    if options.install:
        sys.exit(0 if any(command for command, _ in installed.values()) else 3)
    print("| SDK | transport | calls reported | counted by the server | sessions opened | ended |")
    print("|---|---|---|---|---|---|")
    failures, cells = 0, 0
    for name, (_, _, _, ways) in wanted.items():
        command, why = installed[name]
        if command is None:
            print(f"| {name} | – | not here: {why} | | | |", flush=True)
            continue
        for way in ways:
            place = HOME / "runs" / name.replace(" ", "-") / "-".join(way)
            shutil.rmtree(place, ignore_errors=True)
            ended, found = measure(options.program, command, way, place)
            cells += 1
            transport = ", ".join(way)
            if ended is None:
                failures += 1
                print(f"| {name} | {transport} | {' '.join(found)} | | | |", flush=True)
                continue
            wrong = judge(ended, found, way)
            failures += bool(wrong)
            good = ended.get("ok", 0)
            row = [name, transport, good, found["calls"], found["opened"], found["ended"]]
            print("| " + " | ".join(str(cell) for cell in row) + " |" + "".join(f" {one};" for one in wrong), flush=True)
    sys.exit(1 if failures else 0 if cells else 3)


main()
