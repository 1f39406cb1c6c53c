"""The table of capabilities: what the matrix found each runtime to take and to compute rightly, by form and trait."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnn_export.workflows.matrix.result import Entry, Matrix, Row

FILE = "capabilities.json"
SCHEMA = 1
AGREEING = ("PASS", "KNOWN-DIFFERENCE")


@dataclass(frozen=True)
class Finding:
    """What came of a trait in a form on a runtime.

    Args:
        outcome: the verdict.
        fixed: axes that are numbers in the file that was judged, where a free one was not right.
        adjusted: adjustments that were made to it.
        reason: why it is no pass, short.
    """

    outcome: str
    fixed: tuple[str, ...] = ()
    adjusted: tuple[str, ...] = ()
    reason: str = ""

    @property
    def right(self) -> bool:
        return self.outcome in AGREEING


@dataclass(frozen=True)
class Capability:
    """One runtime.

    Args:
        runtime, version: which.
        accepts: "onnx", "keras" or "network".
        precision: the arithmetic in force.
        coarser: the name of a precision to what came of it ("default": "PRECISION-DOWNGRADED: ...").
        fixed: form to the axes that its files must fix.
        opsets: that agreed, of those that were tried.
        speed: form to its time relative to the fastest right one, the median over the presets.
        traits: form to trait to what came of it.
    """

    runtime: str
    version: str
    accepts: tuple[str, ...]
    precision: str
    coarser: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    opsets: tuple[int, ...] = ()
    speed: Mapping[str, float] = field(default_factory=dict)
    traits: Mapping[str, Mapping[str, Finding]] = field(default_factory=dict)

    @property
    def takes_files(self) -> bool:
        return "onnx" in self.accepts


@cache
def capabilities() -> Mapping[str, Capability]:
    """Return the table that comes with this package, by runtime."""
    text = resources.files("rnn_export.workflows").joinpath(FILE).read_text()
    return {name: _capability(name, held) for name, held in json.loads(text)["runtimes"].items()}


def _capability(name: str, held: Mapping[str, Any]) -> Capability:
    return Capability(
        name,
        held["version"],
        tuple(held["accepts"]),
        held["precision"],
        held["coarser"],
        {form: tuple(axes) for form, axes in held["fixed"].items()},
        tuple(held["opsets"]),
        held["speed"],
        {
            form: {trait: _finding(found) for trait, found in traits.items()}
            for form, traits in held["traits"].items()
        },
    )


def _finding(held: Mapping[str, Any]) -> Finding:
    return Finding(
        held["outcome"],
        tuple(held.get("fixed", ())),
        tuple(held.get("adjusted", ())),
        held.get("reason", ""),
    )


def condensed(matrix: Matrix) -> bytes:
    """Return the table of a matrix as JSON: the runtimes that were here, in their strictest precision."""
    found = {
        item.name: _condensed(matrix, item)
        for item in matrix.rows
        if not item.missing and "@" not in item.name
    }
    document = {"schema": SCHEMA, "runtimes": found}
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _condensed(matrix: Matrix, item: Row) -> dict[str, Any]:
    traits = {sample.name for sample in matrix.samples if sample.kind == "trait"}
    forms: dict[str, dict[str, Any]] = {}
    for entry in matrix.of(item.name):
        if entry.sample in traits:
            forms.setdefault(entry.form, {})[entry.sample] = _plain(entry)
    opsets = [int(opset) for opset, outcome in item.opsets.items() if outcome in AGREEING]
    return {
        "version": item.version,
        "accepts": list(item.accepts),
        "precision": item.precision,
        "coarser": _coarser(matrix, item),
        "fixed": {form: list(axes) for form, axes in item.fixed.items()},
        "opsets": opsets,
        "speed": _speed(matrix, item),
        "traits": forms,
    }


def _plain(entry: Entry) -> dict[str, Any]:
    tried = entry.tried
    if tried.agrees:
        held: dict[str, Any] = {"outcome": str(tried.outcome)}
        held |= {"fixed": list(tried.fit.fixed)} if tried.fit.fixed else {}
        return held | ({"adjusted": list(tried.fit.adjusted)} if tried.fit.adjusted else {})
    reason = tried.diagnosis or tried.reason
    return {"outcome": str(tried.outcome), "reason": reason[:120]}


def _coarser(matrix: Matrix, item: Row) -> dict[str, str]:
    """Return what came of the runtime's other precisions, where they did not agree."""
    found = {}
    for other in matrix.rows:
        base, _, precision = other.name.partition("@")
        if base != item.name or not precision:
            continue
        bad = [entry.tried for entry in matrix.of(other.name) if not entry.tried.agrees]
        bits = [tried.effective_bits for tried in bad if tried.effective_bits is not None]
        if bits:
            found[precision] = f"{other.precision}, {median(bits):.1f} bits"
    return found


def _speed(matrix: Matrix, item: Row) -> dict[str, float]:
    ratios: dict[str, list[float]] = {}
    for sample in matrix.samples:
        seconds = {
            entry.form: entry.tried.seconds
            for entry in matrix.of(item.name)
            if entry.sample == sample.name and sample.kind == "preset" and entry.tried.seconds
        }
        for form, value in seconds.items():
            ratios.setdefault(form, []).append(value / min(seconds.values()))
    return {form: round(median(values), 3) for form, values in ratios.items()}
