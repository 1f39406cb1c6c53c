"""Whether the rows of a batch may be computed apart from one another."""

from __future__ import annotations

from rnn_export.network.call import Call
from rnn_export.network.network import Network
from rnn_export.network.ops import ExpandDims, LayerNormalization, Permute
from rnn_export.network.tensor import Spec


def rows_apart(network: Network) -> bool:
    """Tell whether each row of the outputs depends on that row of the inputs alone, the batch coming first in all.

    False where that cannot be told, as for time-major inputs and sizes that broadcast over the batch.
    """
    specs = [network.spec(port.tensor) for port in (*network.inputs, *network.outputs)]
    specs += [network.spec(tensor) for call in network.calls for tensor in call.outputs]
    if not all(spec.shape for spec in specs) or len({spec.shape[0] for spec in specs}) != 1:
        return False
    return not any(_along_batch(call, network.spec(call.inputs[0])) for call in network.calls)


def _along_batch(call: Call, x: Spec) -> bool:
    """Tell whether an operator works along the first axis."""
    if isinstance(call.op, Permute):
        return call.op.whole[0] != 0
    named = call.op.axes if isinstance(call.op, LayerNormalization) else ()
    axis = getattr(call.op, "axis", None)
    axes = named if axis is None else (*named, axis)
    # That of a new axis is counted in the output.
    rank = x.rank + isinstance(call.op, ExpandDims)
    return any(each % rank == 0 for each in axes)
