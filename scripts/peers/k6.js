// One cheap tool call again and again, in a session for each virtual user, every answer checked: what
// health.toml asks of this crate.
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const calls = new Counter('calls');
const bad = new Counter('bad');

export const options = {
  scenarios: {
    health: {
      executor: 'constant-vus',
      vus: Number(__ENV.CLIENTS),
      duration: `${__ENV.SECONDS}s`,
      gracefulStop: '1s',
    },
  },
};

const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
const client = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'k6', version: '1' } };
let id = 0;

function post(message) {
  return http.post(__ENV.URL, JSON.stringify({ jsonrpc: '2.0', ...message }), { headers });
}

function open() {
  const reply = post({ id: ++id, method: 'initialize', params: client });
  headers['Mcp-Session-Id'] = reply.headers['Mcp-Session-Id'];
  post({ method: 'notifications/initialized' });
}

// A reply is JSON, or an event of a stream that holds it in one line.
function isGood(body) {
  try {
    const line = body.split('\n').filter((line) => line.startsWith('data: {')).pop();
    const data = line ? line.slice('data: '.length) : body;
    const { id: answered, result } = JSON.parse(data);
    return answered === id && !result.isError && JSON.parse(result.content[0].text).status === 'healthy';
  } catch {
    return false;
  }
}

export default function () {
  if (id === 0) open();
  const reply = post({ id: ++id, method: 'tools/call', params: { name: 'health_check', arguments: {} } });
  calls.add(1);
  if (!isGood(reply.body)) bad.add(1);
}
