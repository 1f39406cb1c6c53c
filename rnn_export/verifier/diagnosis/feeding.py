"""What a cell's input is instead, where it is not what the network feeds the cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from rnn_export.builders.reference import trace
from rnn_export.network import Network
from rnn_export.network.ops import Embedding
from rnn_export.verifier.comparing import ratios
from rnn_export.verifier.diagnosis.orders import masked_so, other_masks
from rnn_export.verifier.recurring import cell_paths
from rnn_export.verifier.steps import Case, forward
from rnn_export.verifier.tapped import check
from rnn_export.verifier.trail import Trail, Tread


def fed(
    network: Network, feeds: Mapping[str, np.ndarray], tread: Tread, trail: Trail
) -> Iterator[tuple[str, str]]:
    """Yield (name, layer at fault) for what the input of a cell is, by name.

    Args:
        network, feeds: what ran.
        tread: the cell with the wrong input.
        trail: of the walk.
    """
    case = tread.case
    if case.added is not None:
        yield from _entries(network, feeds, tread)
        return
    assert case.reading.x is not None
    shown = forward(case.reading, case.reading.x).astype(np.float64)
    if case.order.active is None:
        yield from _moved(case.path, shown, case.x.value, case.x.bound)
        yield from _others(network, tread, shown, trail)
    turned = replace(case.reading, reverse=not case.reading.reverse)
    if case.order.active is not None and _right(replace(case, reading=turned)):
        yield "time runs the other way", case.path
    if case.order.active is not None:
        for name, mask in other_masks(case.order):
            if masked_so(case, mask)():
                yield name, case.path
                return
    yield from _entries(network, feeds, tread)


def _right(case: Case) -> bool:
    found, _, _ = check(case)
    return not any(item.failed for item in found if item.subject.startswith("input of"))


def _moved(
    path: str, shown: np.ndarray, value: np.ndarray, bound: np.ndarray | None
) -> Iterator[tuple[str, str]]:
    def same(a: np.ndarray, b: np.ndarray, limit: np.ndarray | None) -> bool:
        return a.size > 0 and bool((ratios(a, b, limit, "float32") <= 1).all())

    limits = np.zeros_like(value) if bound is None else bound
    for name, other, limit in (
        ("time runs the other way", value[::-1], limits[::-1]),
        ("input batch rows reversed", value[:, ::-1], limits[:, ::-1]),
        ("input batch rows rotated", np.roll(value, 1, axis=1), np.roll(limits, 1, axis=1)),
        ("input features reversed", value[..., ::-1], limits[..., ::-1]),
        ("input features rotated", np.roll(value, 1, axis=2), np.roll(limits, 1, axis=2)),
        ("input negated", -value, limits),
    ):
        if same(shown, other, limit if bound is not None else None):
            yield name, path
    if not np.any(shown):
        yield "input zero", path
    if same(shown[1:], value[:-1], None if bound is None else limits[:-1]):
        yield "input one step late", path
    if same(shown[:-1], value[1:], None if bound is None else limits[1:]):
        yield "input one step early", path


def _others(
    network: Network, tread: Tread, shown: np.ndarray, trail: Trail
) -> Iterator[tuple[str, str]]:
    """Yield another cell's states, or its input, where the input is that."""
    own = tread.case.path
    sources = {path: call.inputs[0] for call in network.recurrent() for path in cell_paths(call)}
    # Backwards: the cell right below is the likeliest to have been skipped.
    for other in reversed(trail.treads):
        if other.case.path == own:
            continue
        if sources[other.case.path] == sources[own]:
            continue  # Both are to read the same.
        if other.steps.x.shape == shown.shape and np.array_equal(other.steps.x, shown):
            yield f"input is that of {other.case.path}, which is skipped", own
            return
        if other.steps.after.shape == shown.shape and np.array_equal(other.steps.after, shown):
            yield f"input is the states of {other.case.path}", own
            return


def _entries(
    network: Network, feeds: Mapping[str, np.ndarray], tread: Tread
) -> Iterator[tuple[str, str]]:
    """Yield the entry of a table that is off, where it is one: of an embedding's, or of a folded one."""
    call = next(item for item in network.recurrent() if tread.case.path in cell_paths(item))
    maker = next((item for item in network.calls if call.inputs[0] in item.outputs), None)
    if maker is None or not isinstance(maker.op, Embedding):
        return
    case, order = tread.case, tread.case.order
    read, predicted = case.reading.x, case.x
    if case.added is not None:
        read, predicted = case.reading.added, case.added
    assert read is not None
    shown = forward(case.reading, read).astype(np.float64)
    tokens = order.process(
        trace(network, feeds, np.float64)[maker.inputs[0]].astype(np.int64)[..., None]
    )
    wanted, bound = predicted.value, predicted.error
    active = np.ones(tokens.shape[:2], bool)
    if tread.steps.compact:
        tokens, wanted, bound = map(order.compact, (tokens, wanted, bound))
        active = np.arange(order.time)[:, None] < order.count[None, :]
    found = {}
    # Where the prediction is exact, as of an embedding's own table, the bound is 0.
    off = ~(np.abs(shown - wanted) <= bound)
    for step, row in np.argwhere(active & off.any(axis=2)).tolist():
        for unit in np.flatnonzero(off[step, row]).tolist():
            away = float(shown[step, row, unit] - wanted[step, row, unit])
            found[int(tokens[step, row, 0]), unit] = away
        if len(found) > 1:
            return
    layer = maker.layer if case.added is None else call.layer
    for (token, unit), away in found.items():
        yield f"table[{token}, {unit}] of {layer} is off by {away:.2g}", layer
