//! The MCP client: typed tool calls, deadlines, one classification of every reply.
