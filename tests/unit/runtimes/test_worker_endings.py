"""A worker ends with its use: on closing, when forgotten, on Ctrl-C, and whatever ends its parent; nothing is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rnn_export.runtimes import Available, connect
from rnn_export.runtimes.worker import ALARM_GRACE
from tests.unit.runtimes import faulty
from tests.unit.runtimes.workers import PROVOKING, Connected, assert_gone, assert_recovers

pytestmark = pytest.mark.usefixtures("registered")

ROOT = Path(__file__).resolve().parents[3]


def test_closing_leaves_neither_process_nor_file(connected: Connected) -> None:
    connection = connected("leave_a_file")
    session = connection.open(faulty.ANY_FILE)
    session.run(PROVOKING)
    found = connection.probe()
    assert isinstance(found, Available)
    scratch = Path(found.details["TMPDIR"])
    assert (scratch / "left").exists()
    connection.close()
    assert_gone(int(found.details["pid"]))
    assert not scratch.exists()
    assert_recovers(connection)


def test_a_forgotten_connection_ends_its_worker(connected: Connected) -> None:
    connection = connect("faulty:abort")
    found = connection.probe()
    assert isinstance(found, Available)
    del connection
    assert_gone(int(found.details["pid"]))


SCRIPT = """
import sys, numpy as np
from rnn_export.runtimes import Options, connect
from tests.unit.runtimes import faulty
connection = connect(f"faulty:{sys.argv[1]}")
session = connection.open(faulty.ANY_FILE, Options(time_limit=1.0))
print(session.facts.details["pid"], connection.probe().details["TMPDIR"], flush=True)
session.run({"x": np.ones(1)})
"""


def end_parent(name: str, number: signal.Signals) -> tuple[int, Path]:
    """Let a parent hang in a run and end it by ``number``; return its worker's process and folder."""
    parent = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with parent:
        assert parent.stdout is not None
        pid, scratch = parent.stdout.readline().split()
        time.sleep(0.2)  # so that it waits for the worker, which hangs
        parent.send_signal(number)
        parent.wait(10)
    return int(pid), Path(scratch)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_worker_dies_with_its_parent_whatever_ended_that(number: signal.Signals) -> None:
    pid, scratch = end_parent("hang", number)
    assert_gone(pid)
    deadline = time.monotonic() + 5
    while scratch.exists():
        assert time.monotonic() < deadline, f"{scratch} is left"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_worker_that_no_thread_can_end_is_ended_by_the_kernel() -> None:
    pid, scratch = end_parent("hang_with_the_lock", signal.SIGKILL)
    time.sleep(ALARM_GRACE + 2.0)
    assert_gone(pid)
    scratch.rmdir()  # the one ending that leaves it: nobody was there to remove it


def test_an_interrupt_within_a_run_ends_the_worker(connected: Connected) -> None:
    connection = connected("hang")
    session = connection.open(faulty.ANY_FILE)
    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        session.run(PROVOKING)
    assert_gone(int(session.facts.details["pid"]))
    assert_recovers(connection)
