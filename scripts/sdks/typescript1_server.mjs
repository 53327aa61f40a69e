// An echo server on the TypeScript SDK 1 that counts what reached it.
// Arguments: COUNTS stdio, or COUNTS http PORT [stateless] [json]; COUNTS as for fastmcp_server.py.
import { randomUUID } from "node:crypto";
import http from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";
import { countStdio, counting } from "./counts.mjs";

const [, , directory, transport, port, ...options] = process.argv;
const counter = counting(directory);
const { counts } = counter;

function server() {
  const server = new McpServer({ name: "echo", version: "1.0.0" });
  const tool = { description: "Says what it was told.", inputSchema: { text: z.string() } };
  server.registerTool("echo", tool, async ({ text }) => {
    counts.calls += 1;
    return { content: [{ type: "text", text }] };
  });
  return server;
}

function serveStdio() {
  countStdio(counter);
  return server().connect(new StdioServerTransport());
}

function serveHttp() {
  const sessions = new Map();
  const enableJsonResponse = options.includes("json");
  const open = async () => {
    const transport = new StreamableHTTPServerTransport({
      enableJsonResponse,
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        counts.opened += 1;
        sessions.set(id, transport);
      },
      onsessionclosed: (id) => {
        counts.ended += 1;
        sessions.delete(id);
      },
    });
    await server().connect(transport);
    return transport;
  };
  const alone = async () => {
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse, sessionIdGenerator: undefined });
    await server().connect(transport);
    return transport;
  };
  const handle = async (request, response) => {
    const id = request.headers["mcp-session-id"];
    if (id && !sessions.has(id)) return response.writeHead(404).end();
    const stateless = options.includes("stateless");
    if (stateless && request.method !== "POST") return response.writeHead(405).end();
    const transport = stateless ? await alone() : (sessions.get(id) ?? (await open()));
    if (stateless) response.on("close", () => transport.close());
    return transport.handleRequest(request, response);
  };
  http.createServer(handle).listen(Number(port), "127.0.0.1");
}

await (transport === "stdio" ? serveStdio() : serveHttp());
