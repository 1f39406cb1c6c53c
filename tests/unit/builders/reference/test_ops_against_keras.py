"""Every op of the reference but the recurrence against the Keras layer it stands for, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_export.builders.reference import evaluate
from rnn_export.builders.reference.computing import compute
from rnn_export.errors import NetworkError
from rnn_export.network import ArrayWeight, Call, Op, activation, ops
from rnn_export.network.ops import (
    Activate,
    Affine,
    ApplyMask,
    BatchNormalization,
    Cast,
    CombineMasks,
    Concatenate,
    Dense,
    Embedding,
    ExpandDims,
    Flip,
    LayerNormalization,
    Merge,
    ParametricRelu,
    Permute,
    Pool,
    Repeat,
    Reshape,
    TokenMask,
    ValueMask,
)

U = 2.0**-53
BATCH, TIME, FEATURES = 3, 7, 5
RNG = np.random.default_rng(17)
X = RNG.normal(size=(BATCH, TIME, FEATURES))
Y = RNG.normal(size=(BATCH, TIME, FEATURES))
Z = RNG.normal(size=(BATCH, TIME, FEATURES))
MASK = np.array([[1] * 7, [1, 1, 0, 1, 0, 0, 0], [0] * 7], bool)


def weight(*shape: int, low: float = -1.0, dtype: str = "float64") -> ArrayWeight:
    return ArrayWeight(RNG.uniform(low, 1.5, size=shape).astype(dtype))


def ours(
    op: Op, *inputs: np.ndarray, mask: np.ndarray | None = None, dtype: str = "float64"
) -> np.ndarray:
    names = tuple(f"x{index}" for index in range(len(inputs)))
    (made,) = evaluate(Call("layer#0", op, names, ("y",), dtype), inputs, mask, (), np.float64)
    return made


def keras_own(
    layer: Any, *inputs: Any, weights: Sequence[ArrayWeight] = (), **options: Any
) -> np.ndarray:
    """Return what a layer makes of its inputs; a list of them for layers that merge."""
    fed = [keras.ops.convert_to_tensor(x) for x in inputs]
    given = fed if len(fed) > 1 else fed[0]
    if weights:
        layer(given)
        layer.set_weights([weight.read() for weight in weights])
    return np.asarray(keras.ops.convert_to_numpy(layer(given, **options)))


def close(got: np.ndarray, want: np.ndarray, roundings: float, size: float = 1.0) -> None:
    """Compare by the number of roundings of values of this size."""
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    assert np.array_equal(np.isnan(got), np.isnan(want))
    assert np.nanmax(np.abs(got - want), initial=0.0) <= roundings * U * size


def test_every_op_is_evaluated() -> None:
    for name in ops.__all__:
        kind = getattr(ops, name)
        if name != "Cell":
            assert compute.dispatch(kind) is not compute.dispatch(object), name


def test_an_op_nobody_registered_is_refused_by_layer() -> None:
    with pytest.raises(NetworkError, match=r"layer 'layer'.*str"):
        ours("not an op", X)  # type: ignore[arg-type]


@pytest.mark.parametrize("tokens", ["int32", "int64", "uint8", "float32", "float64"])
def test_embedding_truncates_tokens_as_keras(tokens: str) -> None:
    table = weight(9, FEATURES)
    x = RNG.uniform(0, 8.99, size=(BATCH, TIME)).astype(tokens)
    layer = keras.layers.Embedding(9, FEATURES, dtype="float64")
    np.testing.assert_array_equal(ours(Embedding(table), x), keras_own(layer, x, weights=[table]))


def test_embedding_counts_negative_tokens_from_the_end_as_keras() -> None:
    table = weight(9, FEATURES)
    x = np.array([[-1, 0], [-9, 8]], np.int32)
    layer = keras.layers.Embedding(9, FEATURES, dtype="float64")
    np.testing.assert_array_equal(ours(Embedding(table), x), keras_own(layer, x, weights=[table]))


@pytest.mark.parametrize("token", [9, -10])
def test_a_token_outside_the_table_is_refused_with_its_value(token: int) -> None:
    with pytest.raises(
        NetworkError, match=rf"layer 'layer': expected tokens from 0 to 8, got {token}\."
    ):
        ours(Embedding(weight(9, FEATURES)), np.array([[0, token]]))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("act", ["linear", "tanh", "softmax"])
def test_dense(act: str, bias: bool) -> None:
    kernel, b = weight(FEATURES, 4), weight(4) if bias else None
    layer = keras.layers.Dense(4, activation=act, use_bias=bias, dtype="float64")
    want = keras_own(layer, X, weights=[w for w in (kernel, b) if w is not None])
    close(ours(Dense(kernel, b, activation(act)), X), want, 4 * (FEATURES + 4), 10)


def test_time_distributed_dense_is_dense() -> None:
    kernel, b = weight(FEATURES, 4), weight(4)
    layer = keras.layers.TimeDistributed(keras.layers.Dense(4, dtype="float64"), dtype="float64")
    want = keras_own(layer, X, weights=[kernel, b])
    close(ours(Dense(kernel, b, activation("linear")), X), want, 4 * (FEATURES + 4), 10)


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_softmax_layer_over_any_axis(axis: int) -> None:
    want = keras_own(keras.layers.Softmax(axis=axis, dtype="float64"), X)
    close(ours(Activate(activation("softmax"), axis), X), want, 32)


@pytest.mark.parametrize("shape", [(BATCH, TIME, FEATURES), (BATCH, 1, FEATURES), (FEATURES,)])
def test_softmax_layer_leaves_out_what_is_masked(shape: tuple[int, ...]) -> None:
    mask = np.random.default_rng(0).random(shape) < 0.6
    mask[..., 0] = False
    layer = keras.layers.Softmax(dtype="float64")
    want = keras_own(layer, X, mask=keras.ops.convert_to_tensor(mask))
    close(ours(Activate(activation("softmax")), X, mask=mask), want, 32)
    assert not ours(Activate(activation("softmax")), X, mask=np.zeros_like(mask)).any()


@pytest.mark.parametrize(
    "layer", [keras.layers.Activation("selu"), keras.layers.ReLU(0.5, 0.1, 0.2)]
)
def test_activation_layers(layer: Any) -> None:
    layer = type(layer).from_config(layer.get_config() | {"dtype": "float64"})
    made = "selu"
    options = {}
    if isinstance(layer, keras.layers.ReLU):
        made, options = "relu", {"max_value": 0.5, "negative_slope": 0.1, "threshold": 0.2}
    close(ours(Activate(activation(made, **options)), X), keras_own(layer, X), 16, 5)


@pytest.mark.parametrize("shared", [None, [1]])
def test_prelu(shared: list[int] | None) -> None:
    alpha = weight(1 if shared else TIME, FEATURES)
    layer = keras.layers.PReLU(shared_axes=shared, dtype="float64")
    close(ours(ParametricRelu(alpha), X), keras_own(layer, X, weights=[alpha]), 4, 6)


def test_rescaling() -> None:
    layer = keras.layers.Rescaling(0.1, -0.3, dtype="float64")
    close(ours(Affine(0.1, -0.3), X), keras_own(layer, X), 4, 2)


@pytest.mark.parametrize("axis", [-1, 1, [1, 2], [-1]])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_layer_normalization(axis: int | list[int], center: bool, scale: bool) -> None:
    axes = tuple(axis) if isinstance(axis, list) else (axis,)
    shape = tuple(X.shape[at] for at in axes)
    gamma, beta = weight(*shape) if scale else None, weight(*shape) if center else None
    layer = keras.layers.LayerNormalization(
        axis=axis, epsilon=0.01, center=center, scale=scale, dtype="float64"
    )
    weights = [w for w in (gamma, beta) if w is not None]
    got = ours(LayerNormalization(axes, 0.01, gamma, beta), X)
    close(got, keras_own(layer, X, weights=weights), 16 * X.size, 10)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_batch_normalization(axis: int, center: bool, scale: bool) -> None:
    size = X.shape[axis]
    gamma, beta = weight(size) if scale else None, weight(size) if center else None
    mean, variance = weight(size), weight(size, low=0.1)
    layer = keras.layers.BatchNormalization(
        axis=axis, epsilon=0.01, center=center, scale=scale, dtype="float64"
    )
    weights = [w for w in (gamma, beta, mean, variance) if w is not None]
    got = ours(BatchNormalization(axis, 0.01, gamma, beta, mean, variance), X)
    close(got, keras_own(layer, X, weights=weights), 32, 20)


MERGES = {
    "add": keras.layers.Add,
    "subtract": keras.layers.Subtract,
    "multiply": keras.layers.Multiply,
    "average": keras.layers.Average,
    "maximum": keras.layers.Maximum,
    "minimum": keras.layers.Minimum,
}


@pytest.mark.parametrize("kind", sorted(MERGES))
def test_merges(kind: Any) -> None:
    inputs = (X, Y) if kind == "subtract" else (X, Y, Z)
    close(ours(Merge(kind), *inputs), keras_own(MERGES[kind](dtype="float64"), *inputs), 4, 30)


def test_merge_stretches_axes_of_size_one_as_keras() -> None:
    narrow = X[:, :1]
    close(
        ours(Merge("add"), narrow, Y), keras_own(keras.layers.Add(dtype="float64"), narrow, Y), 2, 6
    )


def test_masking_is_a_value_mask_and_zeros() -> None:
    x = X.copy()
    # TensorFlow makes a float32 of every Python number, whatever it computes in.
    x[0, 2] = x[2] = x[1, 4, 1:] = np.float32(0.1)
    x[0, 3] = 0.1
    layer = keras.layers.Masking(0.1, dtype="float64")
    mask = ours(ValueMask(0.1), x)
    np.testing.assert_array_equal(mask, keras.ops.convert_to_numpy(layer.compute_mask(x)))
    assert not mask[0, 2]
    assert mask[0, 3]
    assert mask[1].all()
    np.testing.assert_array_equal(ours(ApplyMask(), x, mask), keras_own(layer, x))


def test_masked_value_is_compared_in_the_dtype_of_the_layer() -> None:
    x = np.full((1, 1, 2), 0.1, np.float32)
    want = keras.layers.Masking(0.1).compute_mask(keras.ops.convert_to_tensor(x))
    got = ours(ValueMask(0.1), x.astype(np.float64), dtype="float32")
    np.testing.assert_array_equal(got, keras.ops.convert_to_numpy(want))
    assert not got.any()


def test_nan_under_a_mask_becomes_zero() -> None:
    x = np.where(MASK[..., None], X, np.nan)
    assert not np.isnan(ours(ApplyMask(), x, MASK)).any()


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_token_mask_is_that_of_embedding(dtype: str) -> None:
    x = np.array([[1, 0, 2, 0], [0, 0, 0, 0.5]]).astype(dtype)
    layer = keras.layers.Embedding(3, 2, mask_zero=True)
    want = keras.ops.convert_to_numpy(layer.compute_mask(keras.ops.convert_to_tensor(x)))
    np.testing.assert_array_equal(ours(TokenMask(), x), want)


def test_masks_combine() -> None:
    a, b = MASK, MASK[:, ::-1]
    np.testing.assert_array_equal(ours(CombineMasks("and"), a, b), a & b)
    np.testing.assert_array_equal(ours(CombineMasks("or"), a, b), a | b)


@pytest.mark.parametrize("target", [(FEATURES, TIME), (-1,), (-1, FEATURES), (7, -1, 5)])
@pytest.mark.parametrize("batch", [BATCH, 0])
def test_reshape(target: tuple[int, ...], batch: int) -> None:
    layer = keras.layers.Reshape(target, dtype="float64")
    np.testing.assert_array_equal(ours(Reshape(target), X[:batch]), keras_own(layer, X[:batch]))


def test_flatten_is_a_reshape() -> None:
    layer = keras.layers.Flatten(dtype="float64")
    np.testing.assert_array_equal(ours(Reshape((-1,)), X), keras_own(layer, X))


def test_permute() -> None:
    layer = keras.layers.Permute((2, 1), dtype="float64")
    np.testing.assert_array_equal(ours(Permute((2, 1)), X), keras_own(layer, X))


def test_repeat() -> None:
    layer = keras.layers.RepeatVector(4, dtype="float64")
    np.testing.assert_array_equal(ours(Repeat(4), X[:, 0]), keras_own(layer, X[:, 0]))


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_concatenate(axis: int) -> None:
    layer = keras.layers.Concatenate(axis=axis, dtype="float64")
    np.testing.assert_array_equal(ours(Concatenate(axis), X, Y, Z), keras_own(layer, X, Y, Z))


@pytest.mark.parametrize("values", [X, MASK], ids=["values", "mask"])
def test_flip_expand_and_concatenate_keep_the_dtype(values: np.ndarray) -> None:
    np.testing.assert_array_equal(ours(Flip(1), values), values[:, ::-1], strict=True)
    np.testing.assert_array_equal(ours(ExpandDims(-1), values), values[..., None], strict=True)
    want = np.concatenate([values, values], axis=1)
    np.testing.assert_array_equal(ours(Concatenate(1), values, values), want, strict=True)


@pytest.mark.parametrize("keepdims", [True, False])
def test_pooling_over_time(keepdims: bool) -> None:
    average = keras.layers.GlobalAveragePooling1D(keepdims=keepdims, dtype="float64")
    highest = keras.layers.GlobalMaxPooling1D(keepdims=keepdims, dtype="float64")
    close(ours(Pool("average", keepdims), X), keras_own(average, X), 2 * TIME, 3)
    close(ours(Pool("max", keepdims), X), keras_own(highest, X), 0)


@pytest.mark.parametrize("keepdims", [True, False])
def test_average_heeds_the_mask_and_is_nan_without_a_valid_step(keepdims: bool) -> None:
    layer = keras.layers.GlobalAveragePooling1D(keepdims=keepdims, dtype="float64")
    want = keras_own(layer, X, mask=keras.ops.convert_to_tensor(MASK))
    got = ours(Pool("average", keepdims), X, mask=MASK)
    close(got, want, 2 * TIME, 3)
    assert np.isnan(got[2]).all()


def test_average_of_no_steps_is_nan_as_in_keras() -> None:
    want = keras_own(keras.layers.GlobalAveragePooling1D(dtype="float64"), X[:, :0])
    np.testing.assert_array_equal(ours(Pool("average"), X[:, :0]), want)


def test_maximum_of_no_steps_is_refused_by_keras_and_minus_infinity_here() -> None:
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="Cannot compute the max of an empty tensor"
    ):
        keras_own(keras.layers.GlobalMaxPooling1D(dtype="float64"), X[:, :0])
    assert np.isneginf(ours(Pool("max"), X[:, :0])).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_cast_rounds_and_stays_in_the_working_dtype(dtype: str) -> None:
    want = keras.ops.cast(keras.ops.cast(keras.ops.convert_to_tensor(X), dtype), "float64")
    got = ours(Cast(), X, dtype=dtype)
    np.testing.assert_array_equal(got, keras.ops.convert_to_numpy(want), strict=True)
    assert (got != X).any()


def test_cast_to_an_integer_truncates() -> None:
    got = ours(Cast(), np.array([[-1.7, 1.7]]), dtype="int32")
    np.testing.assert_array_equal(got, np.array([[-1, 1]], np.int32), strict=True)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_weights_are_rounded_to_the_dtype_that_the_call_computes_in(dtype: str) -> None:
    kernel = weight(FEATURES, 4)
    want = keras.ops.cast(keras.ops.convert_to_tensor(kernel.read()), dtype)
    want = keras.ops.convert_to_numpy(keras.ops.cast(want, "float64"))
    got = ours(Dense(kernel, None, activation("linear")), np.eye(FEATURES), dtype=dtype)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_normalizations_use_weights_that_are_not_rounded(policy: str) -> None:
    gamma, beta, mean, variance = (weight(FEATURES, low=0.1, dtype="float32") for _ in range(4))
    compute = policy.removeprefix("mixed_")
    # Halves of small integers: exact in either dtype, so that only weights could differ.
    x = np.round(2 * X) / 2
    unit = 2.0 ** (-11 if compute == "float16" else -8)

    def rounded(values: np.ndarray) -> np.ndarray:
        return ours(Cast(), values, dtype=compute)

    fed = keras.ops.cast(keras.ops.convert_to_tensor(x), compute)
    batch = keras.layers.BatchNormalization(dtype=policy)
    layer = keras.layers.LayerNormalization(dtype=policy)
    cases: list[tuple[Any, Op, list[ArrayWeight]]] = [
        (
            batch,
            BatchNormalization(-1, 0.001, gamma, beta, mean, variance),
            [gamma, beta, mean, variance],
        ),
        (layer, LayerNormalization((-1,), 0.001, gamma, beta), [gamma, beta]),
    ]
    for made, op, weights in cases:
        made.build(x.shape)
        made.set_weights([w.read() for w in weights])
        want = keras.ops.convert_to_numpy(keras.ops.cast(made(fed), "float64"))
        got = ours(op, x, dtype=compute)
        # Computed in float32, rounded once; at a tie the two may round apart by one unit.
        assert np.mean(rounded(got) == want) > 0.9
        assert np.abs(got - want).max() <= 1.5 * unit * np.abs(want).max()


OPS_OF_ONE_INPUT: list[tuple[Op, bool]] = [
    (Activate(activation("softmax")), False),
    (Dense(weight(FEATURES, 4), weight(4), activation("tanh")), False),
    (Flip(1), False),
    (ExpandDims(1), False),
    (Permute((2, 1)), False),
    (Pool("average"), True),
    (Pool("max"), False),
    (ValueMask(0.0), False),
    (LayerNormalization((-1,), 0.1, weight(FEATURES), None), False),
]


@pytest.mark.parametrize(("op", "masked"), OPS_OF_ONE_INPUT, ids=lambda case: type(case).__name__)
def test_no_rows_give_no_rows(op: Op, masked: bool) -> None:
    mask = MASK[:0] if masked else None
    assert ours(op, X[:0], mask=mask).shape[0] == 0
