"""Models that Keras 2 saved are read with the meaning they had in Keras 2 (fixtures: keras2/making.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnn_export.builders.reference import trace
from rnn_export.network import Network, activation
from rnn_export.network.ops import Recurrent
from rnn_export.readers import read
from tests.property.keras_comparing import bound

FOLDER = Path(__file__).parent / "keras2"
NAMES = sorted(path.stem for path in FOLDER.glob("*.npz"))


def source(name: str) -> Path:
    return next(
        FOLDER / f"{name}.{end}"
        for end in ("h5", "keras", "json")
        if (FOLDER / f"{name}.{end}").exists()
    )


def agree(network: Network, arrays: np.lib.npyio.NpzFile) -> None:
    """Assert that the network gives the outputs that Keras 2 gave."""
    given = {port.name: arrays[f"input_{index}"] for index, port in enumerate(network.inputs)}
    values = trace(network, given, np.float64)
    allowed = bound(network, values)
    assert f"output_{len(network.outputs)}" not in arrays
    for index, port in enumerate(network.outputs):
        want = arrays[f"output_{index}"]
        got = values[port.tensor]
        assert got.shape == want.shape
        assert np.abs(got - want).max() <= allowed


@pytest.mark.parametrize("name", NAMES)
def test_a_keras_2_model_computes_what_it_did_in_keras_2(name: str) -> None:
    with np.load(FOLDER / f"{name}.npz") as arrays:
        agree(read(source(name)), arrays)


def test_hard_sigmoid_has_the_slope_of_keras_2() -> None:
    second = read(source("masked_stack")).recurrent()[-1].op
    assert isinstance(second, Recurrent)
    assert second.cells[0].activation == activation("hard_sigmoid", slope=0.2, offset=0.5)


def test_a_model_built_by_being_called_takes_any_batch_and_length() -> None:
    network = read(source("called"))
    assert network.spec(network.inputs[0].tensor).shape == ("batch", "time")


def test_an_unrolled_model_keeps_its_length() -> None:
    network = read(source("fixed"))
    assert network.spec(network.inputs[0].tensor).shape == ("batch", 7, 5)


def test_names_are_those_of_keras_2() -> None:
    network = read(source("stack"))
    assert [port.name for port in network.outputs] == ["rnn", "rnn_1", "rnn_2"]
    assert [call.path for call in network.calls] == ["rnn#0"]


def test_time_comes_first_where_keras_2_had_it_so() -> None:
    network = read(source("time_major"))
    shapes = [network.spec(port.tensor).shape for port in (*network.inputs, *network.outputs)]
    assert shapes == [
        ("time", "batch", 5),
        ("batch", 4),
        ("time", "batch", 4),
        ("batch", 4),
        ("batch", 3),
    ]
