"""Another activation, another parameter of it, a clipped argument."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.mutants.kinds import Make
from tests.mutants.mutant import Mutant
from tests.mutants.surgery import plain, setting


def activations() -> Iterator[Mutant]:
    def kind(layer: str, name: str, **extra: object) -> Make:
        values = {"activations": [name], "activation_alpha": None, "activation_beta": None, **extra}
        return setting(f"{layer}#0", **values)

    for name, keras in (
        ("Relu", "relu"),
        ("Softsign", "softsign"),
        ("Sigmoid", "sigmoid"),
        ("Softplus", "softplus"),
    ):
        yield Mutant(
            f"activation {name}", "single", kind("rnn", name), "rnn", f"activation {keras}"
        )
    affine = kind("rnn", "Affine", activation_alpha=[1.0], activation_beta=[0.0])
    yield Mutant("activation linear", "single", affine, "rnn", "activation linear")
    for beta in (1.001, 1.00001):
        scaled = kind("rnn", "ScaledTanh", activation_alpha=[1.0], activation_beta=[beta])
        yield Mutant(f"ScaledTanh(1, {beta:g})", "single", scaled, "rnn", "argument scaled")
    alpha = kind("rnn", "ScaledTanh", activation_alpha=[1.001], activation_beta=[1.0])
    yield Mutant("ScaledTanh(1.001, 1)", "single", alpha, "rnn", "states scaled by 1.001")
    for limit in (2.0, 1.0):
        clip = setting("rnn#0", clip=limit)
        yield Mutant(f"clip {limit:g}", "single", clip, "rnn", f"clip at {limit:g}")
    yield Mutant(
        "relu for leaky",
        "kinds",
        kind("rnn0", "LeakyRelu", activation_alpha=[0.01]),
        "rnn0",
        "negative_slope=0.01",
    )
    slope = kind("rnn1", "HardSigmoid", activation_alpha=[0.2], activation_beta=[0.5])
    yield Mutant("hard_sigmoid of ONNX", "kinds", slope, "rnn1", "slope=0.2")
    yield Mutant(
        "elu alpha 2", "kinds", kind("rnn2", "Elu", activation_alpha=[2.0]), "rnn2", "alpha=2"
    )
    yield Mutant("tanh for softsign", "kinds", kind("rnn3", "Tanh"), "rnn3", "activation tanh")
    unscaled = plain("rnn4/R", lambda r: r / np.float32(1.0507009873554805))
    yield Mutant(
        "selu without its factor in R", "kinds", unscaled, "rnn4", "recurrent kernel scaled by 0.95"
    )
    elu = kind("rnn4", "Elu", activation_alpha=[1.0])
    yield Mutant("elu for selu, whose factor stays in R", "kinds", elu, "rnn4", many=True)
