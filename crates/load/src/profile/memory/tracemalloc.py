"""What is asked of Python's own tracemalloc, run by the server's Python: the same steps as of memray. From 3.14 on a process
takes a script from outside (sys.remote_exec); its main thread runs it between two of its own steps."""

import ast
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

# Frames of a stack that are kept.
DEPTH = 32
# What runs in the server. All of it is there before memory is traced, so that it is not in what is seen.
NAME = "_tracemalloc_payload"
PAYLOAD = """
import gc, json, os, sys, tracemalloc

def start():
    if tracemalloc.is_tracing():
        raise RuntimeError("the server traces its memory itself")
    tracemalloc.start(DEPTH)

def dump(file):
    # Garbage in cycles that Python has not come round to yet is not kept by anybody.
    gc.collect()
    snapshot = tracemalloc.take_snapshot()
    tracemalloc.stop()
    del sys.modules[NAME]
    with open(file, "w") as out:
        for kept in snapshot.statistics("traceback"):
            frames = [[frame.filename, frame.lineno] for frame in reversed(kept.traceback)]
            # The line that called this.
            if frames[0][0] != "<string>":
                out.write(json.dumps([kept.size, kept.count, frames]) + chr(10))

def run(answer, step, *words):
    try:
        step(*words)
        said = ""
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    with open(answer + ".part", "w") as out:
        out.write(said)
    os.rename(answer + ".part", answer)
"""
PLACE = f"""
import sys, types
payload = sys.modules[{NAME!r}] = types.ModuleType({NAME!r})
payload.NAME, payload.DEPTH = {NAME!r}, {DEPTH}
exec(compile({PAYLOAD!r}, {NAME + ".py"!r}, "exec"), payload.__dict__)
"""
RUN = f"""
import sys; payload = sys.modules[{NAME!r}]; payload.run"""
BUSY = "import time; print(flush=True)\nfor _ in range(6000): bytearray(1); time.sleep(0.01)"


def let_in(pid, step, *words, before=""):
    with tempfile.TemporaryDirectory() as directory:
        script, answer = (os.path.join(directory, name) for name in ("script.py", "answer"))
        with open(script, "w") as out:
            words = "".join(f", {word!r}" for word in words)
            out.write(f"{before}{RUN}({answer!r}, payload.{step}{words})\n")
        try:
            sys.remote_exec(int(pid), script)
        except PermissionError as error:
            return f"ptrace: {error}"
        begun = time.monotonic()
        while not os.path.exists(answer):
            waited = time.monotonic() - begun
            if waited > 30:
                return "its main thread waits for input by itself, and did not come round to it within 30 s"
            if waited > 0.2:
                # A main thread that waits for something is woken so, and sees it.
                os.kill(int(pid), signal.SIGSTOP)
                os.kill(int(pid), signal.SIGCONT)
            time.sleep(0.05)
        with open(answer) as said:
            return said.read()


def attach(pid, _file):
    return let_in(pid, "start", before=PLACE)


def detach(pid, file):
    return let_in(pid, "dump", file)


def trial(_file):
    if not hasattr(sys, "remote_exec"):
        return "below Python 3.14 nothing of Python's own can be let in"
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
        try:
            # Before it has begun there is nothing to be let into.
            child.stdout.readline()
            return attach(child.pid, None) or (child.poll() is not None and "the process that it was tried on ended")
        finally:
            child.kill()


@functools.cache
def functions(path):
    """The first and the last line of each function of a file, and its name; inner ones come later."""
    try:
        with open(path) as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return sorted((node.lineno, node.end_lineno, node.name) for node in ast.walk(tree) if isinstance(node, kinds))


def function(path, line):
    around = [name for first, last, name in functions(path) if first <= line <= last]
    return around[-1] if around else "<module>"


def read(file):
    with open(file) as lines:
        for line in lines:
            size, count, frames = json.loads(line)
            named = [[function(path, at), path, at] for path, at in frames]
            print(json.dumps({"bytes": size, "allocations": count, "frames": named}))


sys.exit({"attach": attach, "detach": detach, "trial": trial, "read": read}[sys.argv[1]](*sys.argv[2:]) or 0)
