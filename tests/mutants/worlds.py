"""The networks that mutants are made of: small, all sizes distinct, every attribute somewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnn_export import builders
from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import (
    Cell,
    Concatenate,
    Dense,
    Embedding,
    LayerNormalization,
    Merge,
    Recurrent,
    TokenMask,
    ValueMask,
)


def _array(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> ArrayWeight:
    return ArrayWeight((scale * rng.standard_normal(shape)).astype(np.float32))


def _glorot(rng: np.random.Generator, rows: int, columns: int) -> ArrayWeight:
    limit = np.sqrt(6 / (rows + columns))
    return ArrayWeight(rng.uniform(-limit, limit, (rows, columns)).astype(np.float32))


def _cell(
    rng: np.random.Generator,
    features: int,
    units: int,
    kind: str = "tanh",
    name: str = "",
    **options: float,
) -> Cell:
    turn, _ = np.linalg.qr(rng.standard_normal((units, units)))
    recurrent = ArrayWeight(turn.astype(np.float32))
    bias = _array(rng, units, scale=0.2)
    return Cell(name, _glorot(rng, features, units), recurrent, bias, activation(kind, **options))


def single(seed: int) -> Network:
    """One layer of 64 units on 32 features, all states shown: the size of the prototype's measurements."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 32), "float32")
    (y,) = draft.call("rnn", Recurrent((_cell(rng, 32, 64),), ("sequence",)), [x])
    draft.output("rnn", y)
    return draft.finish(Source("python", "single"))


def stack(seed: int) -> Network:
    """Tokens, an embedding, three layers, a Dense head on the last state."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    (x,) = draft.call("embedding", Embedding(_array(rng, 19, 5)), [tokens])
    width = 5
    for at, units in enumerate((9, 7, 8)):
        emits = ("output",) if at == 2 else ("sequence",)
        (x,) = draft.call(f"rnn{at}", Recurrent((_cell(rng, width, units),), emits), [x])
        width = units
    head = Dense(_glorot(rng, 8, 6), _array(rng, 6, scale=0.3), activation("linear"))
    (x,) = draft.call("head", head, [x])
    draft.output("head", x)
    return draft.finish(Source("python", "stack"))


def square(seed: int) -> Network:
    """Three layers of equal width, so that layers and matrices can be mistaken for one another."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 6), "float32")
    for at in range(3):
        op = Recurrent((_cell(rng, 6, 6),), ("sequence",))
        (x,) = draft.call(f"rnn{at}", op, [x])
    draft.output("rnn2", x)
    return draft.finish(Source("python", "square"))


def both(seed: int) -> Network:
    """A Bidirectional layer, concatenated and normalised, under another layer; its two last outputs added."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 6), "float32")
    (front,) = draft.call("both/forward", Recurrent((_cell(rng, 6, 7),), ("sequence",)), [x])
    back = Recurrent((_cell(rng, 6, 7),), ("sequence",), go_backwards=True, time_order=True)
    (rear,) = draft.call("both/backward", back, [x])
    (wide,) = draft.call("both", Concatenate(-1), [front, rear])
    norm = LayerNormalization((2,), 1e-3, _array(rng, 14), _array(rng, 14, scale=0.3))
    (wide,) = draft.call("norm", norm, [wide])
    (top,) = draft.call("top", Recurrent((_cell(rng, 14, 5),), ("sequence",)), [wide])
    (below,) = draft.call("dense", Dense(_glorot(rng, 14, 5), None, activation("tanh")), [wide])
    (made,) = draft.call("sum", Merge("subtract"), [top, below])
    draft.output("sum", made)
    return draft.finish(Source("python", "both"))


def masked(seed: int) -> Network:
    """A masked backward layer with an initial state under a masked forward one; sequence and states shown."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 5), "float32")
    h = draft.input("h", ("batch", 7), "float32")
    (mask,) = draft.call("mask", ValueMask(0.0), [x])
    back = Recurrent((_cell(rng, 5, 7),), ("sequence", "state"), go_backwards=True)
    first, state = draft.call("back", back, [x], mask=mask, initial=[h])
    front = Recurrent((_cell(rng, 7, 4),), ("sequence", "output"), zero_output_for_mask=True)
    second, last = draft.call("front", front, [first], mask=mask)
    for name, tensor in (("back", first), ("state", state), ("front", second), ("last", last)):
        draft.output(name, tensor)
    return draft.finish(Source("python", "masked"))


