"""The founding models: their names, shapes and parameter counts, and weights that leave nothing to accident."""

from __future__ import annotations

import inspect
import subprocess
import sys

import keras
import numpy as np
import pytest

from rnn_export import presets
from rnn_export.builders.reference import trace
from rnn_export.errors import NetworkError
from rnn_export.network import Network
from rnn_export.network.ops import Recurrent

# Name: (notebook, batch, time, parameters, shapes of the outputs).
EXPECTED = {
    "numpy-loop": (0, 1, 100, 6_208, [(1, 100, 64)]),
    "embedding-last": (0, 4, 20, 326_208, [(4, 64)]),
    "embedding-sequences": (0, 4, 20, 322_080, [(4, 20, 32)]),
    "embedding-stack4": (0, 4, 20, 328_320, [(4, 32)]),
    "cell": (1, 2, 1, 24, [(2, 3), (2, 3)]),
    "cell-step": (1, 4, 1, 10_560, [(4, 64), (4, 64)]),
    "cell-loop": (2, 4, 80, 10_560, [(4, 64)]),
    "cell-stack2-by-time": (2, 4, 80, 18_816, [(4, 64)]),
    "cell-stack2-by-layer": (2, 4, 80, 18_816, [(4, 64)]),
    "dropout-unrolled-stack": (1, 4, 80, 18_816, [(4, 64)]),
    "last-output": (3, 4, 4, 52, [(4, 4)]),
    "sequence-and-state": (3, 4, 4, 52, [(4, 4, 4), (4, 4)]),
    "sequence-and-state-manual": (4, 32, 28, 784, [(32, 28, 16), (32, 16)]),
    "every-option": (3, 4, 6, 65, [(4, 6, 5), (4, 5)]),
}
NAMES = presets.names()


def feeds(name: str, network: Network, seed: int = 0) -> dict[str, np.ndarray]:
    preset, rng, made = presets.PRESETS[name], np.random.default_rng(seed), {}
    for port in network.inputs:
        spec = network.spec(port.tensor)
        sizes = {"batch": preset.batch, "time": preset.time}
        shape = [size if isinstance(size, int) else sizes[size] for size in spec.shape]
        tokens = spec.dtype == "int32"
        made[port.name] = rng.integers(0, 10_000, shape) if tokens else rng.uniform(-1, 1, shape)
    return made


def recurrences(network: Network) -> list[Recurrent]:
    return [call.op for call in network.calls if isinstance(call.op, Recurrent)]


def test_every_founding_model_is_there() -> None:
    assert list(EXPECTED) == sorted(NAMES, key=list(EXPECTED).index)
    assert set(NAMES) == set(EXPECTED)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_parameters_are_the_notebooks(name: str) -> None:
    preset, network = presets.PRESETS[name], presets.network(name)
    notebook, batch, time, parameters, shapes = EXPECTED[name]
    assert (preset.name, preset.notebook, preset.batch, preset.time) == (
        name,
        notebook,
        batch,
        time,
    )
    assert preset.parameters == network.parameters == parameters
    values = trace(network, feeds(name, network))
    assert [values[port.tensor].shape for port in network.outputs] == shapes
    assert preset.about


def test_embedding_presets_hold_the_layer_that_the_notebook_counts_alone() -> None:
    (op,) = recurrences(presets.network("embedding-last"))
    (cell,) = op.cells
    assert cell.bias is not None
    sizes = [np.prod(weight.shape) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)]
    assert sizes == [32 * 64, 64 * 64, 64]
    assert sum(sizes) == 6_208


def test_the_cell_of_3_units_has_the_notebooks_shapes() -> None:
    (op,) = recurrences(presets.network("cell"))
    (cell,) = op.cells
    assert cell.bias is not None
    assert cell.kernel.shape == (4, 3)
    assert cell.recurrent_kernel.shape == (3, 3)
    assert cell.bias.shape == (3,)


@pytest.mark.parametrize("name", NAMES)
def test_no_weight_is_zero(name: str) -> None:
    for path, weight in presets.network(name).weights():
        assert (weight.read() != 0).all(), path


@pytest.mark.parametrize("name", [name for name in NAMES if name != "every-option"])
def test_every_bias_is_there_and_of_some_size(name: str) -> None:
    for op in recurrences(presets.network(name)):
        for cell in op.cells:
            assert cell.bias is not None
            size = np.abs(cell.bias.read())
            assert size.min() >= np.float32(0.05)
            assert size.max() <= 0.25


@pytest.mark.parametrize("name", [name for name in NAMES if name != "every-option"])
def test_no_unit_saturates(name: str) -> None:
    network = presets.network(name)
    for seed in range(3):
        values = trace(network, feeds(name, network, seed), np.float64)
        for call in network.calls:
            if isinstance(call.op, Recurrent):
                for tensor in call.outputs:
                    slope = 1 - values[tensor].reshape(-1, values[tensor].shape[-1]) ** 2
                    # Every unit somewhere passes on a quarter of what changes in it, and all of them always a bit.
                    assert slope.max(axis=0).min() > 0.25
                    assert slope.min() > 1e-4


def test_states_of_the_numpy_loop_stay_below_99_hundredths_on_the_notebooks_inputs() -> None:
    network = presets.network("numpy-loop")
    for seed in range(5):
        inputs = np.random.default_rng(seed).random((1, 100, 32))
        (states,) = (trace(network, {"inputs": inputs})[port.tensor] for port in network.outputs)
        assert np.abs(states).max() < 0.99


@pytest.mark.parametrize("name", NAMES)
def test_weights_have_the_same_bits_each_time(name: str) -> None:
    assert presets.network(name).digest == presets.network(name).digest


def test_weights_of_no_two_layers_are_equal() -> None:
    # The two cell stacks are one model in two orders.
    names = [name for name in NAMES if name != "cell-stack2-by-layer"]
    digests = [weight.digest for name in names for _, weight in presets.network(name).weights()]
    assert len(set(digests)) == len(digests)


def test_both_cell_stacks_hold_the_same_weights() -> None:
    one, two = (
        [weight.digest for _, weight in presets.network(f"cell-stack2-by-{order}").weights()]
        for order in ("time", "layer")
    )
    assert one == two


def test_every_option_is_away_from_its_default() -> None:
    weights = ("kernel", "recurrent", "bias")
    listed = [
        "units",
        "activation",
        "use_bias",
        "activity_regularizer",
        "dropout",
        "recurrent_dropout",
    ]
    listed += [f"{weight}_{what}" for weight in weights for what in ("initializer", "regularizer")]
    listed += ["return_sequences", "return_state"]
    assert len(listed) == 14
    (call,) = presets.network("every-option").calls
    assert isinstance(call.op, Recurrent)
    (cell,) = call.op.cells
    given = dict(call.hints) | {
        "units": cell.units,
        "activation": cell.activation.name,
        "use_bias": cell.bias is not None,
        "return_sequences": "sequence" in call.op.emits,
        "return_state": "state" in call.op.emits,
    }
    signature = inspect.signature(keras.layers.SimpleRNN).parameters
    for name in listed:
        default = signature[name].default
        assert given[name] != default, name
        assert given[name] is not None, name


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(NetworkError, match=r"preset 'numpy-lop'.*Did you mean 'numpy-loop'\?"):
        presets.network("numpy-lop")


def test_presets_need_numpy_alone() -> None:
    code = (
        "import sys; from rnn_export import presets; presets.network('cell-step');"
        "print(sorted({'keras', 'tensorflow', 'onnx', 'h5py', 'onnxruntime'} & set(sys.modules)))"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"
