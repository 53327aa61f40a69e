"""A stdio MCP server that goes wrong in one way, named by its argument, on its first tool call.

Standard library only. What comes after the first call is answered as it should be, so that a test
sees whether the connection survived.
"""

import json
import os
import signal
import subprocess
import sys
import time

MODE = sys.argv[1]
OUT = sys.stdout.buffer


def send(data):
    OUT.write(data)
    OUT.flush()


def frame(id, **body):
    return json.dumps({"jsonrpc": "2.0", "id": id, **body}).encode() + b"\n"


def healthy(id, status="healthy", **result):
    text = json.dumps({"status": status, "message": "as told"})
    return frame(id, result={"content": [{"type": "text", "text": text}], **result})


def ask(request):
    """Sends a request of our own and waits for the client's answer."""
    send(json.dumps({"jsonrpc": "2.0", "id": "mine", **request}).encode() + b"\n")
    return json.loads(sys.stdin.readline())


def wrong_id(id):
    send(healthy(id + 1000))


def string_id(id):
    send(healthy(str(id)))


def duplicate_id(id):
    send(healthy(id) * 2)


def half_frame(id):
    send(healthy(id)[:30])
    sys.exit(0)


def float_id(id):
    send(healthy(float(id)))


def nulls(id):
    send(frame(id, result={"content": None, "isError": None, "structuredContent": {"status": "healthy"}}, error=None))


def json_log(id):
    for line in range(15):
        send(json.dumps({"level": 30, "msg": f"line {line}"}).encode() + b"\n")
    send(healthy(id))


def length_header(id):
    body = healthy(id).strip()
    send(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def several_lines(id):
    send(json.dumps(json.loads(healthy(id)), indent=2).encode() + b"\n")


def byte_order_mark(id):
    send(b"\xef\xbb\xbf" + healthy(id))


def invalid_json(id):
    send(b'{"jsonrpc":"2.0","id":%d,"result":{]}\n' % id)


def nan(id):
    send(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[],"x":NaN}}\n' % id)


def bad_utf8(id):
    send(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"\xff\xfe"}]}}\n' % id)


def nul(id):
    send(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"\0"}]}}\n' % id)


def both(id):
    send(frame(id, result={}, error={"code": 1, "message": "x"}))


def neither(id):
    send(frame(id))


def no_tool_result(id):
    send(frame(id, result=7))


def is_error(id):
    send(healthy(id, isError=True))


def status_error(id):
    send(healthy(id, status="error"))


def degraded(id):
    send(healthy(id, status="degraded"))


def no_text(id):
    send(frame(id, result={"content": []}))


def rpc_error(id):
    send(frame(id, error={"code": -32603, "message": "internal"}))


def rate_limited(id):
    send(frame(id, error={"code": -32000, "message": "Rate limit exceeded", "data": {"retry_after": 2}}))


def huge(id):
    send(healthy(id, padding="x" * 3_000_000))


def noise(id):
    send(b"Welcome!\n\n{0.0} <note>\n 50%|#####     |\r" + healthy(id))


def stderr_flood(id):
    sys.stderr.write("warning\n" * 200_000)
    sys.stderr.flush()
    send(healthy(id))


def stdin_closed(id):
    os.close(0)
    send(healthy(id))
    time.sleep(1000)


def exit_7(id):
    sys.stderr.write("Traceback: it broke\n")
    sys.exit(7)


def killed(id):
    os.kill(os.getpid(), signal.SIGKILL)


def hang(id):
    pass


def late(id):
    other = json.loads(sys.stdin.readline())["id"]
    send(healthy(id) + healthy(other))


def drip(id):
    for byte in healthy(id):
        send(bytes([byte]))
        time.sleep(0.01)


def interleaved(id):
    send(b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%d,"progress":1}}\n' % id)
    pong = ask({"method": "ping"})
    refusal = ask({"method": "sampling/createMessage", "params": {}})
    fine = pong.get("result") == {} and refusal["error"]["code"] == -32601
    send(healthy(id) if fine else healthy(id, status="degraded"))


def garbage(id):
    send(b'{"garbage\n' * 12)


def orphan(id):
    """Leaves a process behind that holds our stdout."""
    subprocess.Popen(["sleep", "1000"])
    sys.exit(0)


def stubborn(id):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    send(healthy(id))
    while True:
        time.sleep(1000)


def main():
    if MODE == "exit_at_start":
        sys.stderr.write("ModuleNotFoundError: No module named 'music21'\n")
        sys.exit(3)
    broken = False
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        id, method = request.get("id"), request.get("method")
        if method == "initialize" and MODE != "deaf":
            info = {"name": "misbehave", "version": "1"}
            send(frame(id, result={"protocolVersion": "2025-03-26", "capabilities": {}, "serverInfo": info}))
        elif method == "tools/list":
            tools = [{"name": "health_check", "inputSchema": {"type": "object"}}]
            if MODE == "odd_tools":
                tools += [{"name": "bare"}, {"name": "odd", "annotations": {"readOnlyHint": "yes"}, "icons": 5}, {}]
            cursor = {"endless_list": {"nextCursor": "again"}, "empty_cursor": {"nextCursor": ""}}.get(MODE, {})
            send(frame(id, result={"tools": tools, **cursor}))
        elif method == "tools/call" and not broken and MODE != "sound":
            broken = True
            globals()[MODE](id)
        elif method == "tools/call":
            send(healthy(id))


main()
