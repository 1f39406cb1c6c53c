"""Layers without memory: float32 keeps their bounds, comes near to them, and a fault a little larger does not."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.builders.reference import run
from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.call import Op
from rnn_export.network.ops import (
    Activate,
    Affine,
    BatchNormalization,
    Dense,
    Embedding,
    LayerNormalization,
    Merge,
    ParametricRelu,
    Pool,
)
from rnn_export.verifier.comparing import Comparison
from rnn_export.verifier.trail import Shown
from rnn_export.verifier.walk import walk

BATCH, TIME, FEATURES, UNITS = 40, 9, 24, 7
RNG = np.random.default_rng(0)


def weight(*shape: int, low: float = -1.0) -> ArrayWeight:
    return ArrayWeight(RNG.uniform(low, 1, shape).astype(np.float32))


OPS: dict[str, Op] = {
    "dense": Dense(weight(FEATURES, UNITS), weight(UNITS), activation("tanh")),
    "dense without bias": Dense(weight(FEATURES, UNITS), None, activation("linear")),
    "dense softmax": Dense(weight(FEATURES, UNITS), weight(UNITS), activation("softmax")),
    "sigmoid": Activate(activation("sigmoid")),
    "gelu": Activate(activation("gelu")),
    "softmax": Activate(activation("softmax")),
    "log_softmax": Activate(activation("log_softmax"), axis=1),
    "rescaling": Affine(0.1, 0.3),
    "prelu": ParametricRelu(weight(TIME, FEATURES)),
    "add": Merge("add"),
    "subtract": Merge("subtract"),
    "multiply": Merge("multiply"),
    "average": Merge("average"),
    "maximum": Merge("maximum"),
    "average pooling": Pool("average"),
    "max pooling": Pool("max", keepdims=True),
    "batch normalization": BatchNormalization(
        2, 1e-3, weight(FEATURES), weight(FEATURES), weight(FEATURES), weight(FEATURES, low=0.1)
    ),
    "layer normalization": LayerNormalization((2,), 1e-3, weight(FEATURES), weight(FEATURES)),
}
EXACT = ("maximum", "max pooling")
LOOSE = {"softmax": 40, "dense softmax": 40, "log_softmax": 40, "layer normalization": 150}
"""How many times its largest error a bound may be where it has to cover several ways of computing; else 20."""


def network(name: str) -> Network:
    draft = Draft()
    ports = ("x", "other") if isinstance(OPS[name], Merge) else ("x",)
    inputs = [draft.input(port, ("batch", TIME, FEATURES), "float32") for port in ports]
    (y,) = draft.call("layer", OPS[name], inputs)
    draft.output("y", y)
    return draft.finish(Source("python", "test"))


def compared(name: str, change: float = 0.0) -> tuple[Comparison, np.ndarray]:
    """Return what comes of float32's output, all of it moved by a part of itself."""
    net = network(name)
    rng = np.random.default_rng(1)
    given = {
        port.name: rng.standard_normal((BATCH, TIME, FEATURES)).astype(np.float32)
        for port in net.inputs
    }
    shown = run(net, given, np.float32)["y"]
    moved = (shown * np.float32(1 + change)).astype(np.float32)
    (found,) = (
        item
        for item in walk(net, given, Shown({"y": moved})).comparisons
        if item.subject == "output 'y'"
    )
    return found, shown


@pytest.mark.parametrize("name", OPS)
def test_float32_keeps_the_bound_and_comes_near_to_it(name: str) -> None:
    found, shown = compared(name)
    assert not found.failed
    assert found.elements == shown.size
    if name in EXACT:
        assert (found.model, found.error) == ("exact", 0.0)
    else:
        assert 1 / LOOSE.get(name, 20) < found.ratio <= 1


@pytest.mark.parametrize("name", OPS)
def test_what_is_off_by_a_ten_thousandth_fails(name: str) -> None:
    found, _ = compared(name, 1e-4)
    assert found.failed


def test_an_embedding_is_exact_to_the_bit() -> None:
    draft = Draft()
    tokens = draft.input("tokens", ("batch", TIME), "int32")
    (y,) = draft.call("layer", Embedding(weight(11, FEATURES)), [tokens])
    draft.output("y", y)
    net = draft.finish(Source("python", "test"))
    given = {"tokens": np.random.default_rng(0).integers(0, 11, (BATCH, TIME), np.int32)}
    shown = run(net, given, np.float32)["y"]
    (found,) = (i for i in walk(net, given, Shown({"y": shown})).comparisons if i.elements)
    assert (found.failed, found.model) == (False, "exact")
    shown[3, 2, 1] = np.nextafter(shown[3, 2, 1], np.float32(2))
    assert any(item.failed for item in walk(net, given, Shown({"y": shown})).comparisons)
