"""Every layer that is read, next to masks of every kind, computes what Keras computes on TensorFlow."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from rnn_export.network.ops import Recurrent
from rnn_export.readers import read
from rnn_export.readers.layers.table import LAYERS
from tests.property.keras_comparing import layer_kinds, quietly
from tests.unit.readers.cases import MODELS
from tests.unit.readers.models import L, agrees


@pytest.mark.parametrize("name", MODELS)
def test_what_is_read_computes_what_keras_computes(name: str, tmp_path: Path) -> None:
    agrees(quietly(MODELS[name]), tmp_path)


@pytest.mark.parametrize("name", ["rnn-plain", "rnn-backwards", "both-concat-False", "stack"])
def test_one_step_is_enough(name: str, tmp_path: Path) -> None:
    agrees(quietly(MODELS[name]), tmp_path, time=1)


def test_a_list_of_cells_is_a_stack(tmp_path: Path) -> None:
    x = keras.Input((None, 5), name="x")
    cells = [L.SimpleRNNCell(6, name="low"), L.SimpleRNNCell(4, name="high")]
    made = keras.Model(x, L.RNN(cells, name="rnn")(x))
    made.save(tmp_path / "model.keras")
    network = read(tmp_path / "model.keras")
    assert network.digest == read(made).digest
    (call,) = network.recurrent()
    assert isinstance(call.op, Recurrent)
    assert [(cell.name, cell.units) for cell in call.op.cells] == [("low", 6), ("high", 4)]


def test_every_layer_of_the_table_is_compared() -> None:
    compared = {kind for make in MODELS.values() for kind in layer_kinds(quietly(make))}
    # Keras 3 has no ThresholdedReLU; the files of Keras 2 are compared in test_keras2. Softmax as a layer heeds a
    # mask that only fits where its input has the mask's own shape.
    assert set(LAYERS) - compared <= {
        "ThresholdedReLU",
        "Softmax",
        "SpatialDropout2D",
        "SpatialDropout3D",
    }
