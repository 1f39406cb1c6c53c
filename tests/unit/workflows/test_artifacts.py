"""The committed artifacts are what their own Keras files export to, byte for byte, and whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnn_export import presets, store
from rnn_export.builders.reference import run
from rnn_export.exporters import export
from rnn_export.readers import read
from rnn_export.workflows import examples

ARTIFACTS = Path(__file__).resolve().parents[3] / "artifacts"
COMMITTED = ("manifest.json", "model.keras", "rnn.onnx", "test_data_set_0")
NAMES = presets.names()


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_what_the_manifest_says(name: str) -> None:
    checked = store.check_folder(ARTIFACTS / name)
    checked.raise_for_damage()
    assert {file.state for file in checked.files} == {"same"}


@pytest.mark.parametrize("name", NAMES)
def test_the_keras_file_reads_as_the_preset_and_the_manifest_names_it(name: str) -> None:
    network = read(ARTIFACTS / name / "model.keras")
    assert network.digest == presets.network(name).digest
    assert network.digest == store.read_manifest(ARTIFACTS / name).network


@pytest.mark.parametrize("name", NAMES)
def test_the_onnx_file_comes_out_of_the_keras_file_byte_for_byte(name: str) -> None:
    exported = export(read(ARTIFACTS / name / "model.keras"))
    data = exported.model.SerializeToString(deterministic=True)
    assert data == (ARTIFACTS / name / "rnn.onnx").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_test_data_are_the_example_and_the_float64_reference_rounded(name: str) -> None:
    preset, network = presets.PRESETS[name], presets.network(name)
    folder = ARTIFACTS / name / "test_data_set_0"
    feeds = dict(store.read_tensor(path) for path in sorted(folder.glob("input_*.pb")))
    expected = examples.example(network, preset.batch, preset.time)
    assert feeds.keys() == expected.keys()
    for port, values in expected.items():
        np.testing.assert_array_equal(feeds[port], values, strict=True)
    exact = run(network, feeds, np.float64)
    for number, port_out in enumerate(network.outputs):
        path = folder / f"output_{number}.pb"
        name_out, stored = store.read_tensor(path)
        assert name_out == port_out.name
        values = exact[port_out.name]
        rounded = values.astype(stored.dtype)
        # Sums in another order may cross the middle of two float32 values; no more than that.
        error = examples.UNIT * examples.roundings(network, preset.time)
        nearest = np.abs(rounded.astype(np.float64) - values)
        off = np.abs(stored.astype(np.float64) - values)
        assert np.all(off <= nearest + 2 * error * np.maximum(1.0, np.abs(values)))


def test_there_is_one_for_each_preset_and_no_other() -> None:
    assert {path.parent.name for path in ARTIFACTS.glob("*/manifest.json")} == set(NAMES)


def test_together_they_are_under_12_megabytes() -> None:
    files = [path for name in NAMES for path in (ARTIFACTS / name).rglob("*") if path.is_file()]
    committed = [
        path for path in files if path.suffix not in (".html",) and "report" not in path.name
    ]
    assert {path.relative_to(ARTIFACTS).parts[1] for path in committed} == set(COMMITTED)
    assert sum(path.stat().st_size for path in committed) < 12e6
