"""An onnxruntime session on a thread of onnxruntime's own, which neither waits for Python's lock nor changes cores.

Source: onnxruntime.InferenceSession.run_async; session.intra_op_thread_affinities
"""

from __future__ import annotations

import os
import queue
from collections.abc import Sequence
from typing import Any

from rnn_export.runtimes.callers import Waiting
from rnn_export.runtimes.contract import Feeds, Results, Slot

AFFINITIES = "session.intra_op_thread_affinities"


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
        ended: queue.SimpleQueue[tuple[Any, str]] = queue.SimpleQueue()
        given = dict(feeds)
        self._session.run_async(self._names, given, _ended, ended)

        def wait() -> Results:
            results, error = ended.get()
            # Until here, the arrays in use are held.
            given.clear()
            if error:
                raise RuntimeError(error)
            return dict(zip(self._names, results, strict=True))

        return wait

    def close(self) -> None:
        self._session = None


def affinities(threads: int, place: int) -> str:
    """Return the cores for the threads of the caller with the number ``place``, as onnxruntime counts them, from 1.

    The first ones are left to whoever asks, so that callers do not share a core as long as there are enough.
    """
    cores = sorted(os.sched_getaffinity(0))
    taken = (cores[(threads * place + number) % len(cores)] + 1 for number in range(threads))
    return ";".join(map(str, taken))


def _ended(results: Any, ended: queue.SimpleQueue[tuple[Any, str]], error: str) -> None:
    ended.put((results, error))
