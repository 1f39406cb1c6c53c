"""How a runtime can fail, with what a report quotes of it kept apart from the one-line message.

RuntimeUnavailable ── Missing   not installed, no device, or no such interpreter
RuntimeRefused     ── Refused   it said no, in its own words
RuntimeCrashed     ── Crashed   its process died, hung or outgrew its memory limit
RnnExportError     ── UnknownRuntime   no runtime has this name: a usage error (exit code 2)
"""

from __future__ import annotations

from rnn_export.errors import RnnExportError, RuntimeCrashed, RuntimeRefused, RuntimeUnavailable


class UnknownRuntime(RnnExportError):
    """A name that neither the table nor an installed package knows."""


class Missing(RuntimeUnavailable):
    """A runtime that cannot be used here; ``got`` is the reason, ``advice`` how to get it."""


class Refused(RuntimeRefused):
    """A runtime's refusal; ``got`` is the first meaningful line of its words, ``text`` all of them."""

    text: str = ""


class Crashed(RuntimeCrashed):
    """A worker that gave no answer.

    ``signal`` is "SIGABRT" and the like, or None; ``reason`` what happened ("time limit of 2 s");
    ``stderr`` its last lines, which often hold the runtime's own explanation.
    """

    signal: str | None = None
    reason: str = ""
    stderr: str = ""
