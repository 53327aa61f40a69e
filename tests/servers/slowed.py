"""A stdio MCP server with scores to import and to list, one of whose functions works more if told to.

    SLOWED=20 python slowed.py      `sort` does its work twenty times

Standard library only. It works and does not sleep: a profile of CPU time sees work.
"""

import asyncio
import json
import os
import sys

TIMES = int(os.environ.get("SLOWED", "1"))
TOOLS = ["import_score", "list_scores"]


def sort(notes):
    for _ in range(TIMES):
        notes = sorted(notes * 20)[::20]
    return notes


def count(notes):
    number = 0
    while number < 20 * len(notes):
        number += 1
    return number // 20


def call(name, arguments):
    notes = sort(list(range(1000)))
    if name == "list_scores":
        return {"count": 1, "scores": [count(notes)]}
    return {"score_id": arguments["score_id"], "num_notes": count(notes), "num_parts": 1}


def answer(method, params):
    match method:
        case "initialize":
            return {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "slowed", "version": "1"},
            }
        case "tools/list":
            return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}
        case "tools/call":
            body = {"status": "success", **call(params["name"], params.get("arguments", {}))}
            return {"content": [{"type": "text", "text": json.dumps(body)}]}
        case _:
            return {}


async def serve():
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await reader.readline():
        asked = json.loads(line)
        if "id" in asked:
            result = answer(asked["method"], asked.get("params", {}))
            print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)


asyncio.run(serve())
