"""The thread count of libraries that read it once, when their process starts."""

from __future__ import annotations

import os

from rnn_export.runtimes.contract import Options
from rnn_export.runtimes.failures import Refused

VARIABLE = "OMP_NUM_THREADS"


def check(runtime: str, options: Options) -> None:
    """Refuse a session that asks for another number of threads than this worker was started with.

    Raises:
        Refused: naming the number it has.
    """
    started = os.environ.get(VARIABLE)
    if started is not None and started != str(options.threads):
        raise Refused(
            f"runtime {runtime}",
            expected=f"threads={started}, as the worker was started with",
            got=f"threads={options.threads}",
            advice="Give the number to connect().",
        )
