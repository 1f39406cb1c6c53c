"""The judge: one observation against one network, one verdict; pure, and closed against everything unexpected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnn_export.errors import NetworkError
from rnn_export.network import Network
from rnn_export.verifier.bounds.precision import UNITS
from rnn_export.verifier.comparing import Comparison, Where
from rnn_export.verifier.confirming import confirmed
from rnn_export.verifier.diagnosis import Diagnosis, diagnose, suspected
from rnn_export.verifier.habits import taken
from rnn_export.verifier.observation import Observation
from rnn_export.verifier.regression import Suspect, regress
from rnn_export.verifier.shapes import unfit
from rnn_export.verifier.summary import beyond, summarize
from rnn_export.verifier.trail import Shown, Trail, Tread
from rnn_export.verifier.verdicts import Outcome, Verdict
from rnn_export.verifier.walk import walk


@dataclass(frozen=True)
class Checks:
    """Which checks the judge makes; all, save where it is the judge that is being tested.

    Args:
        static: weights in the file are the network's, bit for bit.
        shipped: the shipped file and its tapped copy give the same bits.
        regression: the local defects have no direction.
        diagnosis: a failure is given a name.
    """

    static: bool = True
    shipped: bool = True
    regression: bool = True
    diagnosis: bool = True


ALL = Checks()


def judge(network: Network, observation: Observation, checks: Checks = ALL) -> Verdict:
    """Return the verdict on an observation.

    Args:
        network: what the model should compute.
        observation: what was shown.
        checks: which checks to make.

    Returns:
        The verdict. Whatever is missing, extra, misshapen or not comparable is never a PASS.
    """
    # Infinities and NaN are data here: they are compared, not warned about.
    with np.errstate(all="ignore"):
        return _judged(network, observation, checks)


def _judged(network: Network, observation: Observation, checks: Checks) -> Verdict:
    if observation.facts.network_digest and observation.facts.network_digest != network.digest:
        return _fail("the observation belongs to another network")
    reason = unfit(network, observation)
    if reason is not None:
        return _fail(reason)
    try:
        walked = _walked(network, observation, checks)
    except NetworkError as error:
        return Verdict(Outcome.UNVERIFIABLE, f"the inputs do not fit the network: {error}")
    if any(not np.asarray(feed).size for feed in observation.feeds.values()):
        # No steps leave an initial state as it was; all else compares nothing.
        failed = next((found for found in walked.comparisons if found.failed), None)
        if failed is not None:
            return _fail(beyond(failed))
        return Verdict(Outcome.UNVERIFIABLE, "an empty input compares nothing")
    return _conclude(network, observation, walked, checks)


@dataclass(frozen=True)
class _Walked:
    """The walk that matters: the first that failed, else the one with the most to say."""

    shown: Shown
    trail: Trail
    others: tuple[Comparison, ...] = ()

    @property
    def comparisons(self) -> list[Comparison]:
        return [*self.trail.comparisons, *self.others]


def _walked(network: Network, observation: Observation, checks: Checks) -> _Walked:
    """Return the comparisons of tapped and shipped outputs together."""
    envelope, seed = observation.envelope, observation.seed
    alone = Shown(observation.shipped, (), envelope, seed=seed)
    if observation.tapped is None:
        return _Walked(alone, walk(network, observation.feeds, alone))
    shown = Shown(observation.tapped, observation.cells, envelope, seed=seed)
    trail = walk(network, observation.feeds, shown)
    if checks.shipped and same_bits(observation.shipped, observation.tapped):
        return _Walked(shown, trail)
    # Showing its states made the runtime compute otherwise: the shipped file is then judged by itself.
    other = walk(network, observation.feeds, alone)
    named = tuple(
        replace(found, subject=f"{found.subject} of the shipped file")
        for found in other.comparisons
    )
    if any(found.failed for found in named) and not any(
        found.failed for found in trail.comparisons
    ):
        return _Walked(alone, other, tuple(trail.comparisons))
    return _Walked(shown, trail, named)


def _conclude(
    network: Network, observation: Observation, walked: _Walked, checks: Checks
) -> Verdict:
    trail = walked.trail
    summary = summarize(network, walked.comparisons, trail.time)
    failed = next((found for found in walked.comparisons if found.failed), None)
    if failed is not None:
        return _failed(network, observation, walked, failed, summary, checks)
    if checks.static and observation.static is not None and observation.static.faults:
        fault = observation.static.faults[0]
        return replace(
            summary,
            outcome=Outcome.FAIL,
            reason=fault.text,
            where=Where(fault.layer),
            model="exact",
        )
    blank = _blank(summary, walked.comparisons)
    if blank:
        return replace(summary, outcome=Outcome.UNVERIFIABLE, reason=blank)
    if checks.regression:
        for tread in trail.treads:
            suspect = _leaning(tread)
            if suspect is not None:
                return _suspected(tread, suspect, summary)
    idle = _idle(trail)
    return replace(summary, outcome=Outcome.UNVERIFIABLE, reason=idle) if idle else summary


def _blank(summary: Verdict, comparisons: list[Comparison]) -> str:
    """Return why comparisons that all agree tell nothing; "" where they tell something."""
    if summary.verified_steps == 0:
        return "rounding errors grow past what can be told from a fault before the first step that is shown"
    return "" if any(found.elements for found in comparisons) else "nothing was compared"


def _idle(trail: Trail) -> str:
    """Return which recurrent kernels the inputs do not exercise; "" where they exercise all."""
    idle = [path for path, met in trail.exercised.items() if not met]
    if not idle:
        return ""
    return f"the inputs do not exercise the recurrent kernel of {', '.join(idle)}: every state before is 0"


def _failed(
    network: Network,
    observation: Observation,
    walked: _Walked,
    failed: Comparison,
    summary: Verdict,
    checks: Checks,
) -> Verdict:
    """Return a FAIL with its name, unless it is a known difference or only coarser arithmetic."""
    verdict = replace(
        summary,
        outcome=Outcome.FAIL,
        reason=failed.reason or beyond(failed),
        model="rigorous" if failed.rigorous else failed.model,
        where=failed.where,
    )
    known = known_difference(network, observation, walked.shown)
    if known is not None:
        return known
    diagnosis = Diagnosis()
    if checks.diagnosis:
        diagnosis = diagnose(network, observation.feeds, walked.shown, walked.trail, failed)
    if diagnosis.layer:
        verdict = replace(verdict, where=replace(failed.where, layer=diagnosis.layer))
    stated = observation.facts.precision
    coarse = diagnosis.precision or (
        stated if _only_coarser(network, observation, walked, stated) else ""
    )
    if coarse:
        bits = verdict.effective_bits
        return replace(
            verdict,
            outcome=Outcome.PRECISION_DOWNGRADED,
            reason=f"computed in {coarse}, where the network asks for more"
            + (f": {bits:.1f} bits" if bits is not None else ""),
            diagnosis=str(diagnosis) or f"arithmetic in {coarse}",
        )
    named = str(diagnosis) or _stored(network, observation, verdict.where, checks)
    return replace(verdict, diagnosis=named or None)


def _stored(network: Network, observation: Observation, where: Where | None, checks: Checks) -> str:
    """Return what the static check says of the layer that failed, where replaying bugs named none; "" if nothing."""
    if not checks.static or observation.static is None or where is None:
        return ""
    layer = next((call.layer for call in network.calls if call.path == where.layer), where.layer)
    return next((fault.text for fault in observation.static.faults if fault.layer == layer), "")


def _only_coarser(network: Network, observation: Observation, walked: _Walked, stated: str) -> bool:
    """Tell whether a runtime that says it computes in ``stated`` is right within that arithmetic.

    Its errors then have no direction either: a wrong weight in coarse arithmetic is still a wrong weight.
    """
    unit = UNITS.get(stated, 0.0)
    if not unit or all(UNITS.get(call.dtype, 1.0) >= unit for call in network.calls):
        return False
    trail = walk(network, observation.feeds, replace(walked.shown, precision=stated))
    if any(found.failed for found in trail.comparisons):
        return False
    # What coarser arithmetic leaves no bound for is not explained by it.
    if not any(found.elements for found in trail.comparisons if found.model != "exact"):
        return False
    return all(_leaning(item) is None for item in trail.treads)


def known_difference(network: Network, observation: Observation, shown: Shown) -> Verdict | None:
    """Return the verdict under known habits of the runtime, if they explain all; else None."""
    runtime = observation.facts.runtime.partition("@")[0]
    for reason, other in taken(network, runtime, shown):
        trail = walk(network, observation.feeds, other)
        if not any(found.failed for found in trail.comparisons):
            summary = summarize(network, trail.comparisons, trail.time)
            # A wider envelope says nothing of the arithmetic.
            bits = summary.effective_bits if other.envelope is shown.envelope else None
            unsaid = _blank(summary, trail.comparisons) or _idle(trail)
            outcome = Outcome.UNVERIFIABLE if unsaid else Outcome.KNOWN_DIFFERENCE
            return replace(summary, outcome=outcome, reason=unsaid or reason, effective_bits=bits)
    return None


def _leaning(tread: Tread) -> Suspect | None:
    """Return the weight that gives a cell's errors a direction, by the regression and by the errors' own sizes."""
    suspect = regress(tread.case, tread.steps, tread.local)
    return suspect if suspect is not None and confirmed(tread, suspect) else None


def _suspected(tread: Tread, suspect: Suspect, summary: Verdict) -> Verdict:
    name = suspected(tread, suspect)
    return replace(
        summary,
        outcome=Outcome.FAIL,
        reason=f"the errors of {suspect.path} have a direction (t = {suspect.t:.1f}): {name}",
        where=Where(suspect.path, unit=suspect.column),
        diagnosis=name,
    )


def same_bits(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> bool:
    """Tell whether two sets of outputs are the same, NaN and the sign of zero included."""
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype
        and a[name].shape == b[name].shape
        and np.ascontiguousarray(a[name]).tobytes() == np.ascontiguousarray(b[name]).tobytes()
        for name in a
    )


def _fail(reason: str) -> Verdict:
    return Verdict(Outcome.FAIL, reason)
