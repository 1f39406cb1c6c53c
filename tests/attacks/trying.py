"""Runs command lines, each in a process forked from a warm one, and tells what each did: seconds, memory, writes.

Forked, since 150 files by several commands would else be as many starts of Python; and apart, since a crash of
one is to be seen and not to end the others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 30
"""Seconds after which a command is killed; what is allowed is a sixth of it."""


@dataclass(frozen=True)
class Ended:
    """How one command ended.

    Args:
        words: of the command line.
        code: its exit code; negative, the signal that it died of.
        seconds: by the clock.
        busy: seconds of the processor; on a machine that others use too, these alone say something.
        peak: resident bytes at most.
        said: what it wrote to stderr.
        deeds: what it did beyond reading: files written, processes started, addresses asked for.
    """

    words: tuple[str, ...]
    code: int
    seconds: float
    busy: float
    peak: int
    said: str
    deeds: tuple[str, ...]


def tried(
    commands: Sequence[Sequence[str]], folder: Path, variables: Mapping[str, str] | None = None
) -> list[Ended]:
    """Run every command in ``folder`` and return how each ended, in order.

    Args:
        commands: words after the program's name.
        folder: the current one for all.
        variables: of the environment, beside the usual.
    """
    done = subprocess.run(
        [sys.executable, "-c", FORKING, str(LIMIT)],
        input=json.dumps([list(words) for words in commands]),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), (variables or {}).get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": "1",
            **{name: value for name, value in (variables or {}).items() if name != "PYTHONPATH"},
        },
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        Ended(**{**item, "words": tuple(item["words"]), "deeds": tuple(item["deeds"])})
        for item in found
    ]


FORKING = r"""
import gc, json, os, signal, sys, tempfile, time

from rnn_export.cli.app import PROGRAM, app
from rnn_export.cli.boundary import run

DEEDS = {
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
    "os.fork", "os.exec", "os.posix_spawn", "os.system", "subprocess.Popen",
    "socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto", "ctypes.dlopen", "pickle.find_class",
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

def child(words, out, deeds):
    def hook(event, args):
        writes = event == "open" and isinstance(args[2], int) and args[2] & WRITING
        if writes or event in DEEDS:
            os.write(deeds, f"{event} {args!r}"[:300].replace("\n", " ").encode() + b"\n")
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(out, 2)
    sys.addaudithook(hook)
    code = 70
    try:
        code = run(app, PROGRAM, words)
    finally:
        sys.stderr.flush()
        os._exit(code)

def warm(commands):
    # Every module is imported before the first fork: one command of each kind, on files that are none.
    kept = os.dup(1), os.dup(2)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    for first, last in {(words[0], words[1].rpartition(".")[2]) for words in commands}:
        with tempfile.TemporaryDirectory() as folder:
            more = ["-o", folder + "/out.onnx"] if first == "export" else []
            for name in ("none." + last, "text." + last):
                open(folder + "/text." + last, "w").write("text")
                run(app, PROGRAM, [first, folder + "/" + name, *more])
    sys.stdout.flush()
    for stream, held in enumerate(kept, 1):
        os.dup2(held, stream)

asked = json.load(sys.stdin)
warm(asked)
gc.collect()
gc.freeze()
for words in asked:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as deeds:
        begun = time.perf_counter()
        pid = os.fork()
        if not pid:
            child(words, out.fileno(), deeds.fileno())
        deadline = begun + float(sys.argv[1])
        while True:
            gone, status, usage = os.wait4(pid, os.WNOHANG)
            if gone:
                break
            if time.perf_counter() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)
        seconds = time.perf_counter() - begun
        texts = []
        for file in (out, deeds):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "backslashreplace"))
        print(json.dumps({
            "words": words, "code": os.waitstatus_to_exitcode(status), "seconds": seconds,
            "busy": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024,
            "said": texts[0], "deeds": texts[1].splitlines(),
        }), flush=True)
"""
