"""What a use case makes of an error that nobody foresaw, when many others wait behind."""

from __future__ import annotations

from rnn_export.errors import RnnExportError


def as_fault(source: str, expected: str, error: Exception) -> RnnExportError:
    """Return an error of ours that says what went wrong: of a thousand models, the others go on.

    Args:
        source: whose making or judging ended so.
        expected: what it was to be ("to be built").
        error: a fault of ours, or memory that ran out.
    """
    told = RnnExportError(
        source,
        expected=expected,
        got=f"{type(error).__name__}: {error}",
        advice="Please report it, with what --jobs 1 --debug shows.",
    )
    told.__cause__ = error
    return told
