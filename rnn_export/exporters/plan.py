"""What is worth writing, and in which order of axes: decided from the outputs backwards, before any node is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import singledispatch

from rnn_export.network import Call, Network, Op, Spec, TensorId
from rnn_export.network.ops import Recurrent


class Layout(Enum):
    """The order of a tensor's first two axes in the graph."""

    PLAIN = "as in the network: batch first"
    TIME = "time first, batch second"


@dataclass(frozen=True)
class Plan:
    """What the outputs need.

    Args:
        live: tensors that some output depends on.
        read: tensors that some call reads, for which some output depends on it.
        layouts: the layout in which a tensor's readers want it; PLAIN where nothing is said.
    """

    live: frozenset[TensorId]
    read: frozenset[TensorId]
    layouts: Mapping[TensorId, Layout]

    def layout(self, tensor: TensorId) -> Layout:
        """Return the layout in which ``tensor`` is best made."""
        return self.layouts.get(tensor, Layout.PLAIN)


@singledispatch
def follows(op: Op, inputs: tuple[Spec, ...], output: Spec) -> bool:
    """Tell whether ``op`` can run time first: its inputs then come time first too. Families register their answer."""
    return False


def plan(network: Network) -> Plan:
    """Return what ``network``'s outputs need, and the layouts that its recurrent calls ask for.

    Recurrent operators want time first. What stands between two of them and keeps positions in place
    (an activation, a Dense) then runs time first as well, so that nothing is transposed on the way.
    """
    live = {port.tensor for port in network.outputs}
    read: set[TensorId] = set()
    layouts: dict[TensorId, Layout] = {}
    for call in reversed(network.calls):
        if not (live | read).intersection(call.outputs):
            continue
        read.update(call.reads)
        if isinstance(call.op, Recurrent):
            layouts[call.inputs[0]] = Layout.TIME
            if call.mask is not None:
                layouts[call.mask] = Layout.TIME
        elif layouts.get(call.outputs[0]) is Layout.TIME and _follows(call, network):
            for tensor in (*call.inputs, *((call.mask,) if call.mask else ())):
                layouts[tensor] = Layout.TIME
    return Plan(frozenset(live | read), frozenset(read), layouts)


def _follows(call: Call, network: Network) -> bool:
    specs = tuple(network.spec(tensor) for tensor in call.inputs)
    return follows(call.op, specs, network.spec(call.outputs[0]))
