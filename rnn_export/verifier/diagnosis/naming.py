"""Naming a fault: which of the known bugs, replayed, leaves nothing beyond its bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnn_export.network import Network, Port
from rnn_export.network.ops import Recurrent
from rnn_export.verifier.bounds.cell import Affine
from rnn_export.verifier.comparing import Comparison
from rnn_export.verifier.diagnosis.cells import cell_hypotheses
from rnn_export.verifier.diagnosis.feeding import fed
from rnn_export.verifier.diagnosis.hypothesis import Subject, explaining
from rnn_export.verifier.diagnosis.networks import altered_networks
from rnn_export.verifier.diagnosis.outputs import moved, picked
from rnn_export.verifier.diagnosis.replaying import Replays
from rnn_export.verifier.diagnosis.single import one_weight
from rnn_export.verifier.diagnosis.weights import rounded_weights, scaled_weights
from rnn_export.verifier.recurring import cell_paths
from rnn_export.verifier.regression import Suspect, regress, weight_named
from rnn_export.verifier.trail import Shown, Trail, Tread
from rnn_export.verifier.walk import walk

MOST_NUMBERS = 2**21
"""Numbers in all outputs beyond which whole networks are not replayed: a name is worth seconds, no more."""


SPOKEN = 4
"""Alternatives that are named."""


@dataclass(frozen=True)
class Diagnosis:
    """What explains a failure.

    Args:
        names: every hypothesis that does; one, if the fault is told apart.
        precision: the arithmetic, where the failure is no more than coarser arithmetic.
        layer: the layer at fault, where the diagnosis knows better than the comparison; "" otherwise.
    """

    names: tuple[str, ...] = ()
    precision: str = ""
    layer: str = ""

    def __str__(self) -> str:
        return _either(self.names)


Named = tuple[str, str]
"""A name, and the layer at fault ("" where the comparison has it right)."""


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
    with np.errstate(all="ignore"):
        tread = _tread(trail, failed)
        if tread is not None and tread.case.added is not None:
            found = _of_table(network, feeds, shown, tread, trail, failed)
            if found.names:
                return found
        if tread is not None and failed.subject.startswith(("states of", "initial state of")):
            return _of_cell(network, tread, failed)
        names = list(_elsewhere(network, feeds, shown, trail, failed, tread))
    layers = {layer for _, layer in names}
    layer = layers.pop() if len(layers) == 1 else ""
    return Diagnosis(tuple(dict.fromkeys(name for name, _ in names)), layer=layer)


def _either(names: Iterable[str]) -> str:
    """Return names as alternatives: hundreds of weights can explain one number that is off."""
    found = _joined(names)
    more = len(found) - SPOKEN
    return " or ".join([*found[:SPOKEN], *([f"one of {more} others"] if more > 0 else [])])


def _joined(names: Iterable[str]) -> list[str]:
    """Return names, with one for float16 and tf32 where both explain: their significands are equally long."""
    kept = list(names)
    for name in list(kept):
        twin = name.replace("in float16", "in tf32")
        if twin != name and twin in kept:
            kept[kept.index(name)] = name.replace("in float16", "in float16/tf32")
            kept.remove(twin)
    return kept


def suspected(tread: Tread, suspect: Suspect) -> str:
    """Return what gives the errors of a cell a direction: one weight, or all of them in a way that has a name."""
    if suspect.units == 1:
        return str(suspect)
    with np.errstate(all="ignore"):
        subject = Subject.of(tread.case, tread.steps, tread.local)
        steps = subject.sample().steps
        names = [
            item.name
            for item in (*rounded_weights(subject), *scaled_weights(subject))
            if item.trial is not None
            and regress(item.trial.case, steps, item.trial.local(steps)) is None
        ]
    return _either(names) or f"weights of {suspect.units} units"


def _tread(trail: Trail, failed: Comparison) -> Tread | None:
    subject = failed.subject.removesuffix(" at masked steps")
    return next((item for item in trail.treads if subject.endswith(f" of {item.case.path}")), None)


def _others(network: Network, tread: Tread) -> tuple[tuple[str, Affine], ...]:
    """Return the other cells whose weights could stand in for this one's."""
    own, found = tread.case, []
    for call in network.calls:
        if isinstance(call.op, Recurrent):
            for path, cell in zip(cell_paths(call), call.op.cells, strict=True):
                other = Affine.of(cell, call.dtype)
                if path != own.path and other.kernel.shape == own.affine.kernel.shape:
                    found.append((path, other))
    return tuple(found)


