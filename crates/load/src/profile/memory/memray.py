"""What is asked of memray, run by a Python that has it: trial FILE, attach PID FILE, detach PID FILE, read FILE."""

import json
import subprocess
import sys

import memray
from memray.commands import attach as injecting
from memray.commands import main

# lldb's breakpoints have been seen to crash a server some seconds after memray was let in; gdb's leave none behind.
METHOD = "sys.remote_exec" if hasattr(sys, "remote_exec") else "gdb"
# Garbage in cycles that Python has not come round to yet is not kept by anybody.
COLLECT = "import gc; gc.collect()\n"
BUSY = "import time\nfor _ in range(6000): bytearray(1); time.sleep(0.01)"


def attach(pid, file):
    # Small objects lie in Python's own pools: without these followed, a pool is seen and not the line that fills it.
    options = ["--aggregate", "--trace-python-allocators", "--force", "--output", file]
    return main(["attach", "--verbose", "--method", METHOD, *options, pid])


def detach(pid, _file):
    if hasattr(injecting, "PAYLOAD"):
        injecting.PAYLOAD = COLLECT + injecting.PAYLOAD
    return main(["detach", "--verbose", "--method", METHOD, pid])


def trial(file):
    """A debugger that fails halfway can kill what it was let into: first into a process of ours."""
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.DEVNULL) as child:
        try:
            return attach(str(child.pid), file) or (child.poll() is not None and "the process that it was tried on ended")
        finally:
            child.kill()


def read(file):
    for record in memray.FileReader(file).get_leaked_allocation_records(merge_threads=True):
        kept = {
            "bytes": record.size,
            "allocations": record.n_allocations,
            "mapped": record.allocator == memray.AllocatorType.MMAP,
            "frames": record.stack_trace(),
        }
        print(json.dumps(kept))


sys.exit({"attach": attach, "detach": detach, "trial": trial, "read": read}[sys.argv[1]](*sys.argv[2:]))
