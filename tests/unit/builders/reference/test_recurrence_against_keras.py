"""The reference's recurrence against Keras itself in float64: masks, states, directions, stacks."""

from __future__ import annotations

from itertools import product
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_export.builders.reference import run
from rnn_export.network import ArrayWeight, Draft, Network, Source, TensorId, activation
from rnn_export.network.ops import ApplyMask, Cell, Concatenate, Merge, Recurrent

U = 2.0**-53
BATCH, TIME, FEATURES = 5, 7, 3
UNITS = (4, 6, 2)
SLOPE = {"tanh": 1.0, "relu": 1.0, "sigmoid": 0.25, "linear": 1.0, "softsign": 1.0}

# Rows: whole, right padded, left padded, holes, nothing valid.
MASK = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1, 1],
        [0, 1, 0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ],
    bool,
)


def cells(count: int, act: str = "tanh", *, bias: bool = True, seed: int = 0) -> tuple[Cell, ...]:
    rng = np.random.default_rng(seed)
    made, width = [], FEATURES
    for index, units in enumerate(UNITS[:count]):
        made.append(
            Cell(
                f"cell{index}" if count > 1 else "",
                ArrayWeight(rng.normal(scale=0.5, size=(width, units))),
                ArrayWeight(rng.normal(scale=0.3, size=(units, units))),
                ArrayWeight(rng.normal(scale=0.3, size=units)) if bias else None,
                activation(act),
            )
        )
        width = units
    return tuple(made)


def arrays(cell: Cell) -> list[np.ndarray]:
    weights = (cell.kernel, cell.recurrent_kernel, cell.bias)
    return [weight.read() for weight in weights if weight is not None]


def bound(stack: tuple[Cell, ...], x: np.ndarray, steps: int, unit: float = U) -> float:
    """Return how far two correct float64 evaluations can be apart after ``steps`` steps.

    Norms per step: an error grows by at most slope * ||R||, and each evaluation adds n roundings of
    the sum of sizes (twice: two evaluations), and 8 of the activation.
    """
    below, size = 0.0, float(np.abs(x).max(initial=0.0))
    for cell in stack:
        w, r, *b = arrays(cell)
        slope = SLOPE[cell.activation.name]
        kernel, recurrent = np.abs(w).sum(0).max(), np.abs(r).sum(0).max()
        error = value = 0.0
        for _ in range(steps):
            total = kernel * size + recurrent * value + (np.abs(b[0]).max() if b else 0.0)
            rounding = 2 * unit * ((len(w) + len(r) + 2) * total + 8 * (total + 1))
            error = slope * (kernel * below + recurrent * error + rounding)
            value = 1.0 if cell.activation.name not in ("relu", "linear") else slope * total
        below, size = error, value
    return below


def network(op: Recurrent, *, mask: bool, initial: bool) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), "float64")
    m = draft.input("mask", ("batch", "time"), "bool") if mask else None
    states: list[TensorId] = []
    if initial:
        for index, cell in enumerate(op.cells):
            states.append(draft.input(f"h{index}", ("batch", cell.units), "float64"))
    for made in draft.call("rnn", op, [x], dtype="float64", mask=m, initial=states):
        draft.output("rnn", made)
    return draft.finish(Source("python", "rnn"))


def keras_layer(op: Recurrent, spelled: str, **options: Any) -> Any:
    """Return the Keras layer that ``op`` describes, spelled as SimpleRNN, as RNN(cell) or RNN([cells])."""
    options |= {
        "return_sequences": "sequence" in op.emits,
        "return_state": "state" in op.emits,
        "go_backwards": op.go_backwards,
        "zero_output_for_mask": op.zero_output_for_mask,
        "dtype": "float64",
    }
    each = [
        {
            "units": c.units,
            "activation": c.activation.name,
            "use_bias": c.bias is not None,
            "dtype": "float64",
        }
        for c in op.cells
    ]
    if spelled == "SimpleRNN":
        layer = keras.layers.SimpleRNN(**{**each[0], **options})
    else:
        made = [keras.layers.SimpleRNNCell(**one) for one in each]
        # Given a plain list, RNN wraps it in a stack of the global dtype, whatever its own is.
        stack = (
            keras.layers.StackedRNNCells(made, dtype="float64") if spelled == "stack" else made[0]
        )
        layer = keras.layers.RNN(stack, **options)
    layer.build((None, None, FEATURES))
    layer.set_weights([array for cell in op.cells for array in arrays(cell)])
    return layer


