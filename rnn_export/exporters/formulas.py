"""The activations of Keras as formulas of ONNX operators, by their Keras names.

In float32 and float16 ONNX' own operator is used where there is one that means the same. In float64,
for which onnxruntime's CPU provider lacks many, formulas are made of Exp, Log, Abs, Max, Min and Where.

Source: keras.activations (Keras 3.15); ONNX operators up to opset 14.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, pi, sqrt

import numpy as np

from rnn_export.exporters.terms import Terms
from rnn_export.network.activations import SELU_ALPHA, SELU_SCALE


def _relu(t: Terms, z: str, negative_slope: float, max_value: float, threshold: float) -> str:
    limited = isfinite(max_value)
    if negative_slope and not limited and not threshold:
        return leaky_relu(t, z, negative_slope)
    kept = t("Where", t("Greater", z, threshold), z, 0.0) if threshold else t("Relu", z)
    if limited:
        # Clip would do, but onnxruntime fuses Relu and Clip in ways that differ from release to release.
        kept = t("Max", t("Min", kept, max_value), 0.0)
    if not negative_slope:
        return kept
    return t("Sub", kept, t("Mul", t("Max", t("Sub", threshold, z), 0.0), negative_slope))


def leaky_relu(t: Terms, z: str, negative_slope: float) -> str:
    """Z above 0, negative_slope * z below; the slope is rounded to float32, as TensorFlow and ONNX hold it."""
    if not t.wide:
        return t("LeakyRelu", z, alpha=negative_slope)
    below = t("Mul", z, float(np.float32(negative_slope)))
    return t("Where", t("GreaterOrEqual", z, 0.0), z, below)


def _elu(t: Terms, z: str, alpha: float) -> str:
    if not t.wide:
        return t("Elu", z, alpha=alpha)
    below = t("Mul", expm1(t, t("Min", z, 0.0)), alpha)
    return t("Where", t("Greater", z, 0.0), z, below)


def _selu(t: Terms, z: str) -> str:
    if not t.wide:
        return t("Selu", z, alpha=SELU_ALPHA, gamma=SELU_SCALE)
    return t("Mul", _elu(t, z, SELU_ALPHA), SELU_SCALE)


def _celu(t: Terms, z: str, alpha: float) -> str:
    below = t("Mul", expm1(t, t("Div", t("Min", z, 0.0), alpha)), alpha)
    return t("Add", t("Max", z, 0.0), below)


def expm1(t: Terms, z: str) -> str:
    """exp(z) - 1 for z <= 0, without losing what is small: tanh(z / 2) * (exp(z) + 1)."""
    return t("Mul", t("Tanh", t("Mul", z, 0.5)), t("Add", t("Exp", z), 1.0))


def softplus(t: Terms, z: str) -> str:
    """log(1 + exp(z)), large z included."""
    if not t.wide:
        return t("Softplus", z)
    return t("Add", t("Max", z, 0.0), t("Log", t("Add", t("Exp", t("Neg", t("Abs", z))), 1.0)))


_ERFC = (
    *(-0.6717940840566923, 0.6726432239776567, 0.04734330684190473, -0.046895610231182674),
    *(-0.009872689366406727, 0.008824938557327763, 0.001758933558165434, -0.002345812504982584),
    *(-0.00014624686754045134, 0.0006736788382506061, -9.37350030199898e-05),
    *(-0.00017430319942974643, 7.140089189099204e-05, 3.174616564355711e-05),
    *(-3.0187528842242832e-05, 1.3509102932855667e-07, 8.561914904920326e-06),
    *(-2.9430926821319425e-06, -1.2713430670204347e-06, 1.2437191416688142e-06),
    *(-1.693923758031903e-07, -2.440466237524515e-07, 1.5387606669493658e-07),
    *(-1.711069648864462e-09, -3.935653344858868e-08, 1.2225710552070861e-08),
    *(4.089222481024325e-09, -2.046467033052608e-09),
)
"""Of the polynomial in s = 4 / (2 + x) - 1 that is log(erfc(x) (2 + x) / 2) + x * x for x >= 0, to 3e-17: interpolated
at 28 Chebyshev points in 60 digits (mpmath)."""


def _erfc(t: Terms, x: str) -> str:
    """1 - erf(x) for x >= 0, in 4 + 2 x^2 roundings: onnxruntime has no Erf in float64."""
    part = t("Div", 2.0, t("Add", x, 2.0))
    s = t("Sub", t("Mul", part, 2.0), 1.0)
    total = t("Add", t("Mul", s, _ERFC[-1]), _ERFC[-2])
    for coefficient in _ERFC[-3::-1]:
        total = t("Add", t("Mul", total, s), coefficient)
    return t("Mul", part, t("Exp", t("Sub", total, t("Mul", x, x))))


def _gelu(t: Terms, z: str, approximate: float) -> str:
    if not approximate and t.wide:
        tail = _erfc(t, t("Abs", t("Div", z, sqrt(2))))
        part = t("Where", t("Greater", 0.0, z), tail, t("Sub", 2.0, tail))
        return t("Mul", t("Mul", z, 0.5), part)
    if not approximate:
        erf = t("Erf", t("Div", z, sqrt(2)))
        return t("Mul", t("Mul", z, 0.5), t("Add", erf, 1.0))
    cube = t("Mul", t("Mul", z, z), t("Mul", z, 0.044715))
    inner = t("Tanh", t("Mul", t("Add", z, cube), sqrt(2 / pi)))
    return t("Mul", t("Mul", z, 0.5), t("Add", inner, 1.0))


def hard_sigmoid(t: Terms, z: str, slope: float, offset: float) -> str:
    """Slope * z + offset, cut to 0 and 1."""
    return t("Clip", t("Add", t("Mul", z, slope), offset), 0.0, 1.0)


def _mish(t: Terms, z: str) -> str:
    return t("Mul", z, t("Tanh", softplus(t, z)))


def _squareplus(t: Terms, z: str, b: float) -> str:
    root = t("Sqrt", t("Add", t("Mul", z, z), b))
    # z + root cancels for z << 0; b / (root - z) is the same number without the loss.
    mirror = t("Div", b, t("Sub", root, z)) if b else t("Mul", z, 0.0)
    return t("Mul", t("Where", t("GreaterOrEqual", z, 0.0), t("Add", z, root), mirror), 0.5)


def _sparse_plus(t: Terms, z: str) -> str:
    up = t("Add", z, 1.0)
    middle = t("Mul", t("Mul", up, up), 0.25)
    upper = t("Where", t("Greater", 1.0, z), middle, z)
    return t("Where", t("LessOrEqual", z, -1.0), 0.0, upper)


def _soft_shrink(t: Terms, z: str, threshold: float) -> str:
    # MNN compares by Less as if floats were integers, which below 0 are in the other order.
    below = t("Where", t("Greater", -threshold, z), t("Add", z, threshold), 0.0)
    return t("Where", t("Greater", z, threshold), t("Sub", z, threshold), below)


def _softsign(t: Terms, z: str) -> str:
    return t("Div", z, t("Add", t("Abs", z), 1.0)) if t.wide else t("Softsign", z)


def _sparsemax(t: Terms, z: str) -> str:
    """Keras' own sparsemax; see rnn_export.network.formulas."""
    graph = t.graph
    size = graph.add("Gather", [graph.add("Shape", [z]), graph.constant([-1])], axis=0)
    ordered = graph.node("TopK", [z, size], ("values", "order"), axis=-1)[0]
    total = graph.add("CumSum", [ordered, graph.constant(-1)])
    rank = graph.add("CumSum", [t("Add", t("Mul", ordered, 0.0), 1.0), graph.constant(-1)])
    support = t("Greater", t("Sub", ordered, t("Div", t("Sub", total, 1.0), rank)), 0.0)
    count = graph.reduce("ReduceSum", t("Where", support, 1.0, 0.0), [-1], keepdims=True)
    inside = graph.reduce("ReduceSum", t("Where", support, total, 0.0), [-1], keepdims=True)
    return t("Max", t("Sub", z, t("Div", t("Sub", inside, 1.0), count)), 0.0)


