"""Taps on RNN nodes: the missing optional Y gets a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from onnx import NodeProto, helper

from rnn_export.exporters.taps.readings import CellTap, Count, Order, Reading, Step, Take
from rnn_export.exporters.taps.surgery import Surgery
from rnn_export.exporters.taps.walking import gathered
from rnn_export.network.activations import SELU_ALPHA

_CELL = re.compile(r".*#\d+(/.*)?")


def name_states(surgery: Surgery) -> None:
    """Give the optional Y of every RNN node a name, so that type inference sees them all."""
    for _, node in surgery.nodes("RNN"):
        if node.output and node.output[0]:
            continue
        made = surgery.name(f"{node.name or (node.output or ['rnn'])[-1]}:Y")
        if node.output:
            node.output[0] = made
        else:
            node.output.append(made)
        surgery.makers[made] = node


def native_taps(surgery: Surgery, node: NodeProto) -> Iterator[CellTap]:
    """Yield one tap for each direction of an RNN node.

    Source: ONNX RNN-7, RNN-14, RNN-22.
    """
    options = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    direction = options.get("direction", b"forward")
    batchwise = options.get("layout", 0) == 1
    inputs = [*node.input, *[""] * (6 - len(node.input))]
    y = surgery.show(node.output[0], 4, like=inputs[1])
    x = surgery.show(inputs[0], 3)
    initial = surgery.show(inputs[5], 3) if inputs[5] else None
    lengths = _lengths(surgery, inputs)
    scale = _scale(surgery, node, options)
    count = 2 if direction == b"bidirectional" else 1
    units, start = (2, 1) if batchwise else (1, 0)
    for k, cell in enumerate(cells_of(node.name, count)):
        reverse = direction == b"reverse" or k == 1
        turn: tuple[Step, ...] = (Order((1, 0, 2)),) if batchwise else ()
        yield CellTap(
            cell=cell,
            node=node.name,
            reverse=reverse,
            x=Reading((x,), turn),
            states=Reading((y,), (Take(units, k), *turn)),
            initial=None if initial is None else Reading((initial,), (Take(start, k),)),
            lengths=lengths,
            scale=scale,
        )


def _lengths(surgery: Surgery, inputs: Sequence[str]) -> Reading | None:
    """Return the lengths that the node is given; or those of the mask whose valid steps its input holds together."""
    if inputs[4]:
        return Reading((surgery.show(inputs[4], 1),))
    mask = gathered(surgery, inputs[0])
    return None if mask is None else Reading((surgery.show(mask, 2),), (Count(0),))


def cells_of(name: str, count: int) -> list[str | None]:
    """Return the cell paths that a node's name gives, one per direction or layer; None each where it gives none."""
    paths = name.split("//")
    if len(paths) == count and all(_CELL.fullmatch(path) for path in paths):
        return list(paths)
    return [None] * count


def _scale(surgery: Surgery, node: NodeProto, options: dict[str, object]) -> float:
    """Return the factor of a selu that was written as Elu: the one by which its outputs are multiplied next."""
    alphas = options.get("activation_alpha")
    kinds = options.get("activations", [b"Tanh"])
    if not isinstance(kinds, list) or set(kinds) != {b"Elu"} or not isinstance(alphas, list):
        return 1.0
    if any(np.float32(alpha) != np.float32(SELU_ALPHA) for alpha in alphas):
        return 1.0
    for output in node.output:
        for reader in _past_squeeze(surgery, output):
            if reader.op_type == "Mul":
                factors = [surgery.scalar(value) for value in reader.input]
                found = [factor for factor in factors if factor is not None]
                if found:
                    return found[0]
    return 1.0


def _past_squeeze(surgery: Surgery, value: str) -> Iterator[NodeProto]:
    for reader in surgery.readers.get(value, []):
        if reader.op_type == "Squeeze":
            yield from surgery.readers.get(reader.output[0], [])
        else:
            yield reader
