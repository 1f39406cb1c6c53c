"""From a recipe to a live Keras model: the bench of tensors, the steps, the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tests.property.keras_bench import Bench, Item
from tests.property.keras_models import Recipe
from tests.property.keras_steps import BUILDERS, SEQUENTIAL

BATCH, TIME, SECOND_TIME, FEATURES, TOKENS = 3, 7, 4, 5, 9


def build(recipe: Recipe) -> Any:
    """Return the Keras model of a recipe, every weight drawn from its seed and none zero."""
    names: dict[str, int] = {}

    def named(kind: str) -> str:
        # Not as Keras counts: it names the operations of its masks "concatenate_1" and the like.
        names[kind] = names.get(kind, 0) + 1
        return f"{kind}_no_{names[kind]}"

    make = _sequential if recipe.sequential else _functional
    model = make(recipe, named)
    set_weights(model, recipe.seed)
    return model


def set_weights(model: Any, seed: int) -> None:
    """Draw every weight: none zero, recurrent ones contracting, variances positive."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        shape = tuple(variable.shape)
        values = rng.uniform(0.2, 1.0, shape) * rng.choice((-1.0, 1.0), shape)
        if variable.name == "moving_variance":
            values = np.abs(values) + 0.5
        elif len(shape) == 2 and variable.name != "embeddings":
            # Columns of sum at most 1 (1/2 for a recurrent kernel): no error grows along time.
            bound = 0.5 if variable.name == "recurrent_kernel" else 1.0
            values = bound * values / np.abs(values).sum(axis=0)
        variable.assign(values)


def _functional(recipe: Recipe, named: Callable[[str], str]) -> Any:
    bench = _bench(recipe, named)
    _inputs(recipe, bench)
    for step in recipe.steps:
        bench.items += BUILDERS[step.kind](bench, step)
    outputs = bench.items[::-1][: recipe.outputs]
    made = [item.tensor for item in outputs if not item.is_input] or [
        bench.identity(bench.items[-1]).tensor
    ]
    return keras.Model(bench.inputs, made if len(made) > 1 else made[0], name="model")


def _bench(recipe: Recipe, named: Callable[[str], str]) -> Bench:
    stateful = recipe.inputs.stateful
    return Bench(recipe.dtype, named, BATCH if stateful else None, stateful)


def _inputs(recipe: Recipe, bench: Bench) -> None:
    given = recipe.inputs
    floats = {"dtype": bench.values, "batch_size": bench.batch}
    if given.second:
        length = None if given.time is None else SECOND_TIME
        x2 = keras.Input((length, FEATURES), name="x2", **floats)
        bench.inputs.append(x2)
        item = Item(x2, "x2_time", FEATURES, is_input=True)
        bench.items.append(bench.apply(keras.layers.Masking, item) if given.mask else item)
    if given.kind == "tokens":
        x = keras.Input((given.time,), bench.batch, name="x", dtype="int32")
        options = {"mask_zero": given.mask}
        layer = bench.layer(keras.layers.Embedding, TOKENS, FEATURES, **options)
        bench.items.append(Item(layer(x), "time", FEATURES))
    else:
        x = keras.Input((given.time, FEATURES), name="x", **floats)
        item = Item(x, "time", FEATURES, is_input=True)
        bench.items.append(bench.apply(keras.layers.Masking, item) if given.mask else item)
    bench.inputs.insert(0, x)


def _sequential(recipe: Recipe, named: Callable[[str], str]) -> Any:
    bench = _bench(recipe, named)
    tokens = recipe.inputs.kind == "tokens"
    layers: list[Any] = []
    if tokens:
        layers.append(
            bench.layer(keras.layers.Embedding, TOKENS, FEATURES, mask_zero=recipe.inputs.mask)
        )
    elif recipe.inputs.mask:
        layers.append(bench.layer(keras.layers.Masking))
    flat = False
    for step in recipe.steps:
        if step.kind in SEQUENTIAL and not flat:
            layer, flat = SEQUENTIAL[step.kind](bench, step)
            layers.append(layer)
    layers.append(bench.layer(keras.layers.Dense, 2))
    shape = (recipe.inputs.time,) if tokens else (recipe.inputs.time, FEATURES)
    if recipe.called and not bench.stateful:
        model = keras.Sequential(layers, name="model")
        model(np.zeros((BATCH, TIME) if tokens else (BATCH, TIME, FEATURES)))
        return model
    kind = "int32" if tokens else bench.values
    given = keras.Input(shape, bench.batch, name="x", dtype=kind)
    return keras.Sequential([given, *layers], name="model")


def feeds(model: Any, recipe: Recipe) -> dict[str, np.ndarray]:
    """Return what to feed, by input name: padding on the right, on the left, inside, and a row of nothing else."""
    rng = np.random.default_rng(recipe.seed + 1)
    made: dict[str, np.ndarray] = {}
    for tensor in model.inputs:
        length = SECOND_TIME if tensor.name.startswith("x2") else recipe.inputs.time or TIME
        shape = tuple(_size(axis, size, length) for axis, size in enumerate(tensor.shape))
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        if dtype == "bool":
            made[tensor.name] = rng.random(shape) < 0.6
        elif "int" in dtype or len(shape) == 2:
            made[tensor.name] = rng.integers(1, TOKENS, shape).astype(dtype)
        else:
            made[tensor.name] = rng.normal(size=shape).astype(dtype)
        values = made[tensor.name]
        if len(shape) > 1 and shape[1] > 2:
            values[0, shape[1] // 2 :] = 0
            values[1, 0] = values[1, 2] = 0
            values[2] = 0
    return made


def _size(axis: int, size: int | None, length: int) -> int:
    if size is not None:
        return size
    return BATCH if axis == 0 else length