def feeds(op: Recurrent, *, mask: bool, initial: bool, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {"x": rng.normal(size=(BATCH, TIME, FEATURES))}
    if mask:
        made["mask"] = MASK
    if initial:
        for index, cell in enumerate(op.cells):
            made[f"h{index}"] = rng.uniform(-0.9, 0.9, size=(BATCH, cell.units))
    return made


def compare(op: Recurrent, spelled: str, *, mask: bool, initial: bool, **options: Any) -> None:
    fed = feeds(op, mask=mask, initial=initial)
    states: Any = [fed[f"h{index}"] for index in range(len(op.cells))] if initial else None
    if states is not None and spelled == "stack":
        states = [[state] for state in states]
    layer = keras_layer(op, spelled, **options)
    made = layer(fed["x"], initial_state=states, mask=fed.get("mask"))
    made = keras.tree.flatten(made)
    got = run(network(op, mask=mask, initial=initial), fed, np.float64)
    assert len(got) == len(made)
    for ours, theirs in zip(got.values(), made, strict=True):
        assert ours.dtype == np.float64
        theirs = keras.ops.convert_to_numpy(theirs)
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= bound(op.cells, fed["x"], TIME)


EMITS = [("sequence",), ("output",), ("sequence", "state"), ("output", "state")]
BOTH = (False, True)


@pytest.mark.parametrize(
    ("emits", "backwards", "mask", "initial"), [*product(EMITS, BOTH, BOTH, BOTH)]
)
def test_one_layer_is_keras_simple_rnn(
    emits: tuple[str, ...], backwards: bool, mask: bool, initial: bool
) -> None:
    op = Recurrent(cells(1), emits, go_backwards=backwards)
    compare(op, "SimpleRNN", mask=mask, initial=initial)


# Without the unrolled backward sequence, which has a test of its own.
ZEROING = [
    (emits, backwards, unroll)
    for emits, backwards, unroll in product(EMITS, BOTH, BOTH)
    if not ("sequence" in emits and backwards and unroll)
]


@pytest.mark.parametrize(("emits", "backwards", "unroll"), ZEROING)
def test_zero_output_for_mask_is_keras_own(
    emits: tuple[str, ...], backwards: bool, unroll: bool
) -> None:
    op = Recurrent(cells(1), emits, go_backwards=backwards, zero_output_for_mask=True)
    compare(op, "SimpleRNN", mask=True, initial=True, unroll=unroll)


def test_keras_zeroes_an_unrolled_backward_sequence_by_the_mask_not_turned_around() -> None:
    op = Recurrent(cells(1), ("sequence",), go_backwards=True, zero_output_for_mask=True)
    fed = feeds(op, mask=True, initial=False)
    want = keras_layer(op, "SimpleRNN", unroll=True)(fed["x"], mask=fed["mask"])
    repeated = Recurrent(op.cells, op.emits, go_backwards=True)
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), "float64")
    mask = draft.input("mask", ("batch", "time"), "bool")
    (y,) = draft.call("rnn", repeated, [x], dtype="float64", mask=mask)
    (y,) = draft.call("zero", ApplyMask(), [y, mask], dtype="float64")
    draft.output("rnn", y)
    got = run(draft.finish(Source("python", "rnn")), fed, np.float64)["rnn"]
    assert np.abs(got - keras.ops.convert_to_numpy(want)).max() <= bound(op.cells, fed["x"], TIME)
    turned = run(network(op, mask=True, initial=False), fed, np.float64)["rnn"]
    assert np.abs(got - turned).max() > 0.1


@pytest.mark.parametrize(("emits", "mask"), [*product(EMITS, BOTH)])
def test_unrolled_layer_computes_the_same(emits: tuple[str, ...], mask: bool) -> None:
    compare(Recurrent(cells(1), emits), "SimpleRNN", mask=mask, initial=True, unroll=True)


@pytest.mark.parametrize(
    ("emits", "count", "backwards", "mask", "initial"), [*product(EMITS, (2, 3), BOTH, BOTH, BOTH)]
)
def test_stacked_cells_are_keras_stacked_rnn_cells(
    emits: tuple[str, ...], count: int, backwards: bool, mask: bool, initial: bool
) -> None:
    op = Recurrent(cells(count), emits, go_backwards=backwards)
    compare(op, "stack", mask=mask, initial=initial)


@pytest.mark.parametrize("act", sorted(SLOPE))
@pytest.mark.parametrize("bias", BOTH)
def test_cell_in_rnn_computes_every_activation_with_and_without_bias(act: str, bias: bool) -> None:
    op = Recurrent(cells(1, act, bias=bias), ("sequence", "state"))
    compare(op, "cell", mask=True, initial=True)


