"""Naming a fault: which of the known bugs, replayed, leaves nothing beyond its bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rnn_export.errors import NetworkError
from rnn_export.network import Network
from rnn_export.verifier.comparing import Comparison
from rnn_export.verifier.diagnosis.cells import Hypothesis, cell_hypotheses
from rnn_export.verifier.diagnosis.networks import altered_networks
from rnn_export.verifier.diagnosis.outputs import moved, picked
from rnn_export.verifier.regression import Suspect, regress
from rnn_export.verifier.walk import Shown, Trail, walk

MOST_NUMBERS = 2**21
"""Numbers in all outputs together beyond which whole networks are not replayed: a name is worth seconds, no more."""


@dataclass(frozen=True)
class Diagnosis:
    """What explains a failure.

    Args:
        names: every hypothesis that does; one, if the fault is told apart.
        precision: the arithmetic, where the failure is no more than coarser arithmetic.
        suspect: the one weight that is off.
    """

    names: tuple[str, ...] = ()
    precision: str = ""
    suspect: Suspect | None = None

    def __str__(self) -> str:
        return " or ".join(self.names)


def diagnose(
    network: Network,
    feeds: Mapping[str, np.ndarray],
    shown: Shown,
    trail: Trail,
    failed: Comparison,
) -> Diagnosis:
    """Return what explains the first failed comparison of a walk.

    Args:
        network, feeds, shown: what was walked.
        trail: what the walk found.
        failed: the comparison.
    """
    layer = failed.where.layer
    tread = next((item for item in trail.treads if item.case.path == layer), None)
    cleared = bool(trail.treads) and not failed.subject.startswith("states of")
    if tread is not None and not cleared:
        suspect = regress(tread.case, tread.steps, tread.local)
        found = _explaining(cell_hypotheses(tread.case, tread.steps))
        if found:
            faults = tuple(item.name for item in found if not item.precision)
            precision = "" if faults else found[0].precision
            return Diagnosis(faults or tuple(item.name for item in found), precision)
        if suspect is not None and suspect.units == 1:
            return Diagnosis((str(suspect),), suspect=suspect)
        return Diagnosis()
    names = tuple(_whole(network, feeds, shown, trail, failed, recurrent=not cleared))
    return Diagnosis(tuple(dict.fromkeys(names)))


def _explaining(hypotheses: Iterable[Hypothesis]) -> list[Hypothesis]:
    with np.errstate(all="ignore"):
        return [item for item in hypotheses if item.explains()]


def _whole(
    network: Network,
    feeds: Mapping[str, np.ndarray],
    shown: Shown,
    trail: Trail,
    failed: Comparison,
    *,
    recurrent: bool,
) -> Iterator[str]:
    """Yield bugs beyond one cell: of an output's place, of another call, of attributes."""
    port = next(
        (item.name for item in network.outputs if failed.subject == f"output {item.name!r}"), None
    )
    if port is not None:
        yield from picked(shown.outputs, port, trail.treads)
        for name, other in moved(network, shown, port):
            if _clean(network, feeds, other):
                yield name
    if sum(array.size for array in shown.outputs.values()) > MOST_NUMBERS:
        return
    for name, altered in altered_networks(network, recurrent=recurrent):
        if _clean(altered, feeds, shown):
            yield name


def _clean(network: Network, feeds: Mapping[str, np.ndarray], shown: Shown) -> bool:
    try:
        with np.errstate(all="ignore"):
            trail = walk(network, feeds, shown)
    except NetworkError:
        return False
    return not any(found.failed for found in trail.comparisons)