def _threshold(t: Terms, z: str, threshold: float, default_value: float) -> str:
    return t("Where", t("Greater", z, threshold), z, default_value)


def _hard_shrink(t: Terms, z: str, threshold: float) -> str:
    return t("Where", t("Greater", t("Abs", z), threshold), z, 0.0)


FORMULAS: dict[str, Callable[..., str]] = {
    "celu": _celu,
    "elu": _elu,
    "exponential": lambda t, z: t("Exp", z),
    "gelu": _gelu,
    "hard_shrink": _hard_shrink,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": lambda t, z: t("Mul", z, hard_sigmoid(t, z, 1 / 6, 0.5)),
    "hard_tanh": lambda t, z: t("Clip", z, -1.0, 1.0),
    "leaky_relu": leaky_relu,
    "linear": lambda t, z: z,
    "log_sigmoid": lambda t, z: t("Neg", softplus(t, t("Neg", z))),
    "log_softmax": lambda t, z: t("LogSoftmax", z, axis=-1),
    "mish": _mish,
    "relu": _relu,
    "relu6": lambda t, z: t("Clip", z, 0.0, 6.0),
    "selu": _selu,
    "sigmoid": lambda t, z: t("Sigmoid", z),
    "silu": lambda t, z: t("Mul", z, t("Sigmoid", z)),
    "soft_shrink": _soft_shrink,
    "softmax": lambda t, z: t("Softmax", z, axis=-1),
    "softplus": softplus,
    "softsign": _softsign,
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": lambda t, z: hard_sigmoid(t, t("Add", z, 1.0), 0.5, 0.0),
    "sparsemax": _sparsemax,
    "squareplus": _squareplus,
    "tanh": lambda t, z: t("Tanh", z),
    "tanh_shrink": lambda t, z: t("Sub", z, t("Tanh", z)),
    "threshold": _threshold,
}
