"""An onnxruntime session on a thread of onnxruntime's own, which does not wait for Python's lock.

Source: onnxruntime.InferenceSession.run_async
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from rnn_export.runtimes.callers import Waiting
from rnn_export.runtimes.contract import Feeds, Results, Slot


class OnnxRuntimeStarted:
    """An InferenceSession that is started and waited for.

    Args:
        session: with a pool of at least 2 threads, since the run itself sits on one of them.
        outputs: of the model; neither they nor inputs in bfloat16, which onnxruntime's NumPy interface does not know.
    """

    def __init__(self, session: Any, outputs: Sequence[Slot]) -> None:
        self._session = session
        self._names = [slot.name for slot in outputs]

    def start(self, feeds: Feeds) -> Waiting:
        run = _Run(dict(feeds))
        self._session.run_async(self._names, run.feeds, _ended, run)

        def wait() -> Results:
            run.over.wait()
            if run.error:
                raise RuntimeError(run.error)
            return dict(zip(self._names, run.results, strict=True))

        return wait

    def close(self) -> None:
        self._session = None


class _Run:
    """One run: what it is given, held until it is over, and what it gave."""

    def __init__(self, feeds: Feeds) -> None:
        self.feeds = feeds
        self.over = threading.Event()
        self.results: Any = None
        self.error = ""


def _ended(results: Any, run: _Run, error: str) -> None:
    run.results, run.error = results, error
    run.over.set()
