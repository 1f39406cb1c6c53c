"""The static check of folded embeddings: each table in a file is E W + b of the network's own, rounded once.

Worked out anew in float64. Two orders of adding up the same numbers differ by rounding errors of float64, bounded for
every order; an entry is right if any order can give it, which for nearly all entries is one number alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rnn_export.builders.reference.rounding import effective, rounded
from rnn_export.network import Call, Network, op_weights
from rnn_export.network.dtypes import HALF, numpy_dtype
from rnn_export.network.ops import Cell, Embedding, Recurrent
from rnn_export.verifier.bounds.precision import FLOORS, UNITS, Arithmetic
from rnn_export.verifier.bounds.products import rigorous

ROWS = 4096
"""Worked out at once."""


@dataclass(frozen=True)
class TableFinding:
    """What became of one table.

    Args:
        name: of the initializer.
        paths: of the weights that it stands for.
        layer: that reads it.
        text: what is wrong with it; "" if nothing is.
    """

    name: str
    paths: tuple[str, ...]
    layer: str
    text: str


def check_tables(
    network: Network, stored: Mapping[str, np.ndarray], folded: Mapping[str, str]
) -> Iterator[TableFinding]:
    """Yield what becomes of each table that a file says it holds; of those that it does not hold so, nothing.

    Args:
        network: what the file should hold.
        stored: initializer's name to values.
        folded: path of a recurrent call to the name of its table, as the file says.
    """
    makers = {tensor: call for call in network.calls for tensor in call.outputs}
    for call in network.recurrent():
        op, maker = call.op, makers.get(call.inputs[0])
        name = folded.get(call.path, "")
        if name not in stored or maker is None or not isinstance(maker.op, Embedding):
            continue
        assert isinstance(op, Recurrent)
        held, shape = stored[name], (maker.op.table.shape[0], op.cells[0].units)
        wanted = "float32" if call.dtype in HALF else call.dtype
        if held.shape != shape or held.dtype.name != wanted:
            continue
        first = op.cells[0]
        layer = f"{call.layer}/{first.name}" if first.name else call.layer
        own = [
            path for path, _ in op_weights(first, layer) if not path.endswith("/recurrent_kernel")
        ]
        text = _text(name, call, maker.op, first, held)
        yield TableFinding(name, (f"{maker.layer}/table", *own), call.layer, text)


def _text(name: str, call: Call, rows: Embedding, cell: Cell, held: np.ndarray) -> str:
    wrong = list(_wrong(call, rows, cell, held))
    if not wrong:
        return ""
    token, unit, wanted = wrong[0]
    count = f"{len(wrong)} of {held.size} entries differ" if len(wrong) > 1 else "differs"
    return (
        f"table of {call.layer} {count} in the file's {name}: expected {wanted:.9g}"
        f" at [{token}, {unit}], got {held[token, unit]:.9g}"
    )


def _wrong(
    call: Call, rows: Embedding, cell: Cell, held: np.ndarray
) -> Iterator[tuple[int, int, float]]:
    """Yield (token, unit, what it should be) of every entry that no order of summation in float64 gives."""
    wide = np.dtype(np.float64)
    kernel = effective(cell.kernel, call.dtype, wide)
    bias = None if cell.bias is None else effective(cell.bias, call.dtype, wide)
    own = Arithmetic(2 * UNITS["float64"], floor=FLOORS["float64"])
    start = 0
    for block in rows.table.blocks():
        for first in range(0, len(block), ROWS):
            x = rounded(block[first : first + ROWS], call.dtype).astype(wide)
            sums = x @ kernel
            sums = sums if bias is None else sums + bias
            slack = rigorous([(x, kernel)], bias, own)
            found = held[start : start + len(x)]
            low, high = (_stored(sums + side * slack, held.dtype.name) for side in (-1, 1))
            # An infinite sum has an infinite slack, of which nothing can be taken away.
            right = ((low <= found) & (found <= high)) | (found == _stored(sums, held.dtype.name))
            right |= np.isnan(sums) & np.isnan(found)
            for token, unit in np.argwhere(~right).tolist():
                yield start + token, unit, float(sums[token, unit])
            start += len(x)


def _stored(values: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values.astype(numpy_dtype(dtype))
