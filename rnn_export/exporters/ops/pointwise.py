"""Cast, activation layers, scaling."""

from __future__ import annotations

import numpy as np

from rnn_export.exporters.activations import activate
from rnn_export.exporters.elements import carrier, number
from rnn_export.exporters.lowering import Lowering, lower
from rnn_export.exporters.plan import Layout, follows
from rnn_export.exporters.terms import Terms
from rnn_export.network import Call, Spec
from rnn_export.network.dtypes import HALF, numpy_dtype
from rnn_export.network.ops import Activate, Affine, Cast, ParametricRelu


@lower.register
def _(op: Cast, call: Call, low: Lowering) -> None:
    """In whichever layout the input is to be had without a transposition; narrower floats are rounded to."""
    output = call.outputs[0]
    layout = low.layout(output)
    if not low.known(call.inputs[0], layout):
        layout = Layout.PLAIN if layout is Layout.TIME else Layout.TIME
    value = low.get(call.inputs[0], layout)
    source, target = low.spec(call.inputs[0]).dtype, low.spec(output).dtype
    if carrier(source) != carrier(target):
        value = low.graph.add("Cast", [value], to=number(carrier(target)))
    if source == target or (source in HALF and target == "float32"):
        low.offer(output, value, layout)
    else:
        low.put(output, value, layout)


@lower.register
def _(op: Activate, call: Call, low: Lowering) -> None:
    """A mask excludes entries of a softmax: a large negative number before, 0 after, as in keras.layers.Softmax."""
    output, subject = call.outputs[0], f"layer {call.layer!r}"
    layout = low.layout(output)
    value, rank = low.get(call.inputs[0], layout), low.spec(output).rank
    terms = Terms(low.graph, numpy_dtype(carrier(call.dtype)))
    mask = None if call.mask is None else low.get(call.mask, layout)
    if mask is not None:
        value = terms("Where", mask, value, -3e4 if call.dtype == "float16" else -1e9)
    axis = op.axis % rank
    if op.activation.function.vector and axis != rank - 1:
        perm = [*range(rank)]
        perm[axis], perm[-1] = perm[-1], perm[axis]
        turned = low.graph.add("Transpose", [value], perm=perm)
        made = activate(low.graph, op.activation, turned, call.dtype, subject)
        value = low.graph.add("Transpose", [made], perm=perm)
    else:
        value = activate(low.graph, op.activation, value, call.dtype, subject)
    if mask is not None:
        value = terms("Where", mask, value, 0.0)
    low.put(output, value, layout)


@lower.register
def _(op: ParametricRelu, call: Call, low: Lowering) -> None:
    layout = low.layout(call.outputs[0])
    x = low.get(call.inputs[0], layout)
    terms = Terms(low.graph, numpy_dtype(carrier(call.dtype)))
    alpha = low.weight(op.alpha, call, f"{call.layer}/alpha")
    below = terms("Mul", terms("Relu", terms("Neg", x)), alpha)
    value = terms("Sub", terms("Relu", x), below)
    low.put(call.outputs[0], value, layout)


@lower.register
def _(op: Affine, call: Call, low: Lowering) -> None:
    """TensorFlow makes float32 of a Python number first, in float64 too."""
    layout = low.layout(call.outputs[0])
    x = low.get(call.inputs[0], layout)
    if low.spec(call.inputs[0]).dtype != call.dtype:
        x = low.graph.add("Cast", [x], to=number(carrier(call.dtype)))
    terms = Terms(low.graph, numpy_dtype(carrier(call.dtype)))
    scale, offset = np.array([op.scale, op.offset], np.float32).astype(numpy_dtype(call.dtype))
    value = terms("Add", terms("Mul", x, float(scale)), float(offset))
    low.put(call.outputs[0], value, layout)


@follows.register(Cast)
@follows.register(Affine)
def _(op: Cast | Affine, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return True


@follows.register
def _(op: Activate, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return not op.activation.function.vector or op.axis % output.rank == output.rank - 1 > 0


@follows.register
def _(op: ParametricRelu, inputs: tuple[Spec, ...], output: Spec) -> bool:
    return len(op.alpha.shape) == output.rank - 1 and op.alpha.shape[0] == 1
