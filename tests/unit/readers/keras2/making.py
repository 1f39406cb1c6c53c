"""Makes the fixtures beside it: models saved by Keras 2 with what they compute.

Needs tf-keras, which the project does not: run ``python -m tests.unit.readers.keras2.making`` with it installed.
Each name gives NAME.h5 (or NAME.keras, NAME.json with NAME.weights.h5) and NAME.npz with inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras  # type: ignore[import-not-found]

HERE = Path(__file__).parent
L = keras.layers
BATCH, TIME, FEATURES, TOKENS = 3, 7, 5, 9


def sequence(name: str = "x") -> Any:
    return keras.Input((None, FEATURES), name=name)


def masked_stack() -> Any:
    x = sequence()
    y = L.SimpleRNN(6, return_sequences=True, name="first")(L.Masking(name="masking")(x))
    return keras.Model(x, L.SimpleRNN(4, activation="hard_sigmoid", name="second")(y))


def initial_state() -> Any:
    """Keras 2 hands the mask on to a layer with initial states; Keras 3 does not."""
    x, h = sequence(), keras.Input((4,), name="h")
    layer = L.SimpleRNN(4, return_sequences=True, return_state=True, name="rnn")
    return keras.Model([x, h], layer(L.Masking(name="masking")(x), initial_state=h))


def both_ways() -> Any:
    x = sequence()
    layer = L.Bidirectional(L.SimpleRNN(6, return_sequences=True, name="rnn"), name="both")
    return keras.Model(x, layer(L.Masking(name="masking")(x)))


def stack() -> Any:
    x = sequence()
    cells = [L.SimpleRNNCell(6, name="low"), L.SimpleRNNCell(4, name="high")]
    return keras.Model(x, L.RNN(cells, return_sequences=True, return_state=True, name="rnn")(x))


def nested() -> Any:
    x = sequence()
    layers = [L.Masking(name="m"), L.SimpleRNN(4, return_sequences=True, name="r")]
    inner = keras.Sequential([sequence("inner_x"), *layers], name="inner")
    total = L.Add(name="add")([inner(x), inner(L.Dense(5, name="dense")(x))])
    return keras.Model(x, L.SimpleRNN(2, name="rnn")(total))


def functional_inside() -> Any:
    x, y = sequence(), sequence("y")
    inner = keras.Model(y, L.SimpleRNN(5, return_sequences=True, name="r")(y), name="inner")
    return keras.Model(x, inner(inner(L.Masking(name="masking")(x))))


def joined(kind: str, *, whole: bool = False, **options: Any) -> Callable[[], Any]:
    """Return a maker: Keras 2 joins masks by "and"; unless ``whole``, one input has none."""

    def make() -> Any:
        x, y = sequence(), sequence("y")
        ends = [
            L.Dense(4, name="a")(L.Masking(name="ma")(x)),
            L.Dense(4, name="b")(L.Masking(name="mb")(y)),
        ]
        if not whole:
            ends.append(L.Dense(4, name="c")(x))
        made = getattr(L, kind)(name="joined", **options)(ends)
        return keras.Model([x, y], L.SimpleRNN(3, return_sequences=True, name="rnn")(made))

    return make


def called() -> Any:
    layers = [
        L.Embedding(TOKENS, 4, mask_zero=True, name="embedding"),
        L.SimpleRNN(3, name="rnn"),
        L.BatchNormalization(name="norm"),
        L.LeakyReLU(0.1, name="leaky"),
        L.ThresholdedReLU(0.05, name="threshold"),
    ]
    model = keras.Sequential(layers, name="called")
    model(np.zeros((2, 6)))
    return model


def fixed() -> Any:
    layers = [
        L.SimpleRNN(
            3, input_shape=(TIME, FEATURES), return_sequences=True, unroll=True, name="rnn"
        ),
        L.TimeDistributed(L.Dense(3, activation="swish"), name="steps"),
        L.Dropout(0.1, name="dropout"),
    ]
    return keras.Sequential(layers, name="fixed")


def frozen() -> Any:
    x = sequence()
    norm = L.BatchNormalization(name="norm", trainable=False)
    inner = keras.Sequential([sequence("inner_x"), L.Dense(4, name="d"), norm], name="inner")
    return keras.Model(x, L.SimpleRNN(3, name="rnn")(L.BatchNormalization(name="n")(inner(x))))


def time_major() -> Any:
    """Time comes first: in what the model takes, in its mask, and in what it gives."""
    x, h = sequence(), keras.Input((4,), name="h")
    options = {"return_sequences": True, "time_major": True}
    y = L.SimpleRNN(4, name="first", **options)(L.Masking(name="masking")(x))
    y = L.SimpleRNN(4, go_backwards=True, return_state=True, name="second", **options)(
        y, initial_state=h
    )
    return keras.Model([x, h], [*y, L.SimpleRNN(3, time_major=True, name="last")(y[0])])


MODELS: dict[str, Callable[[], Any]] = {
    "masked_stack": masked_stack,
    "initial_state": initial_state,
    "both_ways": both_ways,
    "stack": stack,
    "nested": nested,
    "functional_inside": functional_inside,
    "add": joined("Add"),
    "multiply": joined("Multiply"),
    "maximum": joined("Maximum"),
    "concatenate": joined("Concatenate"),
    "concatenate_time": joined("Concatenate", whole=True, axis=1),
    "called": called,
    "fixed": fixed,
    "frozen": frozen,
    "time_major": time_major,
}


def make(name: str, build: Callable[[], Any]) -> None:
    rng = np.random.default_rng(len(name))
    model = build()
    weights = []
    for variable in model.weights:
        low = 0.5 if "variance" in variable.name else -1.0
        values = rng.uniform(low, 1.0, variable.shape)
        if values.ndim == 2 and "embeddings" not in variable.name:
            # Columns of sum at most 1 (1/2 for a recurrent kernel): no error grows along time.
            values /= np.abs(values).sum(axis=0) * (2 if "recurrent" in variable.name else 1)
        weights.append(values)
    model.set_weights(weights)
    if name == "nested":
        model.save(HERE / f"{name}.keras")
    elif name == "stack":
        model.save_weights(HERE / f"{name}.weights.h5")
        (HERE / f"{name}.json").write_text(model.to_json())
    else:
        model.save(HERE / f"{name}.h5")
    given: list[np.ndarray] = []
    for tensor in model.inputs:
        first = name == "time_major" and len(tensor.shape) == 3
        sizes = (TIME, BATCH) if first else (BATCH, TIME)
        shape = tuple(size or sizes[axis] for axis, size in enumerate(tensor.shape))
        tokens = name == "called"
        values = rng.integers(1, TOKENS, shape).astype(float) if tokens else rng.normal(size=shape)
        if len(shape) == 3 or tokens:
            values[0, len(given) + 3 :] = 0
            values[1, len(given)] = 0
            values[2] = 0
        given.append(values)
    outputs = tf.nest.flatten(model(given if len(given) > 1 else given[0]))
    arrays: dict[str, Any] = {f"input_{index}": values for index, values in enumerate(given)}
    arrays |= {f"output_{index}": np.asarray(values) for index, values in enumerate(outputs)}
    np.savez_compressed(HERE / f"{name}.npz", **arrays)


def main() -> None:
    keras.backend.set_floatx("float64")
    for name, build in MODELS.items():
        # Making one again would change its bytes: Keras writes dates.
        if not (HERE / f"{name}.npz").exists():
            make(name, build)


if __name__ == "__main__":
    main()
