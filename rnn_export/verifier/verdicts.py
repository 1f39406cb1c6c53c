"""Verdicts: what the verifier says of one observation, of a case, and of a whole report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rnn_export.errors import RnnExportError
from rnn_export.verifier.comparing import Where

if TYPE_CHECKING:
    from rnn_export.verifier.grounds import Grounds
    from rnn_export.verifier.profile import Profile

SCHEMA = 1


class Outcome(StrEnum):
    """The kinds of verdict; a case that compared nothing is never PASS."""

    PASS = "PASS"
    FAIL = "FAIL"
    PRECISION_DOWNGRADED = "PRECISION-DOWNGRADED"
    UNVERIFIABLE = "UNVERIFIABLE"
    UNSUPPORTED = "UNSUPPORTED"
    UNAVAILABLE = "UNAVAILABLE"
    CRASHED = "CRASHED"
    KNOWN_DIFFERENCE = "KNOWN-DIFFERENCE"


FAILURES = frozenset({Outcome.FAIL, Outcome.PRECISION_DOWNGRADED, Outcome.CRASHED})
AGREEMENTS = frozenset({Outcome.PASS, Outcome.KNOWN_DIFFERENCE})


@dataclass(frozen=True)
class Verdict:
    """What is said of one observation, and on what grounds.

    Args:
        outcome: the verdict.
        reason: one line in words; "" for a plain PASS.
        model: "probabilistic" (a calibrated bound), "rigorous" (a failure beyond the deterministic bound),
            "global" (errors sampled along the whole run), "exact" (equality).
        max_ratio: largest error over bound, over all comparisons; None where nothing was compared.
        max_abs_error: largest |shown - predicted|.
        effective_bits: of the arithmetic; None where there is nothing to measure it by.
        verified_steps: steps along time that the verdict covers; None where the network has none.
        where: the element the reason is about, else that of max_ratio.
        diagnosis: the bug that explains what was shown, by name.
        coverage: part of the weights that the inputs exercise, 0 to 1; None where unknown.
        compared: what was compared, with the ratio of each.
    """

    outcome: Outcome
    reason: str = ""
    model: str = "exact"
    max_ratio: float | None = None
    max_abs_error: float | None = None
    effective_bits: float | None = None
    verified_steps: int | None = None
    where: Where | None = None
    diagnosis: str | None = None
    coverage: float | None = None
    compared: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class CaseResult:
    """One case of a report: source x form x runtime x input, and its verdict.

    Args:
        form: "rnn", "loop", ...; "" where the original source ran.
        runtime, version, placement: who ran it.
        verdict: what is said of it.
        inputs: batch, time, seed and kind of the input; empty where none was run.
        seconds: of the judging and the runs together.
        file: the ONNX file, as the user named it; "" if exported for the case.
        permitted: PRECISION-DOWNGRADED, and the user allows that many bits.
        profile: errors along time, to be drawn; None where nobody asked for it.
    """

    form: str
    runtime: str
    verdict: Verdict
    version: str = ""
    placement: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 0.0
    file: str = ""
    permitted: bool = False
    profile: Profile | None = field(default=None, repr=False, compare=False)

    @property
    def outcome(self) -> Outcome:
        return self.verdict.outcome

    @property
    def failed(self) -> bool:
        return self.outcome in FAILURES and not self.permitted

    def to_json(self) -> dict[str, Any]:
        """Return the case as the report's JSON states it."""
        verdict = asdict(self.verdict)
        where = verdict.pop("where")
        return {
            "form": self.form,
            "runtime": self.runtime,
            "version": self.version,
            "placement": dict(self.placement),
            "verdict": verdict.pop("outcome"),
            "model": verdict.pop("model"),
            **{
                name: _number(verdict.pop(name))
                for name in ("max_ratio", "max_abs_error", "effective_bits")
            },
            "verified_steps": verdict.pop("verified_steps"),
            "where": where,
            "diagnosis": verdict.pop("diagnosis"),
            "reason": verdict.pop("reason") or None,
            "inputs": dict(self.inputs),
            "seconds": round(self.seconds, 4),
            "coverage": _number(verdict.pop("coverage")),
            "compared": [[name, _number(ratio)] for name, ratio in verdict.pop("compared")],
            "file": self.file,
            "permitted": self.permitted,
        }


