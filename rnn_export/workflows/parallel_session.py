"""A file run on several cores: each has its own rows of the batch, since a recurrent step is too small to share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnn_export.errors import ReadError, RnnExportError, RuntimeRefused
from rnn_export.exporters.writing import PRODUCER, ROWS
from rnn_export.runtimes import OnnxFile, Options
from rnn_export.runtimes.answers import first_words
from rnn_export.runtimes.callers import open_shared
from rnn_export.runtimes.closing import Closing
from rnn_export.runtimes.contract import Session, Slot
from rnn_export.runtimes.onnxruntime import cpu
from rnn_export.runtimes.probed import probed
from rnn_export.workflows.onnx_input import open_onnx


class ParallelSession(Closing):
    """Runs a file in onnxruntime on the CPU, on several cores, in this process.

    A batch of 32 rows on two cores is two batches of 16, each on one core from its first step to its last: up to
    twice as fast, where onnxruntime's own two threads, which share every product, mostly gain nothing. Handing over
    costs some 0.1 ms, which small batches do not repay. It serves one caller at a time.

    Args:
        file: written by rnn_export; with a fixed batch, that is each caller's.
        callers: how many run at once, at least 1, each with the weights in its own memory; as many as this process
            may use cores if not given.

    Raises:
        ReadError: not an ONNX file, or one whose rows may depend on one another, as another tool's may.
        RuntimeRefused, RuntimeUnavailable: onnxruntime does not take the file, or is not there.
        ValueError: fewer than one caller.
    """

    def __init__(self, file: str | Path, *, callers: int | None = None) -> None:
        options = Options(callers=_cores() if callers is None else callers)
        self._file = str(file)
        self._process = os.getpid()
        _check_rows(Path(file))
        probed(cpu.name, cpu)
        session = open_shared(cpu, OnnxFile(Path(file)), options)
        self._session: Session | None = session
        self.inputs: tuple[Slot, ...] = session.inputs
        """What `run` takes: name, dtype, shape."""
        self.outputs: tuple[Slot, ...] = session.outputs
        """What `run` gives."""

    def run(self, feeds: Mapping[str, np.ndarray] | np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs for a batch, the same numbers that each share of it gives alone.

        Args:
            feeds: input name to array, (rows, ...), in the input's own dtype; the array alone where there is one
                input. Rows are shared out in order, as evenly as they go.

        Returns:
            Output name to array, (rows, ...).

        Raises:
            RuntimeRefused: names, dtypes or shapes that do not fit, values that onnxruntime does not take, or a
                session that was closed or opened in another process.
        """
        if self._session is None or self._process != os.getpid():
            got = "it closed" if self._session is None else "a fork of that process"
            raise RuntimeRefused(
                self._file,
                expected="an open session, in the process that opened it",
                got=got,
                advice="Open another.",
            )
        given = self._named(feeds)
        try:
            return self._session.run(given)
        except RnnExportError:
            raise
        except Exception as error:
            raise RuntimeRefused(
                self._file, expected="inputs that onnxruntime takes", got=first_words(error)
            ) from error

    def close(self) -> None:
        """Let go of the model and of the threads."""
        session, self._session = self._session, None
        if session is not None and self._process == os.getpid():
            session.close()
        elif session is not None:
            # A fork has none of the threads, which closing would wait for.
            _LEFT.append(session)

    def _named(self, feeds: Mapping[str, np.ndarray] | np.ndarray) -> dict[str, np.ndarray]:
        wanted = [slot.name for slot in self.inputs]
        expected = f"arrays for the inputs {', '.join(wanted)}"
        if isinstance(feeds, np.ndarray) and len(wanted) == 1:
            return {wanted[0]: feeds}
        if not isinstance(feeds, Mapping):
            raise RuntimeRefused(self._file, expected=expected, got=type(feeds).__name__)
        if set(feeds) != set(wanted):
            got = ", ".join(map(str, feeds)) or "none"
            raise RuntimeRefused(self._file, expected=expected, got=got)
        for name, array in feeds.items():
            if not isinstance(array, np.ndarray):
                subject = f"{self._file}: input {name!r}"
                raise RuntimeRefused(subject, expected="a NumPy array", got=type(array).__name__)
        return dict(feeds)


_LEFT: list[Session] = []
"""Sessions of the process that this one was forked from: kept, so that nothing ends them here."""


def _check_rows(file: Path) -> None:
    """Raise ReadError unless the file says that rows may be computed apart."""
    model = open_onnx(file).model
    said = {item.key: item.value for item in model.metadata_props}
    if model.producer_name == PRODUCER and ROWS not in said:
        return
    got = "one whose rows depend on one another, or do not come first"
    if model.producer_name != PRODUCER:
        got = f"one by {model.producer_name or 'an unnamed tool'}"
    raise ReadError(
        str(file),
        expected="a file that rnn_export wrote, in which no row depends on another",
        got=got,
        advice="Run it in onnxruntime itself, whole.",
    )


def _cores() -> int:
    """Return how many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
