"""The program as people run it: a process of its own, its exit code and what it said."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def program(
    *arguments: str | Path, variables: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m rnn_export`` and return what came of it."""
    return subprocess.run(
        [sys.executable, "-m", "rnn_export", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=folder,
        env={**os.environ, **(variables or {})},
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the only line on stderr; fail if there are more, or a traceback."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]
