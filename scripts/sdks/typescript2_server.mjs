// An echo server on the TypeScript SDK 2 that counts the calls which reached it. It speaks protocol 2026-07-28, which has no
// sessions. Arguments: COUNTS stdio, or COUNTS http PORT; COUNTS as for fastmcp_server.py.
import http from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { McpServer, createMcpHandler } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";
import { countStdio, counting } from "./counts.mjs";

const [, , directory, transport, port] = process.argv;
const counter = counting(directory);
const { counts } = counter;

function server() {
  const server = new McpServer({ name: "echo", version: "1.0.0" });
  const tool = { description: "Says what it was told.", inputSchema: z.object({ text: z.string() }) };
  server.registerTool("echo", tool, async ({ text }) => {
    counts.calls += 1;
    return { content: [{ type: "text", text }] };
  });
  return server;
}

if (transport === "stdio") {
  countStdio(counter);
  await server().connect(new StdioServerTransport());
} else {
  http.createServer(toNodeHandler(createMcpHandler(server, {}))).listen(Number(port), "127.0.0.1");
}
