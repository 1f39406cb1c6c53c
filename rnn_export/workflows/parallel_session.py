"""A file run on several cores: each has its own rows of the batch, since a recurrent step is too small to share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from rnn_export.errors import ReadError, RuntimeRefused
from rnn_export.exporters.writing import PRODUCER
from rnn_export.runtimes import OnnxFile, Options
from rnn_export.runtimes.callers import open_shared
from rnn_export.runtimes.contract import Session, Slot
from rnn_export.runtimes.onnxruntime import cpu
from rnn_export.workflows.onnx_input import open_onnx


class ParallelSession:
    """Runs a file in onnxruntime on the CPU, on several cores, in this process.

    A batch of 32 rows on two cores is two batches of 16, each on one core from its first step to its last: up to
    twice as fast, where onnxruntime's own two threads, which share every product, mostly gain nothing. Handing over
    costs some 0.1 ms, which small batches do not repay. It serves one caller at a time.

    Args:
        file: written by rnn_export; with a fixed batch, that is each caller's.
        callers: how many run at once, at least 1; as many as this process may use cores if not given.

    Raises:
        ReadError: not an ONNX file, or one of another tool, whose rows may depend on one another.
        RuntimeRefused, RuntimeUnavailable: onnxruntime does not take the file, or is not there.
        ValueError: fewer than one caller.
    """

    def __init__(self, file: str | Path, *, callers: int | None = None) -> None:
        count = _cores() if callers is None else callers
        self._file = str(file)
        options = Options(callers=count)
        model = open_onnx(Path(file)).model
        if model.producer_name != PRODUCER:
            raise ReadError(
                self._file,
                expected="a file that rnn_export wrote, in which no row depends on another",
                got=f"one by {model.producer_name or 'an unnamed tool'}",
                advice="Run it in onnxruntime itself, whole.",
            )
        self._session: Session = open_shared(cpu, OnnxFile(Path(file)), options)
        self.inputs: tuple[Slot, ...] = self._session.inputs
        """What `run` takes: name, dtype, shape."""
        self.outputs: tuple[Slot, ...] = self._session.outputs
        """What `run` gives."""

    def run(self, feeds: Mapping[str, np.ndarray] | np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs for a batch, the same numbers that each share of it gives alone.

        Args:
            feeds: input name to array, (rows, ...), in the input's own dtype; the array alone where there is one
                input. Rows are shared out in order, as evenly as they go.

        Returns:
            Output name to array, (rows, ...).

        Raises:
            RuntimeRefused: names, dtypes or shapes that do not fit.
        """
        given = {self.inputs[0].name: feeds} if isinstance(feeds, np.ndarray) else feeds
        wanted = [slot.name for slot in self.inputs]
        if set(given) != set(wanted):
            got = ", ".join(given) or "none"
            raise RuntimeRefused(self._file, expected=f"the inputs {', '.join(wanted)}", got=got)
        return self._session.run(given)

    def close(self) -> None:
        """Let go of the model and of the threads."""
        self._session.close()

    def __enter__(self) -> ParallelSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _cores() -> int:
    """Return how many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
