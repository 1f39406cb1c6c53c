"""The one way to make a network: add inputs and calls, name outputs, finish. Shapes are checked on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnn_export.errors import NetworkError
from rnn_export.network.call import Call, Op
from rnn_export.network.network import Network, Source, Stream
from rnn_export.network.tensor import Dim, Port, Spec, Tensor, TensorId, show


class Draft:
    """A network being written.

    Example:
        >>> from rnn_export.network.ops import Flip
        >>> draft = Draft()
        >>> x = draft.input("x", ("batch", "time", 3), "float32")
        >>> (y,) = draft.call("flip", Flip(1), [x])
        >>> draft.output("flip", y)
        >>> draft.finish(Source("python", "example")).outputs[0].name
        'flip'
    """

    def __init__(self) -> None:
        self._tensors: dict[TensorId, Spec] = {}
        self._inputs: list[Port] = []
        self._outputs: list[Port] = []
        self._calls: list[Call] = []
        self._streams: list[Stream] = []
        self._used: dict[str, int] = {}

    def input(self, name: str, shape: Sequence[Dim], dtype: str) -> TensorId:
        """Add an input port and return its tensor. Its name must be new: Keras keeps input names unique."""
        if any(port.name == name for port in self._inputs):
            raise NetworkError(
                f"input {name!r}",
                expected="a name of its own",
                got="a second input of that name",
            )
        tensor = self._add(f"{name}:in", Spec(tuple(shape), dtype))
        self._inputs.append(Port(name, tensor))
        return tensor

    def call(
        self,
        layer: str,
        op: Op,
        inputs: Sequence[TensorId],
        *,
        dtype: str = "float32",
        mask: TensorId | None = None,
        initial: Sequence[TensorId] = (),
        hints: Mapping[str, object] | None = None,
    ) -> tuple[TensorId, ...]:
        """Add a call of ``layer`` (its path, "encoder/rnn") and return the tensors it makes.

        Raises:
            NetworkError: shapes or weights that do not fit, named by the layer.
        """
        count = self._used.get(layer, 0)
        self._used[layer] = count + 1
        path = f"{layer}#{count}"
        made = op.infer([self.spec(tensor) for tensor in inputs], dtype, f"layer {layer!r}")
        outputs = tuple(self._add(f"{path}:{index}", spec) for index, spec in enumerate(made))
        self._calls.append(
            Call(
                path,
                op,
                tuple(inputs),
                outputs,
                dtype,
                mask,
                tuple(initial),
                tuple(sorted((hints or {}).items())),
            )
        )
        self._check(self._calls[-1])
        return outputs

    def output(self, name: str, tensor: TensorId) -> None:
        """Add an output port; a repeated name gets a suffix and still begins with the Keras name."""
        taken = {port.name for port in (*self._outputs, *self._inputs)}
        unique, count = name, 1
        while unique in taken:
            unique, count = f"{name}_{count}", count + 1
        self._outputs.append(Port(unique, tensor))

    def stream(self, stream: Stream) -> None:
        """Note that one input and one output port carry a cell's state from run to run."""
        self._streams.append(stream)

    def spec(self, tensor: TensorId) -> Spec:
        """Return shape and dtype of a tensor already made."""
        return self._tensors[tensor]

    def finish(self, source: Source) -> Network:
        """Return the frozen network.

        Raises:
            NetworkError: it has no input or no output.
        """
        if not self._inputs or not self._outputs:
            raise NetworkError(
                source.name or "network",
                expected="at least one input and one output",
                got=f"{len(self._inputs)} inputs and {len(self._outputs)} outputs",
            )
        tensors = tuple(Tensor(name, spec) for name, spec in self._tensors.items())
        return Network(
            tuple(self._inputs),
            tuple(self._outputs),
            tensors,
            tuple(self._calls),
            tuple(self._streams),
            source,
        )

    def _add(self, name: TensorId, spec: Spec) -> TensorId:
        if name in self._tensors:
            raise NetworkError(f"tensor {name!r}", expected="to be made once", got="a second maker")
        self._tensors[name] = spec
        return name

    def _check(self, call: Call) -> None:
        """Raise NetworkError unless mask and initial states fit the input."""
        from rnn_export.network.ops import Recurrent

        subject = f"layer {call.layer!r}"
        for tensor in call.reads:
            if tensor not in self._tensors:
                raise NetworkError(
                    subject, expected="inputs that were made before", got=repr(tensor)
                )
        if call.mask is not None and self.spec(call.mask).dtype != "bool":
            raise NetworkError(subject, expected="a bool mask", got=self.spec(call.mask).dtype)
        if not isinstance(call.op, Recurrent) or not call.initial:
            return
        shapes = [self.spec(tensor).shape for tensor in call.initial]
        wanted = [cell.units for cell in call.op.cells]
        if len(shapes) != len(wanted) or any(
            len(shape) != 2 or shape[1] != units
            for shape, units in zip(shapes, wanted, strict=True)
        ):
            raise NetworkError(
                subject,
                expected=f"initial states (batch, units) with units {wanted}",
                got=", ".join(map(show, shapes)),
            )
