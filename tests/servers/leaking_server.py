"""An MCP server on PyPI's fastmcp that loses memory in three ways, each by a line that is marked: `# keeps: …`.

    python leaking_server.py               serves stdio
"""

import json

from fastmcp import FastMCP
from fastmcp.server.middleware import Middleware

VISITS = []
RENDERED = {}


class Audit(Middleware):
    """Who asked for the tools, for ever."""

    def __init__(self):
        self.answers = []

    async def on_list_tools(self, context, call_next):
        tools = await call_next(context)
        self.answers.append(json.dumps([[tool.name, tool.description] for tool in tools]))  # keeps: listing
        return tools


mcp = FastMCP("leaking test server")
mcp.add_middleware(Audit())


def visited(page):
    return {"page": page, "words": page.split()}  # keeps: visit


@mcp.tool
def visit(page: str) -> str:
    """Notes that a page was visited; nothing ever asks for the notes, which grow with every single call"""
    VISITS.append(visited(page))
    return "noted"


@mcp.tool
def render(page: str) -> str:
    """Renders a page once, since that takes long; what was rendered stays, however many different pages there are"""
    if page not in RENDERED:
        RENDERED[page] = json.loads(json.dumps({"words": page.split() * 8}))  # keeps: cache
    return str(len(RENDERED[page]))


mcp.run()
