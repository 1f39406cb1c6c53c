"""Runtimes that misbehave, one object per way; test_worker_faults registers them as another package would."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnn_export.runtimes import (
    Available,
    Feeds,
    Model,
    OnnxFile,
    Options,
    Results,
    RunFacts,
    Slot,
    Unavailable,
)
from rnn_export.runtimes.contract import Kind

Deed = Callable[[Feeds], Results]


@dataclass(frozen=True)
class Faulty:
    """Its sessions do ``deed`` when run on an input x whose first value is not zero, and return x otherwise."""

    name: str
    deed: Deed
    accepts: tuple[Kind, ...] = ("onnx",)
    precisions: tuple[str, ...] = ("float32",)

    def probe(self) -> Available | Unavailable:
        return Available(
            "1", {"pid": str(os.getpid()), "TMPDIR": os.environ["TMPDIR"], "prefix": sys.prefix}
        )

    def open(self, model: Model, options: Options) -> FaultySession:
        return FaultySession(self, options)


class FaultySession:
    """Any file will do: it is not read."""

    def __init__(self, runtime: Faulty, options: Options) -> None:
        self._runtime = runtime
        self.inputs = (Slot("x", None, None),)
        self.outputs = (Slot("x", None, None),)
        details = {"pid": str(os.getpid()), **options.extra}
        self.facts = RunFacts(runtime.name, "1", options.precision, details=details)

    def run(self, feeds: Feeds) -> Results:
        x = feeds["x"]
        return self._runtime.deed(feeds) if x.size and x.reshape(-1)[0] else {"x": x}

    def close(self) -> None:
        pass


class UnprobedRuntime(Faulty):
    """One whose import kills the process, as a library built for another CPU does."""

    def probe(self) -> Available | Unavailable:
        os.kill(os.getpid(), signal.SIGILL)
        raise AssertionError("unreachable")


class BrokenRuntime(Faulty):
    """One whose import fails otherwise than by ImportError."""

    def probe(self) -> Available | Unavailable:
        raise OSError("libproduct.so.3: wrong ELF class\nmore about it")


class AbsentRuntime(Faulty):
    """One that is not installed."""

    def probe(self) -> Available | Unavailable:
        return Unavailable("No module named 'product'", "pip install product")


def _abort(feeds: Feeds) -> Results:
    sys.stderr.write("assertion failed: batch > 0\n")
    os.abort()


def _divide(feeds: Feeds) -> Results:
    os.kill(os.getpid(), signal.SIGFPE)
    return {}


def _segfault(feeds: Feeds) -> Results:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def _hang(feeds: Feeds) -> Results:
    # A grandchild too, as a compiler would be.
    subprocess.Popen(["sleep", "1000"])
    time.sleep(1000)
    return {}


def _hang_with_the_lock(feeds: Feeds) -> Results:
    # PyDLL keeps Python's lock, as native code may: no thread of the worker runs any more.
    ctypes.PyDLL(None).sleep(1000)
    return {}


def _allocate(feeds: Feeds) -> Results:
    hoard = []
    for _ in range(1000):
        hoard.append(np.ones(2**22))  # 32 MiB that are touched
        time.sleep(0.005)
    return {}


def _chatter(feeds: Feeds) -> Results:
    sys.stdout.write("progress: 100%\n")
    sys.stdout.buffer.write(b"RNNX\x00\xff garbage")
    sys.stdout.flush()
    os.write(1, b"from C as well\n")
    return {"x": feeds["x"]}


def _flood(feeds: Feeds) -> Results:
    for _ in range(2000):
        os.write(2, b"noise " * 200 + b"\n")
    os.write(2, b"the last words\n")
    os.abort()


def _leave(feeds: Feeds) -> Results:
    os._exit(0)


def _leave_politely(feeds: Feeds) -> Results:
    raise SystemExit(3)


def _refuse(feeds: Feeds) -> Results:
    raise RuntimeError("Exception from src/core.cpp:1:\n\n  Check 'rank == 3' failed.\ndetails\n")


def _give_text(feeds: Feeds) -> Results:
    return {"x": np.array(["text"])}


def _leave_a_file(feeds: Feeds) -> Results:
    (Path(os.environ["TMPDIR"]) / "left").write_text("behind")
    return {"x": feeds["x"]}


abort = Faulty("faulty:abort", _abort)
divide = Faulty("faulty:divide", _divide)
segfault = Faulty("faulty:segfault", _segfault)
hang = Faulty("faulty:hang", _hang)
hang_with_the_lock = Faulty("faulty:hang_with_the_lock", _hang_with_the_lock)
allocate = Faulty("faulty:allocate", _allocate)
chatter = Faulty("faulty:chatter", _chatter)
flood = Faulty("faulty:flood", _flood)
leave = Faulty("faulty:leave", _leave)
leave_politely = Faulty("faulty:leave_politely", _leave_politely)
refuse = Faulty("faulty:refuse", _refuse)
give_text = Faulty("faulty:give_text", _give_text)
leave_a_file = Faulty("faulty:leave_a_file", _leave_a_file)
unprobed = UnprobedRuntime("faulty:unprobed", _abort)
broken = BrokenRuntime("faulty:broken", _abort)
absent = AbsentRuntime("faulty:absent", _abort)

NAMES = tuple(name for name, value in list(globals().items()) if isinstance(value, Faulty))
ANY_FILE = OnnxFile(Path(__file__))
