"""What the tests of worker processes share: harmless and provoking feeds, and what must hold after a fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import psutil

from rnn_export.runtimes import Connection
from tests.unit.runtimes import faulty

CALM = {"x": np.zeros(3, np.float32)}
PROVOKING = {"x": np.ones(3, np.float32)}

Connected: TypeAlias = Callable[..., Connection]
"""Makes a connection to a faulty runtime by the last part of its name; arguments are those of Options."""


def assert_recovers(connection: Connection) -> None:
    with connection.open(faulty.ANY_FILE) as session:
        assert np.array_equal(session.run(CALM)["x"], CALM["x"])


def assert_gone(pid: int) -> None:
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.02)
