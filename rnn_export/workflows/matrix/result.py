"""What the matrix found, as plain data; `--json` writes it as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rnn_export.verifier import Outcome

if TYPE_CHECKING:
    from rnn_export.workflows.benchmarks.machine import Machine

SOURCE = ""
"""The form of an entry where the original source ran."""


@dataclass(frozen=True)
class Fit:
    """How a file is fitted to a runtime.

    Args:
        fixed: axes that are numbers in the file, of "batch" and "time".
        adjusted: adjustments that were made (exporters.adjusting).
    """

    fixed: tuple[str, ...] = ()
    adjusted: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{axis} fixed" for axis in self.fixed]
        return ", ".join((*parts, *self.adjusted))


@dataclass(frozen=True)
class Tried:
    """One file on one runtime.

    Args:
        outcome: the worst verdict over the inputs.
        reason: of that verdict, or the runtime's own words.
        diagnosis: the bug that it looks like; "" where there is none.
        fit: of the file.
        model: the grounds of the verdict.
        max_ratio, max_abs_error, effective_bits: the worst over the inputs.
        seconds: median of one run at the sample's sizes; None where it did not agree.
        pinned: what the adapter itself had to fix before the runtime took the file; "" for nothing.
        precision: the arithmetic that the runtime says was in force.
        placement: operator type to execution provider.
    """

    outcome: Outcome
    reason: str = ""
    diagnosis: str = ""
    fit: Fit = field(default_factory=Fit)
    model: str = ""
    max_ratio: float | None = None
    max_abs_error: float | None = None
    effective_bits: float | None = None
    seconds: float | None = None
    pinned: str = ""
    precision: str = ""
    placement: Mapping[str, str] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        return self.outcome in (Outcome.PASS, Outcome.KNOWN_DIFFERENCE)


@dataclass(frozen=True)
class Entry:
    """One sample in one form on one runtime.

    Args:
        sample, form, runtime: which; form "" where the source itself ran.
        tried: the first file that agreed; where none did, the plain one.
        before: what was tried before it, and did not agree.
        same_as: another form whose file has the same graph, and whose result this therefore is; "" for none.
    """

    sample: str
    form: str
    runtime: str
    tried: Tried
    before: tuple[Tried, ...] = ()
    same_as: str = ""


@dataclass(frozen=True)
class Row:
    """One runtime.

    Args:
        name: with "@precision" where that is not the strictest.
        version: of the product; "" where it cannot be used here.
        details: what else it says of itself.
        accepts: "onnx", "keras" or "network".
        missing: why it cannot be used here; "" if it can.
        install: how to get it.
        precision: the arithmetic in force.
        fixed: form to the axes that a file must fix, since the product does not take them free.
        opsets: opset to outcome, with the layer's file in the first form that agreed.
        bodies: how a Scan body can be written, to outcome, with free sizes and with fixed ones.
        crashes: how often its process died; each time another took its place.
        seconds: that its row took.
    """

    name: str
    version: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    accepts: tuple[str, ...] = ()
    missing: str = ""
    install: str = ""
    precision: str = ""
    fixed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    opsets: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, str] = field(default_factory=dict)
    crashes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Sampled:
    """A sample, for readers of the result: sizes, and what cannot be had in which form ("" for the Keras file)."""

    name: str
    kind: str
    batch: int
    time: int
    network: str
    without: Mapping[str, str]


@dataclass(frozen=True)
class Matrix:
    """Everything that one `matrix` found.

    Args:
        program: version of this package.
        machine: where it ran.
        forms: in order.
        samples: in order.
        rows: one for each runtime.
        entries: row by row, sample by sample, form by form.
        seconds: all of it.
        jobs: rows that were measured at a time.
        schema: of the JSON.
    """

    program: str
    machine: Machine
    forms: tuple[str, ...]
    samples: tuple[Sampled, ...]
    rows: tuple[Row, ...]
    entries: tuple[Entry, ...]
    seconds: float
    jobs: int = 1
    schema: int = 1

    def of(self, runtime: str, form: str | None = None) -> tuple[Entry, ...]:
        """Return the entries of a runtime, in one form if named."""
        return tuple(
            entry
            for entry in self.entries
            if entry.runtime == runtime and form in (None, entry.form)
        )