@pytest.mark.parametrize("mask", BOTH)
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("sequences", BOTH)
def test_two_directions_and_a_merge_are_keras_bidirectional(
    mode: str, sequences: bool, mask: bool
) -> None:
    emits = ("sequence",) if sequences else ("output",)
    ahead = Recurrent(cells(1, seed=3), emits, zero_output_for_mask=sequences)
    back = Recurrent(cells(1, seed=4), emits, True, True, sequences)
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), "float64")
    m = draft.input("mask", ("batch", "time"), "bool") if mask else None
    (one,) = draft.call("bi/forward", ahead, [x], dtype="float64", mask=m)
    (two,) = draft.call("bi/backward", back, [x], dtype="float64", mask=m)
    kinds = {"sum": Merge("add"), "mul": Merge("multiply"), "ave": Merge("average")}
    (y,) = draft.call("bi", kinds.get(mode, Concatenate(-1)), [one, two], dtype="float64")
    draft.output("bi", y)

    inner = keras.layers.SimpleRNN(UNITS[0], return_sequences=sequences, dtype="float64")
    layer = keras.layers.Bidirectional(inner, merge_mode=mode, dtype="float64")
    layer.build((None, None, FEATURES))
    layer.set_weights(arrays(ahead.cells[0]) + arrays(back.cells[0]))
    fed = feeds(ahead, mask=mask, initial=False)
    want = keras.ops.convert_to_numpy(layer(fed["x"], mask=fed.get("mask")))
    (got,) = run(draft.finish(Source("python", "bi")), fed, np.float64).values()
    each = [bound(op.cells, fed["x"], TIME) for op in (ahead, back)]
    # |a b - a' b'| <= da + db for states within 1, plus the roundings of the merge.
    assert np.abs(got - want).max() <= sum(each) + 4 * U


def test_leading_masked_steps_put_out_zero_although_the_state_is_not() -> None:
    op = Recurrent(cells(1), ("sequence", "output", "state"))
    fed = feeds(op, mask=True, initial=True)
    made = run(network(op, mask=True, initial=True), fed, np.float64)
    sequence, output, state = made.values()
    nothing = ~MASK.any(axis=1)
    assert not sequence[2, :2].any()
    assert sequence[2, 2:].all()
    np.testing.assert_array_equal(sequence[3, 2], sequence[3, 1])
    assert not output[nothing].any()
    np.testing.assert_array_equal(state[nothing], fed["h0"][nothing])


def test_nan_under_a_mask_stays_there() -> None:
    op = Recurrent(cells(2), ("sequence", "state"))
    fed = feeds(op, mask=True, initial=False)
    clean = run(network(op, mask=True, initial=False), fed, np.float64)
    fed["x"][~MASK] = np.nan
    for name, values in run(network(op, mask=True, initial=False), fed, np.float64).items():
        np.testing.assert_array_equal(values, clean[name])


@pytest.mark.parametrize("shape", [(0, TIME), (BATCH, 0)], ids=["no rows", "no steps"])
def test_nothing_gives_nothing(shape: tuple[int, int]) -> None:
    op = Recurrent(cells(2), ("sequence", "output", "state"))
    fed = {"x": np.zeros((*shape, FEATURES))}
    made = list(run(network(op, mask=False, initial=False), fed, np.float64).values())
    batch, time = shape
    assert [values.shape for values in made] == [
        (batch, time, 6),
        (batch, 6),
        (batch, 4),
        (batch, 6),
    ]
    assert not any(values.any() for values in made)


def test_keras_takes_no_rows_too() -> None:
    op = Recurrent(cells(1), ("sequence",))
    made = keras_layer(op, "SimpleRNN")(np.zeros((0, TIME, FEATURES)))
    assert tuple(made.shape) == (0, TIME, UNITS[0])


def test_keras_on_tensorflow_refuses_no_steps() -> None:
    op = Recurrent(cells(1), ("sequence",))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"slice index 0 of dimension \d out of bounds"
    ):
        keras_layer(op, "SimpleRNN")(np.zeros((BATCH, 0, FEATURES)))


def test_float32_loop_stays_within_the_rounding_of_float32() -> None:
    op = Recurrent(cells(2), ("sequence", "state"))
    fed = feeds(op, mask=True, initial=True)
    wide = run(network(op, mask=True, initial=True), fed, np.float64)
    for name, values in run(network(op, mask=True, initial=True), fed, np.float32).items():
        assert values.dtype == np.float32
        difference = np.abs(values - wide[name]).max()
        # Weights and inputs are rounded too: 3 more roundings on every term.
        assert 0 < difference <= 2 * bound(op.cells, fed["x"], TIME, 2.0**-24)