def tokens(seed: int) -> Network:
    """Masked tokens (0) through an embedding into a layer that shows its last output alone."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    given = draft.input("tokens", ("batch", "time"), "int32")
    (mask,) = draft.call("embedding_mask", TokenMask(), [given])
    (x,) = draft.call("embedding", Embedding(_array(rng, 17, 6)), [given])
    (y,) = draft.call("rnn", Recurrent((_cell(rng, 6, 8),), ("output",)), [x], mask=mask)
    draft.output("rnn", y)
    return draft.finish(Source("python", "tokens"))


def kinds(seed: int) -> Network:
    """Five activations one above the other."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 5), "float32")
    width = 5
    for at, (kind, units) in enumerate(
        (("relu", 9), ("hard_sigmoid", 7), ("elu", 8), ("softsign", 6), ("selu", 4))
    ):
        (x,) = draft.call(
            f"rnn{at}", Recurrent((_cell(rng, width, units, kind),), ("sequence",)), [x]
        )
        width = units
    draft.output("rnn4", x)
    return draft.finish(Source("python", "kinds"))


def smooth(seed: int) -> Network:
    """Activations with variants that are easily mistaken for them."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 5), "float32")
    cells = (
        _cell(rng, 5, 9, "gelu"),
        _cell(rng, 9, 7, "leaky_relu", negative_slope=0.2),
        _cell(rng, 7, 6, "silu"),
    )
    for at, cell in enumerate(cells):
        (x,) = draft.call(f"rnn{at}", Recurrent((cell,), ("sequence",)), [x])
    draft.output("rnn2", x)
    return draft.finish(Source("python", "smooth"))


def tanh_cell(rng: np.random.Generator, features: int, units: int) -> Cell:
    """Return a tanh cell with an orthogonal recurrent kernel."""
    return _cell(rng, features, units)


def _typed(seed: int, dtype: str) -> Network:
    """Two layers and a Dense head that compute in ``dtype``, weights stored in it too."""
    rng = np.random.default_rng(seed)
    stored = np.dtype(dtype)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 5), dtype)
    width = 5
    for at, units in enumerate((9, 7)):
        cell = _cell(rng, width, units)
        assert cell.bias is not None
        parts = (cell.kernel, cell.recurrent_kernel, cell.bias)
        # What float32 cannot hold either.
        fine = (part.read() + 1e-9 * rng.standard_normal(part.shape) for part in parts)
        kernel, recurrent, bias = (ArrayWeight(part.astype(stored)) for part in fine)
        own = Cell("", kernel, recurrent, bias, cell.activation)
        (x,) = draft.call(f"rnn{at}", Recurrent((own,), ("sequence",)), [x], dtype=dtype)
        width = units
    draft.output("rnn1", x)
    return draft.finish(Source("python", dtype))


def double(seed: int) -> Network:
    """Two layers in float64."""
    return _typed(seed, "float64")


def half(seed: int) -> Network:
    """Two layers in float16."""
    return _typed(seed, "float16")


def loop(seed: int) -> Network:
    """Two layers as Keras translates them itself: loop.onnx beside this file, made once of this very network."""
    return builders.stacked(units=[7, 4], features=5)


def stateful(seed: int) -> Network:
    """Two cells in one RNN with a state input each; one step at a time or many."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    x = draft.input("x", ("batch", "time", 5), "float32")
    states = [
        draft.input("h0", ("batch", 6), "float32"),
        draft.input("h1", ("batch", 6), "float32"),
    ]
    cells = (_cell(rng, 5, 6, name="one"), _cell(rng, 6, 6, name="two"))
    made = draft.call("rnn", Recurrent(cells, ("sequence", "state")), [x], initial=states)
    for _at, tensor in enumerate(made):
        draft.output("rnn", tensor)
    return draft.finish(Source("python", "stateful"))


WORLDS: dict[str, Callable[[int], Network]] = {
    world.__name__: world
    for world in (
        single,
        stack,
        square,
        both,
        masked,
        tokens,
        kinds,
        smooth,
        stateful,
        double,
        half,
        loop,
    )
}
