"""Every error a user can meet, as one tree: each says its subject, what was expected, what came, what to do.

RnnExportError
├── NetworkError          a description that contradicts itself
├── ReadError             a source that cannot be read
├── ExportError           a network that no form, opset or file can carry as asked
├── RuntimeUnavailable    a runtime that is not installed, or has no device
├── RuntimeRefused        a runtime that declined a model or an input, in its own words
├── RuntimeCrashed        a runtime whose process died or outran its limits
└── StoreError            an artifact or evidence that cannot be written, or is not what it says
"""

from __future__ import annotations


class RnnExportError(Exception):
    """One line: ``<subject>: expected <expected>, got <got>. <advice>``.

    Args:
        subject: the file, layer or runtime that the error is about.
        expected: what would have been right.
        got: what was found instead.
        advice: what to do next; may be empty.
    """

    def __init__(self, subject: str, *, expected: str, got: str, advice: str = "") -> None:
        self.subject = subject
        self.expected = expected
        self.got = got
        self.advice = advice
        text = f"{subject}: expected {expected}, got {got}"
        super().__init__(f"{text}. {advice}" if advice else f"{text}.")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.__dict__)


def _rebuild(kind: type[RnnExportError], parts: dict[str, str]) -> RnnExportError:
    """Make the error anew from its parts; exceptions with keyword arguments do not pickle by themselves."""
    known = {name: parts[name] for name in ("subject", "expected", "got", "advice")}
    error = kind(
        known["subject"],
        expected=known["expected"],
        got=known["got"],
        advice=known["advice"],
    )
    error.__dict__.update(parts)
    return error


class NetworkError(RnnExportError):
    """A description that contradicts itself: shapes that do not fit, a tensor nobody makes."""


class ReadError(RnnExportError):
    """A source that cannot be read: missing, damaged, hostile, or with a layer this version does not know."""


class ExportError(RnnExportError):
    """A network that cannot be carried as asked: the activation, dtype, form or opset stands against it."""


class RuntimeUnavailable(RnnExportError):
    """A runtime that is not installed or has no device here."""


class RuntimeRefused(RnnExportError):
    """A runtime that declined a model or an input; ``got`` holds its own words."""


class RuntimeCrashed(RnnExportError):
    """A runtime whose process died, hung or outgrew its memory limit."""


class StoreError(RnnExportError):
    """An artifact or evidence that cannot be written, or whose bytes are not what its manifest says."""
