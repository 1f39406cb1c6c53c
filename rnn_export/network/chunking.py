"""Which tensors of a network run along with time, and which calls look beyond the chunk at hand."""

from __future__ import annotations

from rnn_export.errors import NetworkError
from rnn_export.network.call import Call
from rnn_export.network.network import Network
from rnn_export.network.ops import (
    Activate,
    Affine,
    ApplyMask,
    BatchNormalization,
    Cast,
    CombineMasks,
    Concatenate,
    Dense,
    Embedding,
    ExpandDims,
    Flip,
    LayerNormalization,
    Merge,
    ParametricRelu,
    Permute,
    Recurrent,
    Reshape,
    TokenMask,
    ValueMask,
)
from rnn_export.network.tensor import TensorId

TIME_AXIS = 1
_STEP_BY_STEP = (
    Affine,
    ApplyMask,
    Cast,
    CombineMasks,
    Dense,
    Embedding,
    Merge,
    TokenMask,
    ValueMask,
)
# Ops whose value at a masked step is used nowhere but at that step.
_POINTWISE = (
    Activate,
    Affine,
    ApplyMask,
    BatchNormalization,
    Cast,
    Dense,
    LayerNormalization,
    ParametricRelu,
)


class Chunks:
    """Follows the time axis through a network.

    Args:
        network: the network; axis 1 of its inputs is time where the size is open, where there are three axes, or
            where tokens are looked up.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._timed: set[TensorId] = set()
        # What the end of the sequence leaves behind: another value after every chunk.
        self._last: set[TensorId] = set()
        looked_up = {call.inputs[0] for call in network.calls if isinstance(call.op, Embedding)}
        for port in network.inputs:
            shape = network.spec(port.tensor).shape
            tokens = port.tensor in looked_up and len(shape) == 2
            if len(shape) > 1 and (isinstance(shape[1], str) or len(shape) > 2 or tokens):
                self._timed.add(port.tensor)

    def follow(self, call: Call) -> None:
        """Note which outputs run along with time.

        Raises:
            NetworkError: the call needs steps of another chunk.
        """
        timed = self._timed.intersection(call.inputs)
        if isinstance(call.op, Recurrent):
            self._recurrent(call, call.op, bool(timed))
        elif timed:
            if not self._step_by_step(call) or self._last.intersection(call.reads):
                raise NetworkError(
                    f"layer {call.layer!r}",
                    expected="a layer that treats each time step by itself",
                    got=f"{type(call.op).__name__} across time",
                    advice="Stream the part of the model before it.",
                )
            self._timed.update(call.outputs)
        elif self._last.intersection(call.reads):
            self._last.update(call.outputs)

    def _recurrent(self, call: Call, op: Recurrent, timed: bool) -> None:
        subject = f"layer {call.layer!r}"
        if op.go_backwards:
            raise NetworkError(
                subject,
                expected="a layer that runs forwards",
                got="one that begins at the end of the sequence",
                advice="Bidirectional and go_backwards cannot stream; export without streaming.",
            )
        if not timed:
            raise NetworkError(
                subject,
                expected="an input that runs along with time",
                got="a sequence made inside the model",
                advice="Stream the part of the model before it.",
            )
        self._last.update(call.outputs)
        if "sequence" not in op.emits:
            return
        sequence = call.outputs[op.emits.index("sequence")]
        self._last.discard(sequence)
        self._timed.add(sequence)
        if (
            call.mask is not None
            and not op.zero_output_for_mask
            and self._seen(sequence, call.mask)
        ):
            raise NetworkError(
                subject,
                expected="outputs at masked steps that no one sees",
                got="repeated outputs, which may lie in the chunk before",
                advice="Build the layer with zero_output_for_mask=True, or feed no padding.",
            )

    def _seen(self, tensor: TensorId, mask: TensorId) -> bool:
        """Tell whether values at masked steps reach an output or a call that does not skip them."""
        if any(port.tensor == tensor for port in self._network.outputs):
            return True
        for call in self._network.calls:
            if tensor not in call.reads:
                continue
            skips = isinstance(call.op, Recurrent) and call.mask == mask and tensor in call.inputs
            if skips and tensor not in call.initial:
                continue
            if not isinstance(call.op, _POINTWISE) or self._seen(call.outputs[0], mask):
                return True
        return False

    def _step_by_step(self, call: Call) -> bool:
        """Tell whether an op on a sequence gives a sequence, each step made of that step alone."""
        op = call.op
        spec = self._network.spec(call.inputs[0])
        if isinstance(op, Activate):
            return not op.activation.function.vector or op.axis % spec.rank != TIME_AXIS
        if isinstance(op, LayerNormalization):
            return TIME_AXIS not in [axis % spec.rank for axis in op.axes]
        if isinstance(op, BatchNormalization):
            return op.axis % spec.rank != TIME_AXIS
        if isinstance(op, ParametricRelu):
            return len(op.alpha.shape) < spec.rank - 1 or op.alpha.shape[0] == 1
        if isinstance(op, (Concatenate, Flip)):
            return op.axis % spec.rank != TIME_AXIS
        if isinstance(op, ExpandDims):
            return op.axis % (spec.rank + 1) > TIME_AXIS
        if isinstance(op, Permute):
            return op.whole[:2] == (0, TIME_AXIS)
        if isinstance(op, Reshape):
            time = self._network.spec(call.outputs[0]).shape[TIME_AXIS]
            return isinstance(time, str) and time == spec.shape[TIME_AXIS]
        return isinstance(op, _STEP_BY_STEP)
