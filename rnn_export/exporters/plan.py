"""What is worth writing, and in which order of axes: decided from the outputs backwards, before any node is made."""

from __future__ import annotations

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
        wanted: tensors that their readers want time first.
        timed: those of them whose call can make them so.
    """

    live: frozenset[TensorId]
    read: frozenset[TensorId]
    wanted: frozenset[TensorId]
    timed: frozenset[TensorId]

    def layout(self, tensor: TensorId) -> Layout:
        """Return the layout in which ``tensor`` is to be made."""
        return Layout.TIME if tensor in self.timed else Layout.PLAIN


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
    wanted: set[TensorId] = set()
    timed: set[TensorId] = set()
    for call in reversed(network.calls):
        if not (live | read).intersection(call.outputs):
            continue
        read.update(call.reads)
        if isinstance(call.op, Recurrent):
            wanted.update((call.inputs[0], *_mask(call)))
        elif call.outputs[0] in wanted and _follows(call, network):
            timed.add(call.outputs[0])
            wanted.update((*call.inputs, *_mask(call)))
    return Plan(*map(frozenset, (live | read, read, wanted, timed)))


def _mask(call: Call) -> tuple[TensorId, ...]:
    return () if call.mask is None else (call.mask,)


def _follows(call: Call, network: Network) -> bool:
    specs = tuple(network.spec(tensor) for tensor in call.inputs)
    return follows(call.op, specs, network.spec(call.outputs[0]))
