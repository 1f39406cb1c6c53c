"""Every feature of SimpleRNN that peers' tests and users' reports name: the file computes what Keras computes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_export.readers import read
from rnn_export.runtimes import Connection, connect
from rnn_export.verifier import InputSet
from tests.contract.feature_models import BATCH, FEATURES_OF_RNN, TIME, fed
from tests.property.judged_models import states_and, trials
from tests.property.keras_comparing import quietly

# Activations, dtypes and the layers around are tried by the random models, and by scripts/feature_table.py.
TRIED = [
    name
    for name, feature in FEATURES_OF_RNN.items()
    if feature.group in ("layer", "direction", "mask", "state", "cells")
]


@pytest.fixture(scope="module")
def onnxruntime() -> Iterator[Connection]:
    with connect("onnxruntime:cpu") as connection:
        yield connection


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIED)
def test_a_feature_is_what_keras_computes(
    name: str, onnxruntime: Connection, tmp_path: Path
) -> None:
    model = quietly(FEATURES_OF_RNN[name].make)
    model.save(tmp_path / "model.keras")
    network = read(tmp_path / "model.keras")
    given = states_and(network, model, fed(model, name), 3)
    inputs = InputSet("drawn", given, BATCH, TIME, 3, 1.0)
    found = list(trials(network, model, inputs, tmp_path, onnxruntime, ("rnn",)))
    assert [item.word for item in found] == ["PASS", "PASS"], found
