"""SimpleRNN cells, alone or stacked, with their weights and activations."""

from __future__ import annotations

from rnn_export.errors import ReadError
from rnn_export.network.ops import Cell
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.layers.activations import parse
from rnn_export.readers.policy import policy
from rnn_export.readers.use import Use


def cells_of(use: Use, layer: Layer) -> tuple[Cell, ...]:
    """Return the cells of a recurrent layer, nested stacks flat, each with a name of its own."""
    cell = layer.part("cell")
    if cell.kind == "SimpleRNNCell":
        return (_cell(use, cell, ""),)
    flat = list(_flat_cells(cell, ""))
    names = [name for name, _ in flat]
    made = []
    for index, (name, found) in enumerate(flat):
        # Cells may share a name; taps and states need paths of their own.
        unique = name if names.count(name) == 1 else f"{name}_at_{index}"
        made.append(_cell(use, found, unique))
    return tuple(made)


def _flat_cells(stack: Layer, prefix: str) -> list[tuple[str, Layer]]:
    made: list[tuple[str, Layer]] = []
    for cell in stack.parts("cells"):
        if cell.kind == "StackedRNNCells":
            made += _flat_cells(cell, f"{prefix}{cell.name}.")
        else:
            made.append((f"{prefix}{cell.name}", cell))
    return made


def _cell(use: Use, cell: Layer, name: str) -> Cell:
    fields = cell.fields
    bias = use.weight("bias", cell) if fields.flag("use_bias", True) else None
    named = fields.values.get("activation", "tanh")
    dtype = policy(cell).compute
    function = parse(named, cell.subject, keras2=use.lowering.keras2, dtype=dtype)
    made = Cell(
        name, use.weight("kernel", cell), use.weight("recurrent_kernel", cell), bias, function
    )
    units = fields.integer("units")
    if made.recurrent_kernel.shape != (units, units):
        raise ReadError(
            cell.subject,
            expected=f"a recurrent kernel ({units}, {units})",
            got=f"{made.recurrent_kernel.shape}",
            advice="The weights do not belong to this configuration.",
        )
    return made


def cell_dtype(layer: Layer) -> str:
    """Return what the cells compute in.

    Raises:
        ReadError: stacked cells that differ.
    """
    found = {policy(part).compute for part in layer.part("cell").walk()}
    if len(found) != 1:
        raise ReadError(
            layer.subject,
            expected="cells of one dtype policy",
            got=", ".join(sorted(found)),
            advice="Give all cells the layer's own dtype.",
        )
    return found.pop()
