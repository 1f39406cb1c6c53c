"""Starts a worker: in which interpreter, with which environment, and so that it can be killed whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]

# Loads exactly this rnn_export by its folder. PYTHONPATH would do so as well, but would also lay the rest of
# our site-packages over those of a foreign environment, its NumPy included.
BOOTSTRAP = """
import importlib.util as u, sys
folder = sys.argv.pop(1)
spec = u.spec_from_file_location("rnn_export", folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules["rnn_export"] = module = u.module_from_spec(spec)
spec.loader.exec_module(module)
from rnn_export.runtimes.worker import main
main(sys.argv[1:])
"""


def launch(interpreter: Path | None, arguments: list[str], threads: int) -> subprocess.Popen[bytes]:
    """Return a worker with three unbuffered pipes.

    Args:
        interpreter: the Python of another environment; None for this one.
        arguments: of `worker.main`; the last is the worker's scratch folder.
        threads: how many its numeric libraries may use.

    Raises:
        OSError: there is no such interpreter.
    """
    # -P: the user's current folder is not searched, where a file numpy.py would shadow NumPy.
    command = [str(interpreter or sys.executable), "-P", "-c", BOOTSTRAP, str(PACKAGE)]
    return subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=_environment(interpreter is not None, threads, arguments[-1]),
        # Its own group: it is killed with all it started, and Ctrl-C reaches the parent alone.
        start_new_session=True,
    )


def _environment(foreign: bool, threads: int, scratch: str) -> dict[str, str]:
    environment = dict(os.environ)
    if foreign:
        # They speak of our environment: another interpreter would find our packages, or not even start.
        for name in ("PYTHONPATH", "PYTHONHOME"):
            environment.pop(name, None)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(threads)
    # What a product leaves in its temporary folder goes with the worker.
    environment["TMPDIR"] = scratch
    return environment