class Disagreement(RnnExportError):
    """Raised by `Report.raise_for_verdict` alone: elsewhere a disagreement is a result."""


@dataclass(frozen=True)
class Report:
    """Every case of one source.

    Args:
        source: as the user named it.
        cases: in order.
        required: runtimes without which there is no pass.
        network_digest: of the network that was judged against.
        unproven: ONNX files that were named and that no runtime ran to a pass: that the source agrees with
            itself says nothing of them.
        grounds: what the inputs show and what the reference is worth; None where nothing was run.
    """

    source: str
    cases: tuple[CaseResult, ...]
    required: tuple[str, ...] = ()
    network_digest: str = ""
    unproven: tuple[str, ...] = ()
    grounds: Grounds | None = None

    @property
    def verdict(self) -> Outcome:
        """The worst of what happened: a failure, then a missing pass, then PASS."""
        for outcome in (Outcome.FAIL, Outcome.CRASHED, Outcome.PRECISION_DOWNGRADED):
            if any(case.outcome == outcome and case.failed for case in self.cases):
                return outcome
        if self.missing:
            lacking = [case for case in self.cases if case.runtime in self.missing]
            words = (case.outcome for case in lacking if case.outcome not in AGREEMENTS)
            return next(words, Outcome.UNAVAILABLE)
        if not self.agreed or self.unproven:
            return Outcome.UNVERIFIABLE
        return Outcome.PASS

    @property
    def agreed(self) -> tuple[str, ...]:
        """Runtimes that passed every case that they ran, in order of first appearance."""
        names = dict.fromkeys(case.runtime for case in self.cases)
        return tuple(name for name in names if self._passed(name))

    @property
    def missing(self) -> tuple[str, ...]:
        """Required runtimes that did not pass."""
        return tuple(name for name in self.required if not self._passed(name))

    def _passed(self, runtime: str) -> bool:
        own = [case for case in self.cases if case.runtime == runtime]
        good = [case for case in own if case.outcome in AGREEMENTS or case.permitted]
        return bool(good) and len(good) == len(own)

    @property
    def exit_code(self) -> int:
        """0: all passed. 1: a case failed, crashed or was too coarse. 3: a required pass is missing, or any."""
        if any(case.failed for case in self.cases):
            return 1
        return 3 if self.missing or not self.agreed or self.unproven else 0

    def to_json(self) -> dict[str, Any]:
        """Return the report, schema 1."""
        return {
            "schema": SCHEMA,
            "verdict": str(self.verdict),
            "source": self.source,
            "network_digest": self.network_digest,
            "required": list(self.required),
            "agreed": list(self.agreed),
            "exit_code": self.exit_code,
            "grounds": None if self.grounds is None else self.grounds.to_json(),
            "cases": [case.to_json() for case in self.cases],
        }

    def raise_for_verdict(self) -> None:
        """Raise `Disagreement` unless the exit code is 0."""
        if self.exit_code == 0:
            return
        bad = next(
            (case for case in self.cases if case.failed),
            next((case for case in self.cases if case.outcome not in AGREEMENTS), None),
        )
        if bad is None:
            got = f"no pass of {', '.join((*self.missing, *self.unproven)) or 'any runtime'}"
        else:
            got = f"{bad.outcome} for form {bad.form or 'source'} on {bad.runtime}: {bad.verdict.reason}"
        raise Disagreement(self.source, expected="every case to pass", got=got)


def _number(value: float | None) -> float | str | None:
    """Return a number that JSON can hold: infinities and NaN as text."""
    if value is None or abs(value) < float("inf"):
        return value
    return str(value)
