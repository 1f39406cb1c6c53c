"""Taps on Scan nodes whose body is h' = act(h R + x): one more scan output shows every h'."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import overload

from onnx import GraphProto, NodeProto, helper

from rnn_export.exporters.taps.native import cells_of
from rnn_export.exporters.taps.readings import CellTap, Cut, Flip, Order, Reading, Step, Take
from rnn_export.exporters.taps.surgery import Surgery
from rnn_export.exporters.taps.walking import is_fixed, looked_up, projection

UNITS, BESIDE = "rnn_export.units", "rnn_export.beside"
"""Metadata of a node whose state is that of several cells: in a stack, or side by side."""

_Find = Callable[[Surgery, str], str | None]
"""`projection` or `looked_up`: from what is added in a step, back to what shows how it came about."""


@dataclass(frozen=True)
class _Loop:
    """A Scan node and what its attributes say.

    Args:
        node: the node.
        body: its body, in place.
        streams: how many of its inputs are scanned.
    """

    node: NodeProto
    body: GraphProto
    streams: int

    @property
    def states(self) -> int:
        return len(self.node.input) - self.streams

    def numbers(self, name: str, count: int) -> list[int]:
        """Return a list attribute, zeros where it is missing."""
        for item in self.node.attribute:
            if item.name == name:
                return list(item.ints)
        return [0] * count

    @property
    def fits(self) -> bool:
        """Whether node and body have as many inputs and outputs, and the lists say something of each."""
        node, body = self.node, self.body
        scanned = len(node.output) - self.states
        return (
            0 <= self.streams <= len(node.input) == len(body.input)
            and self.states <= len(node.output) == len(body.output)
            and all(node.input)
            and len(self.numbers("scan_input_axes", self.streams)) == self.streams
            and len(self.numbers("scan_input_directions", self.streams)) == self.streams
            and len(self.numbers("scan_output_axes", scanned)) == scanned
            and len(self.numbers("scan_output_directions", scanned)) == scanned
        )

    @property
    def backwards(self) -> bool:
        """Whether the scanned inputs are read from their ends."""
        return 1 in self.numbers("scan_input_directions", self.streams)

    def stream(self, name: str) -> int | None:
        """Return which scanned input a body's value is, or None."""
        for place, info in enumerate(self.body.input[self.states :]):
            if info.name == name:
                return place
        return None


def scan_taps(surgery: Surgery, node: NodeProto) -> Iterator[CellTap]:
    """Yield a tap for every state of a Scan that is a recurrence h' = act(h R + x); one per cell of a wavefront.

    Source: ONNX Scan-9 and later.
    """
    options = {item.name: item for item in node.attribute}
    loop = _Loop(node, options["body"].g, options["num_scan_inputs"].i)
    if not loop.fits:
        return
    makers = {name: item for item in loop.body.node for name in item.output}
    made = {info.name: place for place, info in enumerate(loop.body.output[: loop.states])}
    paths = cells_of(node.name, loop.states)
    shown: dict[int, Reading] = {}
    for place in range(loop.states):
        held = loop.body.input[place].name
        recurrence = _recurrence(loop.body, makers, held)
        if recurrence is None:
            continue
        matrix, added = recurrence
        states = shown[place] = _shown(surgery, loop, place)
        initial = surgery.show(node.input[place], 2)
        mask = _mask(surgery, loop, makers, place, held)
        x = _input(surgery, loop, makers, added, shown, made)
        stream = loop.stream(added)
        table = None if x or stream is None else _streamed(surgery, loop, stream, looked_up)
        tap = CellTap(
            paths[place],
            node.name,
            loop.backwards,
            x,
            states,
            Reading((initial,)),
            None,
            mask,
            table,
        )
        yield from _cells(surgery, node, tap, matrix)


def _input(
    surgery: Surgery,
    loop: _Loop,
    makers: dict[str, NodeProto],
    added: str,
    shown: Mapping[int, Reading],
    made: Mapping[str, int],
) -> Reading | None:
    """Return a cell's input: of the x W + b that is scanned, or that the body makes of a stream or a state."""
    stream = loop.stream(added)
    if stream is not None:
        return _streamed(surgery, loop, stream, projection)
    node = makers.get(added)
    if node is None or node.op_type != "Gemm" or not surgery.is_constant(node.input[1]):
        return None
    stream = loop.stream(node.input[0])
    if stream is None:
        return shown.get(made.get(node.input[0], -1))
    return Reading((surgery.show(loop.node.input[loop.states + stream], 3),))


def _recurrence(
    body: GraphProto, makers: dict[str, NodeProto], held: str
) -> tuple[str, str] | None:
    """Return (R, what is added) where the body has Gemm(h, R, x) or MatMul(h, R) + x."""
    products: dict[str, str] = {}
    for node in body.node:
        if node.op_type == "Gemm" and node.input[0] == held and len(node.input) == 3:
            return node.input[1], node.input[2]
        if node.op_type == "MatMul" and node.input[0] == held:
            products[node.output[0]] = node.input[1]
    for node in body.node:
        if node.op_type == "Add":
            for product, other in (node.input, reversed(node.input)):
                if product in products and other != product:
                    return products[product], other
    return None


