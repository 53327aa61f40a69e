"""An MCP server on Python's standard library alone, for a Python that is newer than the packages on which others stand. It
keeps something of every call by a line that is marked: `# keeps: visit`.

    python plain_server.py                 serves stdio
"""

import asyncio
import json
import sys

NOTES = []
TOOL = {
    "name": "visit",
    "description": "Notes that a page was visited; nothing ever asks for the notes",
    "inputSchema": {"type": "object", "properties": {"page": {"type": "string"}}, "required": ["page"]},
}


def noted(page):
    return {"page": page, "words": page.split()}  # keeps: visit


def spent():
    total = 0
    for _ in range(200_000):
        total = (total + 1) % 100
    return total


def answer(method, params):
    if method == "initialize":
        about = {"name": "plain test server", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        NOTES.append(noted(params["arguments"]["page"]))
        return {"content": [{"type": "text", "text": f"noted after {spent()}"}]}
    return {}


async def main():
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        message = json.loads(line)
        if "id" in message:
            result = answer(message["method"], message.get("params") or {})
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)


asyncio.run(main())
