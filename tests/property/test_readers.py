"""Models drawn at random: what is read of them computes what Keras computes, and is the same from every source."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from hypothesis import given, note

from rnn_export.builders.reference import trace
from rnn_export.network import Network
from rnn_export.network.ops import BatchNormalization, LayerNormalization, Merge, Recurrent
from rnn_export.readers import read
from tests.property.keras_building import build, feeds
from tests.property.keras_models import Recipe, recipes

U = 2.0**-53


def built(recipe: Recipe) -> Any:
    with warnings.catch_warnings():
        # Keras says so whenever a layer ends a mask; that it does is part of what is tested.
        warnings.simplefilter("ignore", UserWarning)
        return build(recipe)


def keras_outputs(model: Any, given: dict[str, np.ndarray]) -> list[np.ndarray]:
    fed = [given[tensor.name] for tensor in model.inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        made = model(fed if len(fed) > 1 else fed[0])
    return [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(made)]


def bound(network: Network, values: dict[str, np.ndarray]) -> float:
    """Return how far two correct float64 evaluations may lie apart.

    Every call rounds at most gamma_n of its largest value, n its widest sum, and takes 8 roundings for its activation;
    every call after it makes that at most ``growth`` times larger: recurrent layers double it (their kernels'
    columns sum to 1, the recurrent ones' to 1/2), merges add or multiply, normalisations divide by sqrt(epsilon).
    """
    size = max(
        (np.nanmax(np.abs(x), initial=1.0) for x in values.values() if x.dtype.kind == "f"),
        default=1.0,
    )
    widest, growth = 8.0, 1.0
    for call in network.calls:
        for tensor in (*call.reads, *call.outputs):
            widest = max(widest, 8.0 + float(np.prod(values[tensor].shape[1:])))
        if isinstance(call.op, Recurrent):
            growth *= 2.0 ** len(call.op.cells)
        elif isinstance(call.op, Merge):
            growth *= len(call.inputs) * max(1.0, size if call.op.kind == "multiply" else 1.0)
        elif isinstance(call.op, (LayerNormalization, BatchNormalization)):
            growth *= 4.0 * max(1.0, size) / call.op.epsilon
    return float(U * len(network.calls) * widest * size * growth)


@given(recipes())
def test_what_is_read_computes_what_keras_computes(recipe: Recipe) -> None:
    model = built(recipe)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        network = read(path)
        note(repr(network.calls))
        fed = feeds(model, recipe)
        values = trace(
            network,
            dict(zip([p.name for p in network.inputs], fed.values(), strict=True)),
            np.float64,
        )
    wanted = keras_outputs(model, fed)
    assert len(wanted) == len(network.outputs)
    allowed = bound(network, values)
    for port, want in zip(network.outputs, wanted, strict=True):
        got = values[port.tensor]
        assert got.shape == want.shape
        assert np.array_equal(np.isnan(got), np.isnan(want))
        assert np.nanmax(np.abs(got - want), initial=0.0) <= allowed, port.name


@given(recipes())
def test_every_source_of_a_model_gives_the_same_network(recipe: Recipe) -> None:
    model = built(recipe)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        model.save(base / "model.keras")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(base / "legacy.h5")
        model.save_weights(base / "pair.weights.h5")
        (base / "pair.json").write_text(model.to_json())
        sources = (model, base / "model.keras", base / "legacy.h5", base / "pair.json")
        networks = [read(source) for source in sources]
    assert len({network.digest for network in networks}) == 1
    assert {network.parameters for network in networks} == {model.count_params()}
