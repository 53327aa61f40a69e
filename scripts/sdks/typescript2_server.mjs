// An echo server on the TypeScript SDK 2 that counts the calls which reached it. It speaks protocol 2026-07-28, which has no
// sessions. Arguments: COUNTS http PORT; COUNTS as for fastmcp_server.py.
import fs from "node:fs";
import http from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { McpServer, createMcpHandler } from "@modelcontextprotocol/server";
import { z } from "zod";

const [, , directory, , port] = process.argv;
const counts = { calls: 0, opened: 0, ended: 0 };

function save() {
  const path = `${directory}/${process.pid}.json`;
  fs.writeFileSync(`${path}.new`, JSON.stringify(counts));
  fs.renameSync(`${path}.new`, path);
}

function server() {
  const server = new McpServer({ name: "echo", version: "1.0.0" });
  const tool = { description: "Says what it was told.", inputSchema: z.object({ text: z.string() }) };
  server.registerTool("echo", tool, async ({ text }) => {
    counts.calls += 1;
    return { content: [{ type: "text", text }] };
  });
  return server;
}

setInterval(save, 100);
save();
http.createServer(toNodeHandler(createMcpHandler(server, {}))).listen(Number(port), "127.0.0.1");
