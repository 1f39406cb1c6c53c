"""A child process answers, dies, is interrupted, and never runs the script of whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnn_export.errors import RuntimeCrashed
from rnn_export.workflows.child import Child

HERE = "tests.unit.workflows.answers"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_requests_are_answered_in_turn_by_one_process() -> None:
    child = Child(f"{HERE}:pid")
    try:
        pids = []
        for _ in range(2):
            child.send(None)
            pids.append(child.receive())
    finally:
        child.close()
    assert pids[0] == pids[1] != os.getpid()


def test_its_environment_is_set_and_ours_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RNN_EXPORT_TEST", raising=False)
    child = Child(f"{HERE}:variable", {"RNN_EXPORT_TEST": "3"})
    try:
        child.send("RNN_EXPORT_TEST")
        assert child.receive() == "3"
    finally:
        child.close()
    assert "RNN_EXPORT_TEST" not in os.environ


@pytest.mark.parametrize(("answering", "got"), [("kill", "signal 9"), ("leave", "exit code 7")])
def test_a_child_that_dies_is_a_crash_that_says_how(answering: str, got: str) -> None:
    child = Child(f"{HERE}:{answering}")
    child.send(None)
    with pytest.raises(RuntimeCrashed, match=got):
        child.receive()


def test_an_interrupted_child_clears_up_after_itself(tmp_path: Path) -> None:
    child = Child(f"{HERE}:work")
    child.send(tmp_path / "at-work")
    while not (tmp_path / "at-work").exists():
        time.sleep(0.01)
    child.interrupt()
    child.close()
    assert not (tmp_path / "at-work").exists()


def test_a_child_whose_parent_is_killed_stops_its_work_and_clears_up(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from rnn_export.workflows.child import Child\n"
        f"child = Child('{HERE}:work'); child.send(Path(sys.argv[1]) / 'at-work'); child.receive()"
    )
    at_work = tmp_path / "at-work"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as parent:
        while not at_work.exists():
            time.sleep(0.01)
        parent.kill()
    deadline = time.monotonic() + 30
    while at_work.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not at_work.exists()


def test_a_script_without_a_guard_can_use_it() -> None:
    # multiprocessing's spawn would run the script again, or fail to find it.
    code = (
        "from rnn_export.workflows.child import Child\n"
        f"child = Child('{HERE}:pid'); child.send(None); child.receive(); child.close(); print('once')"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, check=True
    )
    assert done.stdout == "once\n"
