"""A network on its way into a graph: which value stands for which tensor, in which order of axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import singledispatch

from rnn_export.errors import ExportError
from rnn_export.exporters.compaction import Compaction
from rnn_export.exporters.elements import carrier, number
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.options import Options
from rnn_export.exporters.pairs import Pair
from rnn_export.exporters.plan import Layout, Plan
from rnn_export.exporters.stored import Laid
from rnn_export.network import Call, Network, Op, Spec, TensorId, Weight

Value = str | Callable[[], str]
"""A value's name, or what makes the value when somebody asks."""


def named(value: Value) -> str:
    """Return the value's name, making the value if need be."""
    return value if isinstance(value, str) else value()


class Lowering:
    """The state of one export.

    Args:
        network: what is written.
        options: how.
        graph: where the nodes go.
        plan: which tensors matter, and in which layout.
    """

    def __init__(self, network: Network, options: Options, graph: Graph, plan: Plan) -> None:
        self.network = network
        self.options = options
        self.graph = graph
        self.plan = plan
        self.notes: list[str] = []
        self.assumptions: list[str] = []
        self.shared: dict[tuple[object, ...], str] = {}
        self.steps: dict[TensorId, tuple[str, ...]] = {}
        self.pairs: dict[tuple[TensorId, ...], Pair] = {}
        self.reversed: dict[tuple[str, int], str] = {}
        self.compactions: dict[tuple[str, bool], Compaction] = {}
        self.folded: Mapping[TensorId, Call] = {}
        """What a folded Embedding puts out, and its call: in the graph, the tokens stand for it."""
        self.tables: dict[str, str] = {}
        """Path of a recurrent call to the table that it looks up x W + b in."""
        self.taps: list[tuple[str, str, Spec]] = []
        self._values: dict[tuple[TensorId, Layout], Value] = {}

    def spec(self, tensor: TensorId) -> Spec:
        """Return shape and dtype of a tensor, batch first, symbolic axes as in the network."""
        return self.network.spec(tensor)

    def live(self, tensor: TensorId) -> bool:
        """Tell whether any output depends on ``tensor``."""
        return tensor in self.plan.live

    def layout(self, tensor: TensorId) -> Layout:
        """Return the layout in which ``tensor`` is to be made."""
        return self.plan.layout(tensor)

    def offer(self, tensor: TensorId, value: Value, layout: Layout = Layout.PLAIN) -> None:
        """Say which value stands for ``tensor``; a callable is called once, when the value is first wanted."""
        self._values[tensor, layout] = value

    def get(self, tensor: TensorId, layout: Layout = Layout.PLAIN) -> str:
        """Return the value of ``tensor`` in ``layout`` and the carrier of its dtype, transposing if need be."""
        value = self._values.get((tensor, layout))
        if value is None:
            other = Layout.TIME if layout is Layout.PLAIN else Layout.PLAIN
            rank = self.spec(tensor).rank
            source = self.get(tensor, other)
            value = self.graph.add("Transpose", [source], perm=[1, 0, *range(2, rank)])
        name = named(value)
        self._values[tensor, layout] = name
        return name

    def known(self, tensor: TensorId, layout: Layout) -> bool:
        """Tell whether ``tensor`` is to be had in ``layout`` without a transposition."""
        return (tensor, layout) in self._values

    def weight(self, weight: Weight, call: Call, name: str, **how: object) -> str:
        """Return the name of an initializer that holds ``weight`` as ``call`` computes with it."""
        laid = Laid(weight, call.dtype, carrier(call.dtype), **how)  # type: ignore[arg-type]
        return self.graph.store(laid, name)

    def tap(self, name: str, call: Call, units: int, states: str) -> None:
        """Put out states (time, batch, units) under ``name``, batch first and in the call's dtype."""
        batch, time = self.spec(call.inputs[0]).shape[:2]
        value = self.graph.add("Transpose", [states], perm=[1, 0, 2])
        if carrier(call.dtype) != call.dtype:
            value = self.graph.add("Cast", [value], to=number(call.dtype))
        spec = Spec((batch, time, units), call.dtype)
        self.taps.append((self.graph.name(name), value, spec))

    def put(self, tensor: TensorId, value: str, layout: Layout = Layout.PLAIN) -> None:
        """Say which value stands for ``tensor``, after rounding it to the tensor's dtype."""
        self.offer(tensor, self.rounded(tensor, value), layout)

    def rounded(self, tensor: TensorId, value: str) -> str:
        """Return ``value`` rounded to the dtype of ``tensor``, where it travels in a wider carrier.

        What no call reads is left to the Cast at its output port.
        """
        dtype = self.spec(tensor).dtype
        if carrier(dtype) == dtype or tensor not in self.plan.read:
            return value
        narrow = self.graph.add("Cast", [value], to=number(dtype))
        return self.graph.add("Cast", [narrow], to=number(carrier(dtype)))

    def once(self, key: tuple[object, ...], make: Callable[[], str]) -> str:
        """Return the value under ``key``, made the first time it is asked for."""
        if key not in self.shared:
            self.shared[key] = make()
        return self.shared[key]

    def note(self, text: str) -> None:
        """Keep a remark for the user, once."""
        if text not in self.notes:
            self.notes.append(text)

    def assume(self, text: str) -> None:
        """Keep an assumption for the file's metadata, once."""
        if text not in self.assumptions:
            self.assumptions.append(text)


@singledispatch
def lower(op: Op, call: Call, low: Lowering) -> None:
    """Write one call. Each family of ops registers how.

    Raises:
        ExportError: an op that no family writes.
    """
    raise ExportError(
        f"layer {call.layer!r}",
        expected="an operation that can be written to ONNX",
        got=type(op).__name__,
        advice="Remove the layer, or export the model in parts around it.",
    )
