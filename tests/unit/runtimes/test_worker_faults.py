"""A runtime may abort, hang, hoard, babble or leave: the caller gets a verdict-ready error and the next case runs."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from rnn_export.errors import RuntimeCrashed, RuntimeRefused, RuntimeUnavailable
from rnn_export.runtimes import (
    Connection,
    Crashed,
    KerasFile,
    Missing,
    Options,
    Refused,
    Unavailable,
    find,
    names,
)
from tests.unit.runtimes import faulty
from tests.unit.runtimes.workers import CALM, PROVOKING, Connected, assert_gone, assert_recovers

pytestmark = pytest.mark.usefixtures("registered")


def crash(connection: Connection) -> Crashed:
    session = connection.open(faulty.ANY_FILE)
    with pytest.raises(Crashed) as caught:
        session.run(PROVOKING)
    assert isinstance(caught.value, RuntimeCrashed)
    assert_recovers(connection)
    with pytest.raises(Crashed, match="ended since"):
        session.run(CALM)
    session.close()
    return caught.value


def test_other_packages_runtimes_are_listed_after_the_built_in_ones() -> None:
    assert names()[0] == "numpy"
    assert "faulty:abort" in names()
    assert find("faulty:abort") == "tests.unit.runtimes.faulty:abort"


@pytest.mark.parametrize(
    ("name", "number"), [("abort", "SIGABRT"), ("divide", "SIGFPE"), ("segfault", "SIGSEGV")]
)
def test_a_signal_is_named(connected: Connected, name: str, number: str) -> None:
    error = crash(connected(name))
    assert error.signal == error.reason == number
    assert f"got {number}" in str(error)
    assert len(str(error).splitlines()) == 1


def test_last_words_are_kept(connected: Connected) -> None:
    error = crash(connected("abort"))
    assert "assertion failed: batch > 0" in error.stderr
    assert "assertion failed: batch > 0" in error.advice


def test_a_flood_of_words_is_kept_to_its_end(connected: Connected) -> None:
    error = crash(connected("flood"))
    assert error.stderr.endswith("the last words")
    assert len(error.stderr) < 64 * 1024


def test_a_hang_ends_at_the_time_limit_with_all_it_started(connected: Connected) -> None:
    connection = connected("hang", time_limit=3.0)
    session = connection.open(faulty.ANY_FILE, Options(time_limit=0.5))
    worker = psutil.Process(int(session.facts.details["pid"]))
    started = time.monotonic()
    children: list[psutil.Process] = []
    watcher = threading.Timer(0.3, lambda: children.extend(worker.children()))
    watcher.start()
    with pytest.raises(Crashed) as caught:
        session.run(PROVOKING)
    watcher.join()
    assert 0.4 < time.monotonic() - started < 3
    assert caught.value.reason == "time limit of 0.5 s"
    assert caught.value.signal is None
    assert [child.name() for child in children if child.is_running()] in ([], ["sleep"])
    assert len(children) == 1
    assert_gone(children[0].pid)
    assert_gone(worker.pid)
    assert_recovers(connection)


def test_memory_without_bound_ends_at_the_limit(connected: Connected) -> None:
    limit = 400 * 2**20
    error = crash(connected("allocate", memory_limit=limit))
    assert error.reason.startswith("memory limit of 400 MiB (resident: ")
    assert error.signal is None


def test_chatter_on_stdout_does_not_disturb(connected: Connected) -> None:
    connection = connected("chatter")
    with connection.open(faulty.ANY_FILE) as session:
        for _ in range(3):
            assert np.array_equal(session.run(PROVOKING)["x"], PROVOKING["x"])
        deadline = time.monotonic() + 5
        while "from C as well" not in connection.log() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "progress: 100%" in connection.log()


@pytest.mark.parametrize(("name", "status"), [("leave", 0), ("leave_politely", 3)])
def test_leaving_is_no_answer(connected: Connected, name: str, status: int) -> None:
    error = crash(connected(name))
    assert error.reason == f"exit code {status}"
    assert error.signal is None


def test_a_kill_from_outside_is_told_from_ours(connected: Connected) -> None:
    connection = connected("hang")
    session = connection.open(faulty.ANY_FILE)
    pid = int(session.facts.details["pid"])
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(Crashed) as caught:
        session.run(PROVOKING)
    assert caught.value.signal == "SIGKILL"
    assert "out of memory" in caught.value.reason


def test_an_exception_is_a_refusal_in_the_runtimes_words(connected: Connected) -> None:
    connection = connected("refuse")
    with connection.open(faulty.ANY_FILE) as session:
        with pytest.raises(Refused) as caught:
            session.run(PROVOKING)
        assert isinstance(caught.value, RuntimeRefused)
        assert caught.value.got == "RuntimeError: Check 'rank == 3' failed"
        assert "details" in caught.value.text
        assert "Traceback" in caught.value.text
        assert np.array_equal(session.run(CALM)["x"], CALM["x"])


def test_results_that_cannot_travel_are_a_refusal(connected: Connected) -> None:
    with connected("give_text").open(faulty.ANY_FILE) as session:
        with pytest.raises(Refused, match="expected numbers or booleans, got dtype <U4"):
            session.run(PROVOKING)
        assert np.array_equal(session.run(CALM)["x"], CALM["x"])


def test_feeds_that_cannot_travel_are_refused(connected: Connected) -> None:
    with connected("abort").open(faulty.ANY_FILE) as session:
        with pytest.raises(Refused, match="numbers or booleans"):
            session.run({"x": np.array(["text"])})
        assert np.array_equal(session.run(CALM)["x"], CALM["x"])


def test_a_crash_on_probing_is_a_crash(connected: Connected) -> None:
    with pytest.raises(Crashed, match="SIGILL"):
        connected("unprobed").probe()


def test_a_broken_installation_is_unavailable(connected: Connected) -> None:
    found = connected("broken").probe()
    assert isinstance(found, Unavailable)
    assert found.reason == "OSError: libproduct.so.3: wrong ELF class"


def test_what_is_not_installed_cannot_be_opened(connected: Connected) -> None:
    connection = connected("absent")
    assert connection.probe() == Unavailable("No module named 'product'", "pip install product")
    with pytest.raises(Missing, match=r"No module named 'product'\. pip install product") as caught:
        connection.open(faulty.ANY_FILE)
    assert isinstance(caught.value, RuntimeUnavailable)


def test_a_model_of_a_kind_it_does_not_take_is_refused(connected: Connected) -> None:
    with pytest.raises(Refused, match="expected a model of kind onnx, got keras"):
        connected("abort").open(KerasFile(Path(__file__)))


def test_one_warm_worker_serves_many_sessions(connected: Connected) -> None:
    connection = connected("abort")
    pids = {connection.open(faulty.ANY_FILE).facts.details["pid"] for _ in range(5)}
    assert len(pids) == 1


def test_sessions_are_safe_to_use_from_several_threads(connected: Connected) -> None:
    connection = connected("abort")
    session = connection.open(faulty.ANY_FILE)
    wrong: list[int] = []

    def use(number: int) -> None:
        for size in range(20):
            x = np.full(1000 * number + size, 0.0)
            x[1:] = number
            if not np.array_equal(session.run({"x": x})["x"], x):
                wrong.append(number)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_big_arrays_travel_both_ways(connected: Connected) -> None:
    x = np.arange(2**24, dtype=np.float32)  # 64 MiB: far more than a pipe holds
    with connected("abort").open(faulty.ANY_FILE) as session:
        assert np.array_equal(session.run({"x": x})["x"], x)