def _of_cell(network: Network, tread: Tread, failed: Comparison) -> Diagnosis:
    case, steps = tread.case, tread.steps
    if failed.subject.startswith("initial state of"):
        spurious = case.start.exact and not np.any(case.start.value)
        lost = not np.any(tread.steps.before[:1])
        name = "an initial state where there is none" if spurious else "another initial state"
        return Diagnosis(("initial state lost" if lost and not spurious else name,))
    subject = Subject.of(case, steps, tread.local, _others(network, tread))
    found = explaining(cell_hypotheses(subject))
    faults = tuple(item.name for item in found if not item.precision)
    if found:
        precision = "" if faults else found[0].precision
        return Diagnosis(faults or tuple(item.name for item in found), precision)
    return Diagnosis(_single(subject, tread.case.path))


def _of_table(
    network: Network,
    feeds: Mapping[str, np.ndarray],
    shown: Shown,
    tread: Tread,
    trail: Trail,
    failed: Comparison,
) -> Diagnosis:
    """Return what explains a failure of a cell that reads x W + b from a table: one entry, else a bug of W or b."""
    if failed.subject.startswith("input of"):
        names = list(fed(network, feeds, tread, trail))
        if names:
            return Diagnosis(tuple(name for name, _ in names))
    elif failed.subject.startswith("initial state of"):
        return Diagnosis()
    plain = replace(shown, cells=tuple(replace(cell, added=None) for cell in shown.cells))
    trail = walk(network, feeds, plain)
    first = next((item for item in trail.comparisons if item.failed), None)
    other = None if first is None else _tread(trail, first)
    if first is None or other is None or other.case.path != tread.case.path:
        return Diagnosis()
    return _of_cell(network, other, first)


def _single(subject: Subject, path: str) -> tuple[str, ...]:
    """Return the one weight of a cell that explains everything, or all that could be the one."""
    affine = subject.case.affine
    found = list(one_weight(subject.local, subject.steps.after, subject.steps.active))
    suspect = regress(subject.case, subject.steps, subject.local) if len(found) != 1 else None
    if suspect is not None and suspect.units == 1:
        place = (suspect.place(affine), suspect.column)
        if place in {(item.row, item.column) for item in found}:
            return (str(suspect),)
        if not found and subject.moved(*place, suspect.estimate).holds():
            return (str(suspect),)
    return tuple(weight_named(affine, path, item.row, item.column, item.delta) for item in found)


def _elsewhere(
    network: Network,
    feeds: Mapping[str, np.ndarray],
    shown: Shown,
    trail: Trail,
    failed: Comparison,
    tread: Tread | None,
) -> Iterator[Named]:
    """Yield bugs beyond one cell: of its input, of an output's place, of another call, of attributes."""
    if tread is not None and failed.subject.startswith("input of"):
        names = list(fed(network, feeds, tread, trail))
        if names:
            yield from names
            return
    replays = Replays(network, feeds, shown, trail, failed)
    port = next(
        (item for item in network.outputs if failed.subject.startswith(f"output {item.name!r}")),
        None,
    )
    if port is not None:
        names = list(_of_port(replays, port))
        if names:
            yield from names
            return
    if sum(array.size for array in shown.outputs.values()) > MOST_NUMBERS:
        return
    for call in network.calls:
        first = replace(shown, last_step=(call.path, 0))
        if isinstance(call.op, Recurrent) and trail.treads and replays.clean(shown=first):
            yield "first step for last", call.layer
    for name, layer, altered in altered_networks(network, cells=not trail.treads):
        if replays.clean(altered):
            yield name, layer


def _of_port(replays: Replays, port: Port) -> Iterator[Named]:
    """Yield bugs of what one output shows: of its place, of the call that makes it, of its rows and units."""
    network, shown, trail = replays.network, replays.shown, replays.trail
    names = [(name, "") for name in picked(shown.outputs, port.name, trail.treads)]
    if not names and port.tensor in trail.mixed:
        call, local = trail.mixed[port.tensor]
        wide = shown.outputs[port.name].astype(np.float64)
        names = [
            (weight_named(local.affine, call.layer, item.row, item.column, item.delta), call.layer)
            for item in one_weight(local, wide, None)
        ]
    if not names:
        names = [
            (name, layer)
            for name, layer, altered in altered_networks(network, making=port.tensor)
            if replays.clean(altered)
        ]
    if not names:
        names = [
            (name, "")
            for name, other in moved(network, shown, port.name)
            if replays.clean(shown=other)
        ]
    yield from names
