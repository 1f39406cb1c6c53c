"""The founding notebooks' own loops, on the presets' weights: the same numbers as the reference and as Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_export import presets
from rnn_export.builders import keras_model
from rnn_export.builders.reference import run, trace
from rnn_export.network import Network
from rnn_export.network.ops import Cell, Recurrent
from tests.bounds import U32, U64, Loop, Weights, last_bound, step_bound


def cells(network: Network) -> list[Cell]:
    return [
        cell for call in network.calls if isinstance(call.op, Recurrent) for cell in call.op.cells
    ]


def weights(cell: Cell) -> Weights:
    """Return kernel, recurrent kernel and bias in float64."""
    assert cell.bias is not None
    w, r, b = (
        weight.read().astype(np.float64)
        for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    return w, r, b


def assert_steps(x: np.ndarray, states: np.ndarray, cell: Cell, h0: np.ndarray, u: float) -> None:
    """Every step follows from the one before it within its rounding. x (time, batch, ...), states likewise."""
    w, r, b = weights(cell)
    before = np.concatenate([h0[None], states[:-1]]).astype(np.float64)
    for x_t, h, y in zip(x.astype(np.float64), before, states.astype(np.float64), strict=True):
        defect = np.abs(y - np.tanh(x_t @ w + h @ r + b))
        # What computes the expected value rounds too, in float64.
        bound = step_bound(x_t, h, (w, r, b), u) + step_bound(x_t, h, (w, r, b), U64)
        assert (defect <= bound).all()


def assert_end(loops: Sequence[Loop], end: np.ndarray, u: float) -> None:
    """Another evaluation from zeros ends where the loops do: surely in float64, in all likelihood in float32."""
    bound = last_bound(loops, u, "worst" if u == U64 else "likely")
    assert (np.abs(loops[-1].states[-1] - end) <= bound).all()


def loop_of(x: np.ndarray, states: np.ndarray, cell: Cell) -> Loop:
    return Loop(x.astype(np.float64), states.astype(np.float64), weights(cell))


def layer_output(network: Network, feeds: dict[str, np.ndarray]) -> np.ndarray:
    return next(iter(run(network, feeds, np.float64).values()))


# Notebook 0 -----------------------------------------------------------------------------------


def test_notebook_0_numpy_loop() -> None:
    network = presets.network("numpy-loop")
    (cell,) = cells(network)
    timesteps, input_features, output_features = 100, 32, 64
    inputs = np.random.default_rng(0).random((timesteps, input_features)).astype(np.float32)
    kernel, recurrent, b = weights(cell)
    W, U = kernel.T, recurrent.T  # noqa: N806  # the notebook's names and layout

    state_t = np.zeros((output_features,))
    successive_outputs = []
    for input_t in inputs.astype(np.float64):
        output_t = np.tanh(np.dot(W, input_t) + np.dot(U, state_t) + b)
        successive_outputs.append(output_t)
        state_t = output_t
    final_output_sequence = np.stack(successive_outputs, axis=0)

    assert final_output_sequence.shape == (100, 64)
    loop = final_output_sequence[:, None]
    x = inputs[:, None]
    feeds = {"inputs": inputs[None]}
    wide = layer_output(network, feeds)[0][:, None]
    narrow = run(network, feeds)["simple_rnn"][0][:, None]
    live = keras_model(network).predict(inputs[None], verbose=0)[0][:, None]
    nothing = np.zeros((1, output_features))
    for states, u in ((loop, U64), (wide, U64), (narrow, U32), (live, U32)):
        assert_steps(x, states, cell, nothing, u)
        assert_end([loop_of(x, loop, cell)], states[-1], u)


def test_notebook_0_weights_from_zero_to_one_would_saturate_every_unit() -> None:
    rng = np.random.default_rng(0)
    w, u, b = rng.random((64, 32)), rng.random((64, 64)), rng.random(64)
    state = np.zeros(64)
    slopes = []
    for input_t in rng.random((100, 32)):
        state = np.tanh(np.dot(w, input_t) + np.dot(u, state) + b)
        slopes.append((1 - state**2).max())
    # From the second step on, a change of U by 1e-4 moves no state by even one float32 rounding.
    assert max(slopes[1:]) * 64 * 1e-4 < U32


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("embedding-last", 326_208), ("embedding-sequences", 322_080), ("embedding-stack4", 328_320)],
)
def test_notebook_0_embedding_models_layer_by_layer(name: str, parameters: int) -> None:
    network = presets.network(name)
    assert network.parameters == parameters
    model = keras_model(network)
    assert model.count_params() == parameters
    tokens = np.random.default_rng(1).integers(0, 10_000, size=(4, 20)).astype(np.int32)
    values = trace(network, {"tokens": tokens}, np.float64)
    embedding, *layers = network.calls
    x = values[embedding.outputs[0]]
    shown = keras.Model(model.inputs, [layer.output for layer in model.layers])
    live = [np.asarray(made) for made in shown({"tokens": tokens})]
    np.testing.assert_array_equal(live[0], x)
    for call, below, made in zip(layers, live, live[1:], strict=False):
        (cell,) = call.op.cells  # type: ignore[attr-defined]
        if made.ndim == 2:
            np.testing.assert_array_equal(made.shape, (4, cell.units))
            continue
        time_first = np.swapaxes(below, 0, 1), np.swapaxes(made, 0, 1)
        assert_steps(*time_first, cell, np.zeros((4, cell.units)), U32)
    # The whole stack, layer by layer in float64.
    loops, below = [], x
    for cell in cells(network):
        states = reference_states(below, cell)
        loops.append(loop_of(np.swapaxes(below, 0, 1), states, cell))
        below = np.swapaxes(states, 0, 1)
    assert_end(loops, live[-1] if live[-1].ndim == 2 else live[-1][:, -1], U32)
    assert_end(
        loops, layer_output(network, {"tokens": tokens}).reshape(4, -1, cell.units)[:, -1], U64
    )


# Notebooks 1 and 2 ----------------------------------------------------------------------------


def keras_cell(cell: Cell) -> Any:
    made = keras.layers.SimpleRNNCell(cell.units)
    made.build((None, cell.features))
    made.set_weights([cell.kernel.read(), cell.recurrent_kernel.read(), cell.bias.read()])  # type: ignore[union-attr]
    return made


def sentences() -> np.ndarray:
    """4 sentences of 80 words of 100 numbers."""
    return np.random.default_rng(2).normal(size=(4, 80, 100)).astype(np.float32)


def stacked(values: Sequence[Any]) -> np.ndarray:
    return np.stack([np.asarray(value) for value in values])


def test_notebook_1_cell_of_3_units_on_4_features() -> None:
    (cell,) = cells(presets.network("cell"))
    made = keras_cell(cell)
    shapes = [tuple(variable.shape) for variable in made.trainable_variables]
    assert shapes == [(4, 3), (3, 3), (3,)]


@pytest.mark.parametrize("name", ["cell", "cell-step"])
def test_notebook_1_one_step_of_a_cell(name: str) -> None:
    network = presets.network(name)
    (cell,) = cells(network)
    rng = np.random.default_rng(3)
    xt0 = rng.normal(size=(4, cell.features)).astype(np.float32)
    h0 = rng.uniform(-0.9, 0.9, size=(4, cell.units)).astype(np.float32)

    out, xt1 = keras_cell(cell)(xt0, [tf.constant(h0)])

    assert out is xt1[0]  # as the notebook notes: output and state are one tensor
    made = run(network, {"x": xt0[:, None], "h0": h0}, np.float64)
    np.testing.assert_array_equal(made["rnn"], made["rnn_1"])
    for y, u in ((np.asarray(out), U32), (made["rnn"], U64)):
        assert_steps(xt0[None], y[None], cell, h0, u)


def test_notebook_2_cell_loop() -> None:
    network = presets.network("cell-loop")
    (described,) = cells(network)
    cell = keras_cell(described)
    x = sentences()

    h = [tf.zeros([4, 64])]
    outs = []
    for xt in tf.unstack(x, axis=1):
        out, h = cell(xt, h)
        outs.append(out)

    loop = stacked(outs)
    time_first = np.swapaxes(x, 0, 1)
    assert_steps(time_first, loop, described, np.zeros((4, 64)), U32)
    loops = [loop_of(time_first, loop, described)]
    assert_end(loops, layer_output(network, {"x": x}), U32)
    assert_end(loops, keras_model(network).predict(x, verbose=0), U32)


def by_time(cell0: Any, cell1: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    h0, h1 = [tf.zeros([4, 64])], [tf.zeros([4, 64])]
    outs0, outs1 = [], []
    for xt in tf.unstack(x, axis=1):
        out0, h0 = cell0(xt, h0)
        out1, h1 = cell1(out0, h1)
        outs0.append(out0)
        outs1.append(out1)
    return stacked(outs0), stacked(outs1)


def by_layer(cell0: Any, cell1: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    h0, h1 = [tf.zeros([4, 64])], [tf.zeros([4, 64])]
    middle_sequences = []
    for xt in tf.unstack(x, axis=1):
        out0, h0 = cell0(xt, h0)
        middle_sequences.append(out0)
    outs1 = []
    for xt in middle_sequences:
        out1, h1 = cell1(xt, h1)
        outs1.append(out1)
    return stacked(middle_sequences), stacked(outs1)


def test_notebook_2_two_cells_by_time_equal_two_cells_by_layer() -> None:
    x = sentences()
    one, two = presets.network("cell-stack2-by-time"), presets.network("cell-stack2-by-layer")
    described = cells(one)
    for a, b in zip(described, cells(two), strict=True):
        assert (a.kernel.digest, a.recurrent_kernel.digest) == (
            b.kernel.digest,
            b.recurrent_kernel.digest,
        )
    cell0, cell1 = (keras_cell(cell) for cell in described)
    middle, outs = by_time(cell0, cell1, x)
    # In Keras, eagerly: the same operations on the same numbers, so the same bits.
    for ours, theirs in zip((middle, outs), by_layer(cell0, cell1, x), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    time_first = np.swapaxes(x, 0, 1)
    nothing = np.zeros((4, 64))
    assert_steps(time_first, middle, described[0], nothing, U32)
    assert_steps(middle, outs, described[1], nothing, U32)

    # The reference by time, by layer, and by hand; then Keras' RNN([cell, cell]) and RNN(cell), RNN(cell).
    first = reference_states(x, described[0])
    second = reference_states(np.swapaxes(first, 0, 1), described[1])
    loops = [loop_of(time_first, first, described[0]), loop_of(first, second, described[1])]
    for network in (one, two):
        assert_end(loops, layer_output(network, {"x": x}), U64)
        assert_end(loops, keras_model(network).predict(x, verbose=0), U32)


def reference_states(sequence: np.ndarray, cell: Cell) -> np.ndarray:
    """Return the states (time, batch, units) of a cell over (batch, time, features), in float64."""
    w, r, b = weights(cell)
    h, made = np.zeros((len(sequence), cell.units)), []
    for x_t in np.swapaxes(sequence.astype(np.float64), 0, 1):
        h = np.tanh(x_t @ w + h @ r + b)
        made.append(h)
    return np.stack(made)


def test_notebook_1_dropout_and_unrolling_change_nothing_at_inference() -> None:
    network = presets.network("dropout-unrolled-stack")
    first, second = cells(network)
    model = keras_model(network)
    assert [(layer.dropout, layer.unroll) for layer in model.layers] == [(0.5, True)] * 2
    x = sentences()
    y = model.predict(x, verbose=0)
    assert y.shape == (4, 64)
    middle = reference_states(x, first)
    states = reference_states(np.swapaxes(middle, 0, 1), second)
    loops = [loop_of(np.swapaxes(x, 0, 1), middle, first), loop_of(middle, states, second)]
    assert_end(loops, y, U32)


# Notebooks 3 and 4 ----------------------------------------------------------------------------


def test_notebook_3_last_output_and_sequence_with_state() -> None:
    inputs = np.random.default_rng(4).random((4, 4, 8)).astype(np.float32)
    output = keras_model(presets.network("last-output")).predict(inputs, verbose=0)
    assert output.shape == (4, 4)
    whole, final = keras_model(presets.network("sequence-and-state")).predict(inputs, verbose=0)
    assert whole.shape == (4, 4, 4)
    np.testing.assert_array_equal(whole[:, -1], final)
    (cell,) = cells(presets.network("sequence-and-state"))
    time_first = np.swapaxes(inputs, 0, 1)
    assert_steps(time_first, np.swapaxes(whole, 0, 1), cell, np.zeros((4, 4)), U32)


def test_notebook_4_manual_calculation() -> None:
    network = presets.network("sequence-and-state-manual")
    (cell,) = cells(network)
    inputs = np.random.default_rng(5).random(size=(32, 28, 32)).astype(np.float32)
    model = keras_model(network)
    sequences, state = model.predict(inputs, verbose=0)
    assert (sequences.shape, state.shape) == ((32, 28, 16), (32, 16))
    np.testing.assert_array_equal(sequences[:, -1], state)

    U, W, V = (variable.numpy() for variable in model.layers[-1].variables[:3])  # noqa: N806
    result: list[np.ndarray] = []
    for i in range(28):
        # The notebook leaves out V, its zero bias; the preset's is not zero.
        if i == 0:
            result.append(tf.nn.tanh(inputs[:, 0].dot(U) + V).numpy())
        else:
            result.append(tf.nn.tanh(inputs[:, i].dot(U) + result[i - 1].dot(W) + V).numpy())
    manual = np.transpose(np.asarray(result), axes=[1, 0, 2])

    assert manual.shape == (32, 28, 16)
    x = np.swapaxes(inputs, 0, 1)
    wide = np.swapaxes(layer_output(network, {"inputs": inputs}), 0, 1)
    nothing = np.zeros((32, 16))
    for made in (manual, sequences):
        assert_steps(x, np.swapaxes(made, 0, 1), cell, nothing, U32)
        assert_end([loop_of(x, wide, cell)], made[:, -1], U32)


def test_notebook_4_as_written_without_the_bias_is_another_model() -> None:
    network = presets.network("sequence-and-state-manual")
    (cell,) = cells(network)
    inputs = np.random.default_rng(5).random(size=(32, 28, 32)).astype(np.float32)
    w, r, _ = weights(cell)
    result = [np.tanh(inputs[:, 0] @ w)]
    for i in range(1, 28):
        result.append(np.tanh(inputs[:, i] @ w + result[-1] @ r))
    wide = np.swapaxes(layer_output(network, {"inputs": inputs}), 0, 1)
    loops = [loop_of(np.swapaxes(inputs, 0, 1), wide, cell)]
    assert (np.abs(result[-1] - wide[-1]) > 100 * last_bound(loops, U32, "worst")).any(axis=1).all()
