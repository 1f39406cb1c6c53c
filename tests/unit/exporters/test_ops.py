"""Every op that is not recurrent, alone and between recurrent layers, to the last bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnn_export.builders import reference
from rnn_export.exporters import export
from rnn_export.network import ArrayWeight, Draft, Network, Op, Source, TensorId, activation
from rnn_export.network.ops import (
    Activate,
    Affine,
    ApplyMask,
    BatchNormalization,
    CombineMasks,
    Concatenate,
    Dense,
    ExpandDims,
    Flip,
    LayerNormalization,
    Merge,
    ParametricRelu,
    Permute,
    Pool,
    Recurrent,
    Repeat,
    Reshape,
    ValueMask,
)
from tests.unit.exporters.exact import cell, feeds, halves, run

RANDOM = np.random.default_rng(8)
T, F = 4, 3


def weight(*values: float) -> ArrayWeight:
    return ArrayWeight(np.array(values, np.float32))


# variance + epsilon = 4, so that every number stays exact.
NORMAL = BatchNormalization(
    -1, 1.75, weight(0.5, 1, 2), weight(1, -1, 0.5), weight(0.5, 0, -1), weight(2.25, 2.25, 2.25)
)
TIMED = BatchNormalization(
    1, 1.75, weight(1, 2, 0.5, 1), None, weight(0, 1, 0.5, 2), weight(2.25, 2.25, 2.25, 2.25)
)
DENSE = Dense(ArrayWeight(halves(RANDOM, (F, 5), 1)), weight(1, 0, -1, 0.5, 2), activation("relu"))

UNARY: dict[str, Op] = {
    "activate": Activate(activation("hard_tanh")),
    "affine": Affine(0.5, -1.5),
    "prelu": ParametricRelu(ArrayWeight(halves(RANDOM, (1, F)))),
    "prelu over time": ParametricRelu(ArrayWeight(halves(RANDOM, (T, F)))),
    "batch norm": NORMAL,
    "batch norm over time": TIMED,
    "dense": DENSE,
    "permute": Permute((2, 1)),
    "permute nothing": Permute((1, 2)),
    "flip time": Flip(1),
    "flip features": Flip(2),
    "flip batch": Flip(0),
    "expand features": ExpandDims(-1),
    "expand time": ExpandDims(1),
    "flatten": Reshape((-1,)),
    "reshape": Reshape((2, 6)),
    "reshape with a rest": Reshape((-1, 1)),
    "average": Pool("average"),
    "average, kept": Pool("average", keepdims=True),
    "maximum": Pool("max"),
    "maximum, kept": Pool("max", keepdims=True),
}


def alone(op: Op) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", T, F), "float32")
    (y,) = draft.call("op", op, [x])
    draft.output("op", y)
    return draft.finish(Source("python", "alone"))


def behind(op: Op) -> Network:
    """After a layer whose result is time first; before another one, where the shape allows."""
    draft = Draft()
    x = draft.input("x", ("batch", T, 2), "float32")
    (y,) = draft.call("below", Recurrent((cell(RANDOM, 2, F),), ("sequence",)), [x])
    (y,) = draft.call("op", op, [y])
    spec = draft.spec(y)
    if spec.rank == 3 and spec.shape[0] == "batch" and isinstance(spec.shape[2], int):
        (y,) = draft.call("above", Recurrent((cell(RANDOM, spec.shape[2], 2),)), [y])
    draft.output("end", y)
    return draft.finish(Source("python", "behind"))


def same(network: Network, batch: int = 2, time: int = T) -> None:
    given = feeds(network, RANDOM, batch, time)
    got, want = run(export(network).model, given), reference.run(network, given, np.float64)
    assert list(got) == list(want)
    for name, values in want.items():
        np.testing.assert_array_equal(got[name], values, err_msg=name)


@pytest.mark.parametrize("place", [alone, behind])
@pytest.mark.parametrize("op", UNARY.values(), ids=UNARY)
def test_an_op_is_the_reference(op: Op, place: Callable[[Op], Network]) -> None:
    same(place(op))


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_softmax_acts_on_its_axis(axis: int) -> None:
    """Equal logits, a power of two of them: every share is exact."""
    draft = Draft()
    x = draft.input("x", ("batch", T, 2), "float32")
    (y,) = draft.call("softmax", Activate(activation("softmax"), axis), [x])
    draft.output("softmax", y)
    network = draft.finish(Source("python", "softmax"))
    given = {"x": np.broadcast_to(np.float32(1.5), (3, T, 2)).copy()}
    got = run(export(network).model, given)["softmax"]
    np.testing.assert_array_equal(got, np.full((3, T, 2), 1 / T if axis == 1 else 0.5))


def test_a_masked_softmax_shares_among_what_is_left() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", 4), "float32")
    mask = draft.input("mask", ("batch", 4), "bool")
    (y,) = draft.call("softmax", Activate(activation("softmax")), [x], mask=mask)
    draft.output("softmax", y)
    network = draft.finish(Source("python", "softmax"))
    given = {
        "x": np.ones((3, 4), np.float32),
        "mask": np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]], bool),
    }
    got = run(export(network).model, given)["softmax"]
    np.testing.assert_array_equal(got[0], [0.5, 0.5, 0, 0])
    np.testing.assert_array_equal(got[2], np.zeros(4))
    assert got[1, 0] == 0
    assert len(set(got[1, 1:].tolist())) == 1


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("axes", [(-1,), (1, 2)])
def test_layer_normalization_is_exact_where_its_numbers_are(
    axes: tuple[int, ...], weights: bool
) -> None:
    """Rows m - d and m + d in equal number: mean m, variance d^2 = 2.25, and 2.25 + 1.75 = 4."""
    draft = Draft()
    x = draft.input("x", ("batch", 2, 4), "float32")
    shape = (2, 4)[-len(axes) :]
    gamma = ArrayWeight(halves(RANDOM, shape)) if weights else None
    beta = ArrayWeight(halves(RANDOM, shape)) if weights else None
    (y,) = draft.call("norm", LayerNormalization(axes, 1.75, gamma, beta), [x])
    draft.output("norm", y)
    network = draft.finish(Source("python", "norm"))
    signs = np.array([[1, -1, 1, -1], [-1, -1, 1, 1]], np.float32)
    middle = np.array([2.0, -0.5, 0.0], np.float32)[:, None, None]
    given = {"x": (middle + 1.5 * signs).astype(np.float32)}
    got, want = run(export(network).model, given), reference.run(network, given, np.float64)
    np.testing.assert_array_equal(got["norm"], want["norm"])


def test_layer_normalization_keeps_its_digits_far_from_zero() -> None:
    """E[x^2] - E[x]^2 would lose them all: 2^12 squared takes the bits of a variance of 2.25."""
    draft = Draft()
    x = draft.input("x", ("batch", 4), "float32")
    (y,) = draft.call("norm", LayerNormalization((-1,), 1.75, None, None), [x])
    draft.output("norm", y)
    network = draft.finish(Source("python", "norm"))
    given = {"x": np.float32(2**12) + np.array([[1.5, -1.5, -1.5, 1.5]], np.float32)}
    got = run(export(network).model, given)["norm"]
    np.testing.assert_array_equal(got, [[0.75, -0.75, -0.75, 0.75]])


@pytest.mark.parametrize("kind", ["add", "subtract", "multiply", "average", "maximum", "minimum"])
@pytest.mark.parametrize("count", [2, 4])
def test_merges_of_inputs_and_of_sequences(kind: str, count: int) -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", F), "float32")
    one = draft.input("one", ("batch", 1, F), "float32")
    op = Recurrent((cell(RANDOM, F, F),), ("sequence",))
    made: list[TensorId] = [x, one]
    if count == 4:
        made += [draft.call(f"rnn_{k}", op, [x])[0] for k in range(2)]
    (y,) = draft.call("merge", Merge(kind), made)  # type: ignore[arg-type]
    (z,) = draft.call("above", Recurrent((cell(RANDOM, F, 2),)), [y])
    draft.output("merge", y)
    draft.output("above", z)
    same(draft.finish(Source("python", "merge")))


@pytest.mark.parametrize("axis", [1, -1])
def test_concatenation_over_time_and_features(axis: int) -> None:
    draft = Draft()
    x = draft.input("x", ("batch", T, F), "float32")
    (y,) = draft.call("rnn", Recurrent((cell(RANDOM, F, F),), ("sequence",)), [x])
    (z,) = draft.call("both", Concatenate(axis), [x, y])
    (end,) = draft.call("above", Recurrent((cell(RANDOM, F if axis == 1 else 2 * F, 2),)), [z])
    draft.output("both", z)
    draft.output("above", end)
    same(draft.finish(Source("python", "concatenate")))


@pytest.mark.parametrize("timed", [False, True])
def test_a_repeated_vector_feeds_a_decoder(timed: bool) -> None:
    draft = Draft()
    x = draft.input("x", ("batch", F), "float32")
    (y,) = draft.call("repeat", Repeat(5), [x])
    if timed:
        (z,) = draft.call("rnn", Recurrent((cell(RANDOM, F, 2),), ("sequence",)), [y])
        draft.output("rnn", z)
    else:
        draft.output("repeat", y)
    same(draft.finish(Source("python", "repeat")))


def test_masking_compares_in_the_dtype_of_the_input_and_zeroes_what_it_masks() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 2), "float32")
    (mask,) = draft.call("masking", ValueMask(0.1), [x])
    (y,) = draft.call("masking", ApplyMask(), [x, mask])
    draft.output("mask", mask)
    draft.output("masking", y)
    network = draft.finish(Source("python", "masking"))
    given = {"x": np.full((2, 3, 2), 0.1, np.float32)}
    given["x"][0, 1] = np.nan
    given["x"][1, 2, 0] = 2
    got = run(export(network).model, given)
    np.testing.assert_array_equal(got["mask"], [[False, True, False], [False, False, True]])
    assert np.isnan(got["masking"][0, 1]).all()
    assert not got["masking"][0, 0].any()


def test_nan_under_a_mask_stays_there() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 2), "float32")
    mask = draft.input("mask", ("batch", "time"), "bool")
    op = Recurrent((cell(RANDOM, 2, 3),), ("sequence",))
    (y,) = draft.call("rnn", op, [x], mask=mask)
    (pooled,) = draft.call("pool", Pool("average"), [x], mask=mask)
    draft.output("rnn", y)
    draft.output("pool", pooled)
    network = draft.finish(Source("python", "nan"))
    given = feeds(network, RANDOM, 2, 4)
    given["mask"] = np.array([[0, 1, 0, 1], [1, 1, 0, 0]], bool)
    given["x"][~given["mask"]] = np.nan
    for form in ("rnn", "scan", "wavefront", "unrolled"):
        model = export(network, form=form, time=4 if form == "unrolled" else None).model
        got, want = run(model, given), reference.run(network, given, np.float64)
        for name, values in want.items():
            assert np.isfinite(values).all()
            np.testing.assert_array_equal(got[name], values)


@pytest.mark.parametrize("kind", ["and", "or"])
def test_masks_are_combined_and_pool_heeds_them(kind: str) -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 2), "float32")
    masks = [draft.input(name, ("batch", "time"), "bool") for name in ("a", "b", "c")]
    (mask,) = draft.call("mask", CombineMasks(kind), masks)  # type: ignore[arg-type]
    (y,) = draft.call("pool", Pool("max"), [x], mask=mask)
    draft.output("mask", mask)
    draft.output("pool", y)
    same(draft.finish(Source("python", "masks")))


def test_an_average_counts_the_valid_steps() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 2), "float32")
    mask = draft.input("mask", ("batch", "time"), "bool")
    (below,) = draft.call("rnn", Recurrent((cell(RANDOM, 2, 2),), ("sequence",)), [x])
    (y,) = draft.call("pool", Pool("average", keepdims=True), [below], mask=mask)
    draft.output("pool", y)
    network = draft.finish(Source("python", "average"))
    given = feeds(network, RANDOM, 3, 4)
    given["mask"] = np.array([[0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 1, 0]], bool)
    got, want = run(export(network).model, given), reference.run(network, given, np.float64)
    np.testing.assert_array_equal(got["pool"], want["pool"])
