"""Progress: a bar with time left in a terminal, lines with counts elsewhere and with NO_COLOR."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

PROGRAM = """
import time
from rnn_export.cli import progress
progress.PATIENCE = 0.2
with progress.Progress("verifying", 3) as told:
    for name in ("reading", "running numpy", "running tract"):
        told.note(name)
        time.sleep(0.5)
"""


def in_terminal(**variables: str) -> str:
    """Return all that a terminal is sent."""
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLUMNS": "120",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stderr=theirs, env=environment | variables
    ):
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux says EIO when the other end is closed.
                break
            if not part:
                break
            parts.append(part)
    os.close(ours)
    return b"".join(parts).decode()


def test_a_terminal_shows_stages_done_and_time_left() -> None:
    sent = in_terminal()
    assert "1/3" in sent
    assert "2/3" in sent
    assert "left:" in sent
    assert "running tract" in sent
    # The bar goes when it is done: its line is cleared.
    assert sent.rstrip().endswith("\x1b[2K")


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colour_each_stage_is_a_plain_line(variables: dict[str, str]) -> None:
    sent = in_terminal(**variables)
    assert "\x1b" not in sent
    assert "verifying: 2/3 running tract" in sent.splitlines()


def test_in_a_pipe_each_stage_is_a_plain_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "verifying: 2/3 running tract"
    assert done.stdout == ""
