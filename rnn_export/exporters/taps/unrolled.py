"""Taps on recurrences that are written out step by step: h' = act(h R + x) with one R all along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from onnx import NodeProto

from rnn_export.exporters.taps.native import cells_of
from rnn_export.exporters.taps.readings import CellTap, Reading, Take
from rnn_export.exporters.taps.surgery import Surgery
from rnn_export.exporters.taps.walking import (
    FAR,
    POINTWISE,
    found_behind,
    looked_up,
    projection,
)


@dataclass(frozen=True)
class _Chain:
    """Steps of one cell, in the order in which they run.

    Args:
        gemms: the nodes h R + x; the first step has none where it starts from zeros.
        states: the state after each step, the first one included.
        added: x W + b of each step.
        initial: the state before the first step, or None for zeros.
    """

    gemms: tuple[NodeProto, ...]
    states: tuple[str, ...]
    added: tuple[str, ...]
    initial: str | None


def unrolled_taps(surgery: Surgery) -> Iterator[tuple[int, CellTap]]:
    """Yield (place of the first node in the graph, tap) for every chain of steps."""
    places = {name: k for k, node in enumerate(surgery.graph.node) for name in node.output}
    for chain in _chains(surgery, places):
        yield places[chain.gemms[0].output[0]], _tap(surgery, chain, places)


def _chains(surgery: Surgery, places: dict[str, int]) -> Iterator[_Chain]:
    nodes = [node for _, node in surgery.nodes("Gemm") if _is_step(surgery, node)]
    outputs = {node.output[0]: node for node in nodes}
    after: dict[str, NodeProto] = {}
    starts = []
    for node in nodes:
        before = found_behind(surgery, node.input[0], partial(_same, outputs, node))
        if before is None:
            starts.append(node)
        else:
            after[before.output[0]] = node
    for node in starts:
        gemms = [node]
        while gemms[-1].output[0] in after:
            gemms.append(after[gemms[-1].output[0]])
        yield _chain(surgery, gemms, places)


def _same(steps: dict[str, NodeProto], after: NodeProto, node: NodeProto) -> bool:
    """Tell whether a node may be the step before another: they share R, and are not said to be of two calls."""
    shared = node.output[0] in steps and node.input[1] == after.input[1]
    return shared and _of_one_call(node, after)


def _of_one_call(a: NodeProto, b: NodeProto) -> bool:
    """Tell whether nothing says that two nodes are of two calls of one layer, which share its weights."""
    (one,), (other,) = cells_of(_scope(a), 1), cells_of(_scope(b), 1)
    return one is None or other is None or one == other


def _scope(node: NodeProto) -> str:
    return str(node.name.rpartition("/")[0])


def _is_step(surgery: Surgery, node: NodeProto) -> bool:
    return (
        len(node.input) == 3
        and all(node.input)
        and node.input[2] in surgery.makers
        and surgery.is_constant(node.input[1])
        and not surgery.is_constant(node.input[2])
        and not surgery.is_constant(node.input[0])
    )


def _chain(surgery: Surgery, gemms: list[NodeProto], places: dict[str, int]) -> _Chain:
    added = [node.input[2] for node in gemms]
    held = [node.input[0] for node in gemms]
    states = [*held[1:], _last(surgery, gemms, held, places)]
    like = _origin(surgery, added[0])
    first = found_behind(
        surgery,
        held[0],
        lambda item: _origin(surgery, item.output[0]) == like and _of_one_call(item, gemms[0]),
    )
    if like is None or first is None:
        return _Chain(tuple(gemms), tuple(states), tuple(added), held[0])
    return _Chain(tuple(gemms), (held[0], *states), (first.output[0], *added), None)


def _origin(surgery: Surgery, value: str) -> tuple[str, str] | None:
    """Return what steps of x W + b have in common: the sequence they are taken from, or their W."""
    node = surgery.maker(value, "Gather", "Gemm", "MatMul")
    if node is None:
        return None
    if node.op_type == "Gather":
        return ("Gather", node.input[0]) if surgery.scalar(node.input[1]) is not None else None
    return ("Gemm", node.input[1]) if surgery.is_constant(node.input[1]) else None


def _last(surgery: Surgery, gemms: list[NodeProto], held: list[str], places: dict[str, int]) -> str:
    """Return the state after the last step: as many nodes behind its Gemm as in the steps before."""
    final = gemms[-1]
    if len(gemms) > 1:
        distance = places.get(held[-1], 0) - places[gemms[-2].output[0]]
        behind = surgery.graph.node[places[final.output[0]] :][distance : distance + 1]
        if distance > 0 and behind and behind[0].output:
            return str(behind[0].output[0])
    scope = _scope(final)
    value = final.output[0]
    for _ in range(FAR):
        readers = surgery.readers.get(value, [])
        inside = [n for n in readers if n.op_type in POINTWISE and _scope(n) == scope]
        if not inside:
            return str(value)
        value = inside[-1].output[0]
    return str(value)


def _tap(surgery: Surgery, chain: _Chain, places: dict[str, int]) -> CellTap:
    order, x = _in_time(surgery, chain, places)
    source = surgery.maker(chain.added[0], "Gather")
    added = None if x or source is None else looked_up(surgery, source.input[0])
    states = tuple(surgery.show(chain.states[k], 2) for k in order)
    first = chain.gemms[0]
    return CellTap(
        cell=cells_of(_scope(first), 1)[0],
        node=first.name,
        reverse=any(later < earlier for earlier, later in pairwise(order)),
        x=x,
        states=Reading(states, stacked=True),
        initial=None if chain.initial is None else Reading((surgery.show(chain.initial, 2),)),
        mask=_mask(surgery, chain, order),
        added=None if added is None else Reading((surgery.show(added, 3),)),
    )


def _in_time(
    surgery: Surgery, chain: _Chain, places: dict[str, int]
) -> tuple[list[int], Reading | None]:
    """Return the steps in the order of time, and the input in that order."""
    makers = [surgery.makers[value] for value in chain.added]
    if any(node.op_type != makers[0].op_type or not node.input for node in makers):
        # Not steps of one input: where they stand in the graph says in which order they run.
        return list(range(len(makers))), None
    if makers[0].op_type == "Gather":
        instants = [surgery.scalar(node.input[1]) or 0.0 for node in makers]
        order = [int(k) for k in np.argsort(instants, kind="stable")]
        x = projection(surgery, makers[0].input[0])
        return order, None if x is None else Reading((surgery.show(x, 3),))
    order = [int(k) for k in np.argsort([places[value] for value in chain.added], kind="stable")]
    shown = tuple(surgery.show(makers[k].input[0], 2) for k in order)
    return order, Reading(shown, stacked=True)


def _mask(surgery: Surgery, chain: _Chain, order: list[int]) -> Reading | None:
    """Return the masks by which steps keep the old state, or None."""
    masks = []
    for k in order:
        node = surgery.maker(chain.states[k], "Where")
        held = chain.states[k - 1] if k else chain.initial
        # An activation may end in Where as well; it keeps no state.
        if node is None or (held is not None and node.input[2] != held):
            return None
        masks.append(node.input[0])
    return Reading(tuple(surgery.show(mask, 2) for mask in masks), (Take(2, 0),), stacked=True)
