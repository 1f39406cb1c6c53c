"""From a tree of layers and their variables to the finished network: ports, open axes, streams, checks."""

from __future__ import annotations

from rnn_export.errors import NetworkError, ReadError, RnnExportError
from rnn_export.network import Draft, Network, Source
from rnn_export.network.pruning import pruned
from rnn_export.readers.finite import expect_finite
from rnn_export.readers.inputs import Axes, Shape, declared_input, relaxed
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.limits import Limits
from rnn_export.readers.lowering import Lowering
from rnn_export.readers.values import Value
from rnn_export.readers.variables import Variables
from rnn_export.readers.writer import Writer


def assemble(
    model: Layer,
    variables: Variables,
    source: Source,
    *,
    keras2: bool,
    allow_nonfinite: bool,
    limits: Limits,
) -> Network:
    """Return the network of a model.

    Args:
        model: the tree of layers, the model itself at its root.
        variables: its weights.
        source: what to note as the network's source.
        keras2: whether names have the meaning that Keras 2 gave them.
        allow_nonfinite: whether weights may hold NaN or infinities.
        limits: what to accept.

    Raises:
        ReadError: anything in it that cannot be read.
    """
    made = _Assembly(model, variables, source, keras2, limits)
    try:
        network = pruned(made.network())
    except NetworkError as error:
        raise ReadError(
            error.subject, expected=error.expected, got=error.got, advice=error.advice
        ) from None
    if not allow_nonfinite:
        expect_finite(network)
    return network


class _Assembly:
    def __init__(
        self, model: Layer, variables: Variables, source: Source, keras2: bool, limits: Limits
    ) -> None:
        self._model = model
        self._variables = variables
        self._source = source
        self._keras2 = keras2
        self._limits = limits
        assert model.graph is not None
        self._graph = model.graph
        self._inputs = [self._graph.nodes[ref.node].layer for ref in self._graph.inputs]

    def network(self) -> Network:
        declared = [declared_input(layer) for layer in self._inputs]
        shapes = [shape for shape, _ in declared]
        dtypes = [dtype for _, dtype in declared]
        opened = relaxed(self._model, shapes[0]) if len(shapes) == 1 else None
        if opened is not None and opened != shapes[0]:
            try:
                return self._tied([opened], dtypes)
            except RnnExportError:
                # A layer needs the fixed length (unroll, Flatten before Dense, ...): keep it, open the batch alone.
                shapes = [(opened[0], *shapes[0][1:])]
        return self._tied(shapes, dtypes)

    def _tied(self, shapes: list[Shape], dtypes: list[str]) -> Network:
        """Lower once to learn which open axes must agree, and again with one name for each."""
        axes = Axes({})
        network = self._lowered(shapes, dtypes, axes)
        return self._lowered(shapes, dtypes, axes) if axes.same else network

    def _lowered(self, shapes: list[Shape], dtypes: list[str], axes: Axes) -> Network:
        draft = Draft()
        writer = Writer(draft, self._variables, axes, self._limits)
        lowering = Lowering(writer, keras2=self._keras2, limits=self._limits)
        given = []
        first = True
        time_major = any(layer.fields.flag("time_major") for layer in self._model.walk())
        for layer, shape, dtype in zip(self._inputs, shapes, dtypes, strict=True):
            given.append(
                Value(
                    draft.input(
                        layer.name,
                        axes.shape(layer.name, shape, first=first, time_major=time_major),
                        dtype,
                    )
                )
            )
            first = first and not (len(shape) > 1 and shape[1] is None)
        ends = lowering.run(self._graph, given, "")
        for ref, values in zip(self._graph.outputs, ends, strict=True):
            layer = self._graph.nodes[ref.node].layer
            for value in values:
                if not isinstance(value, Value):
                    raise ReadError(
                        layer.subject,
                        expected="an output of a layer",
                        got="an operation on masks",
                        advice="Give out the layers' own tensors.",
                    )
                draft.output(layer.name, value.tensor)
        lowering.streams.finish()
        return draft.finish(self._source)
