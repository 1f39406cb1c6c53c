"""Which activations the RNN operator has itself, and under which name and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf

from rnn_export.network import Activation
from rnn_export.network.activations import SELU_ALPHA, SELU_SCALE


@dataclass(frozen=True)
class Native:
    """An activation as attributes of the RNN operator.

    Args:
        name: in ONNX' exact case: onnxruntime refuses "tanh", and its CUDA provider misreads it.
        alpha, beta: written whenever the operator's activation takes them, and never otherwise: onnxruntime's
            own defaults are 0 for several, and CUDA leaves any node that carries them to the CPU.
        clip: bound on the activation's argument, or None.
        scale: Keras' state is ``scale`` times the operator's. R is multiplied by it, initial states divided.
    """

    name: str
    alpha: float | None = None
    beta: float | None = None
    clip: float | None = None
    scale: float = 1.0


_PLAIN = {"tanh": "Tanh", "sigmoid": "Sigmoid", "softsign": "Softsign"}


def native(activation: Activation) -> Native | None:
    """Return how the RNN operator writes ``activation``, or None where it cannot.

    Rewritten: relu6 and relu(max_value) are Relu with a clip, hard_tanh is Affine(1, 0) with clip 1 (each
    exact), selu is Elu with its factor taken into R. Softplus and log_sigmoid are not used: onnxruntime's
    Softplus is infinite from 100 on, where Keras' is not.

    Source: the activations of ONNX RNN-14; keras.activations.
    """
    options = activation.options
    if activation.name in _PLAIN:
        return Native(_PLAIN[activation.name])
    match activation.name:
        case "linear":
            return Native("Affine", 1.0, 0.0)
        case "relu":
            return _relu(**options)
        case "relu6":
            return Native("Relu", clip=6.0)
        case "hard_tanh":
            return Native("Affine", 1.0, 0.0, clip=1.0)
        case "leaky_relu":
            return Native("LeakyRelu", options["negative_slope"])
        case "elu":
            return Native("Elu", options["alpha"])
        case "celu" if options["alpha"] == 1.0:
            return Native("Elu", 1.0)
        case "selu":
            return Native("Elu", SELU_ALPHA, scale=SELU_SCALE)
        case "hard_sigmoid":
            return Native("HardSigmoid", options["slope"], options["offset"])
        case "sparse_sigmoid":
            return Native("HardSigmoid", 0.5, 0.5)
        case "threshold" if options["default_value"] == 0.0:
            return Native("ThresholdedRelu", options["threshold"])
    return None


def _relu(negative_slope: float, max_value: float, threshold: float) -> Native | None:
    if threshold == 0.0 and isinf(max_value):
        return Native("LeakyRelu", negative_slope) if negative_slope else Native("Relu")
    if threshold == 0.0 and negative_slope == 0.0:
        return Native("Relu", clip=max_value) if max_value > 0 else None
    if negative_slope == 0.0 and isinf(max_value):
        return Native("ThresholdedRelu", threshold)
    return None