def _shown(surgery: Surgery, loop: _Loop, place: int) -> Reading:
    """Return where the states after every step stand, with one more scan output if there is none yet."""
    node, body = loop.node, loop.body
    state = body.output[place].name
    same = {state} | {item.output[0] for item in body.node if _copies(item, state)}
    count = len(node.output) - loop.states
    axes = loop.numbers("scan_output_axes", count)
    directions = loop.numbers("scan_output_directions", count)
    for k, info in enumerate(body.output[loop.states :]):
        if info.name in same and axes[k] == 0 and directions[k] == loop.backwards:
            return Reading((surgery.show(node.output[loop.states + k], 3, like=node.input[place]),))
    shown = surgery.name(f"{state}/states")
    body.node.append(helper.make_node("Identity", [state], [shown], name=shown))
    info = body.output.add()
    info.CopyFrom(body.output[place])
    info.name = shown
    for name in ("scan_output_axes", "scan_output_directions"):
        for item in node.attribute:
            if item.name == name:
                item.ints.append(0)
    made = surgery.name(f"{node.name}:states")
    node.output.append(made)
    surgery.makers[made] = node
    # A new scan output runs forwards through the steps as they are processed.
    steps: tuple[Step, ...] = (Flip(0),) if loop.backwards else ()
    return Reading((surgery.show(made, 3, like=node.input[place]),), steps)


def _copies(node: NodeProto, state: str) -> bool:
    return node.op_type == "Identity" and node.input[0] == state


def _streamed(surgery: Surgery, loop: _Loop, stream: int, find: _Find) -> Reading | None:
    """Return what ``find`` finds behind the x W + b that is scanned: the node's own input, or itself."""
    found = find(surgery, loop.node.input[loop.states + stream])
    if found is None:
        return None
    axes = loop.numbers("scan_input_axes", loop.streams)
    return Reading((surgery.show(found, 3),), (Order((1, 0, 2)),) if axes[stream] == 1 else ())


def _mask(
    surgery: Surgery, loop: _Loop, makers: dict[str, NodeProto], place: int, held: str
) -> Reading | None:
    """Return the mask where the body keeps the old state by Where; None where no input of the model decides."""
    node = makers.get(loop.body.output[place].name)
    if node is None or node.op_type != "Where" or node.input[2] != held:
        return None
    stream = loop.stream(node.input[0])
    if stream is None:
        return None
    value = loop.node.input[loop.states + stream]
    return None if is_fixed(surgery, value) else Reading((surgery.show(value, 3),))


def _cells(surgery: Surgery, node: NodeProto, tap: CellTap, matrix: str) -> Iterator[CellTap]:
    """Yield the tap of a single cell, or one for each of several whose states are one."""
    key = UNITS if _hint(node, UNITS) else BESIDE
    stated = [item for item in _hint(node, key).split(",") if item]
    # A hint that anyone may have written.
    units = [int(item) for item in stated if item.isascii() and item.isdigit() and len(item) < 10]
    tensor = surgery.tensor(matrix)
    if len(units) < 2 or tensor is None or [sum(units)] != list(tensor.dims[:1]):
        yield replace(tap, mask=_with(tap.mask, Take(2, 0)))
        return
    edges = [0, *accumulate(units)]
    below, table = tap.x, tap.added
    for k, cell in enumerate(cells_of(node.name, len(units))):
        columns = Cut(2, edges[k], edges[k + 1])
        ticks = (Cut(0, k, k + 1 - len(units)),) if key == UNITS else ()
        states = _with(tap.states, *ticks, columns)
        if key == BESIDE:
            below, table = (
                _beside(surgery, node, k, projection),
                _beside(surgery, node, k, looked_up),
            )
        yield replace(
            tap,
            cell=cell,
            x=below,
            added=table,
            states=states,
            initial=_with(tap.initial, Cut(1, edges[k], edges[k + 1])),
            mask=_with(tap.mask, *ticks, Take(2, edges[k])),
        )
        below, table = states, None


def _beside(surgery: Surgery, node: NodeProto, k: int, find: _Find) -> Reading | None:
    """Return what one of the cells reads whose x W + b a Concat puts side by side, as the one stream."""
    joined = surgery.maker(node.input[-1], "Concat")
    if joined is None or k >= len(joined.input):
        return None
    found = find(surgery, joined.input[k])
    return None if found is None else Reading((surgery.show(found, 3),))


def _hint(node: NodeProto, key: str) -> str:
    return next((item.value for item in node.metadata_props if item.key == key), "")


@overload
def _with(reading: Reading, *steps: Step) -> Reading: ...
@overload
def _with(reading: Reading | None, *steps: Step) -> Reading | None: ...
def _with(reading: Reading | None, *steps: Step) -> Reading | None:
    return None if reading is None else replace(reading, steps=(*reading.steps, *steps))
