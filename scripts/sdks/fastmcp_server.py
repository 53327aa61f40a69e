"""An echo server on any FastMCP that counts what reached it.

Arguments: COUNTS stdio, or COUNTS http PORT [stateless] [json]. COUNTS is a directory; each process writes one file into it:
calls, sessions opened, sessions ended.
"""

import json
import os
import sys
import threading
import time

from fastmcp import FastMCP

counts = {"calls": 0, "opened": 0, "ended": 0}
mcp = FastMCP("echo")


@mcp.tool()
def echo(text: str) -> str:
    """Says what it was told."""
    counts["calls"] += 1
    return text


def save():
    path = os.path.join(sys.argv[1], f"{os.getpid()}.json")
    with open(path + ".new", "w") as file:
        json.dump(counts, file)
    os.replace(path + ".new", path)


def save_often():
    while True:
        save()
        time.sleep(0.1)


def counted(app):
    """Counts sessions by their header: answers that bring one to who had none, and DELETEs that end one."""

    async def serve(scope, receive, send):
        headers = dict(scope.get("headers") or [])
        had_none = b"mcp-session-id" not in headers

        async def tell(message):
            if message["type"] == "http.response.start":
                brings = any(name.lower() == b"mcp-session-id" for name, _ in message["headers"])
                counts["opened"] += scope["method"] == "POST" and had_none and brings
                counts["ended"] += scope["method"] == "DELETE" and message["status"] < 300
            await send(message)

        await app(scope, receive, tell)

    return serve


def main():
    if sys.argv[2] == "stdio":
        counts["opened"] = 1
        threading.Thread(target=save_often, daemon=True).start()
        mcp.run(transport="stdio")
        counts["ended"] = 1
        save()
        return
    import uvicorn

    threading.Thread(target=save_often, daemon=True).start()
    app = mcp.http_app(path="/mcp", stateless_http="stateless" in sys.argv, json_response="json" in sys.argv)
    uvicorn.run(counted(app), host="127.0.0.1", port=int(sys.argv[3]), log_level="warning", lifespan="on")


main()
