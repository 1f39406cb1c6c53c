"""A runtime's own word that it can be used here, or the error that says how to get it."""

from __future__ import annotations

from rnn_export.runtimes.contract import Available, Runtime, Unavailable
from rnn_export.runtimes.failures import Missing


def probed(name: str, runtime: Runtime) -> Available:
    """Return what a runtime says of itself, in this process.

    Raises:
        Missing: it cannot be used here.
    """
    found = runtime.probe()
    if isinstance(found, Unavailable):
        raise Missing(
            f"runtime {name}",
            expected="it to be installed and to work here",
            got=found.reason,
            advice=found.install,
        )
    return found
