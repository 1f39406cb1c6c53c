"""Weights stay in their file, survive pickling, and are what the file says in any byte order and packing."""

from __future__ import annotations

import io
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rnn_export.errors import ReadError
from rnn_export.network import ArrayWeight, Network, Weight
from rnn_export.network.weight import BLOCK_BYTES
from rnn_export.readers import read
from rnn_export.readers.stored_weight import StoredWeight
from tests.attacks.sound_keras import archive, data_changed, functional, hdf5, layer, tensor
from tests.attacks.sound_keras import called as node
from tests.attacks.sound_keras import given as entry

KERNEL = "layers/simple_rnn/cell/vars/0"


def write(data: bytes, folder: Path) -> Path:
    path = folder / "model.keras"
    path.write_bytes(data)
    return path


def kernel(network: Network) -> Weight:
    return dict(network.weights())["rnn/kernel"]


def sound_values() -> np.ndarray:
    with h5py.File(io.BytesIO(hdf5())) as file:
        return np.asarray(file[KERNEL])


def stored_otherwise(**options: Any) -> bytes:
    """Return an archive whose kernel has the same values, stored in another way."""

    def change(file: h5py.File) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, data=sound_values(), **options)

    return data_changed(change)


def test_weights_are_read_in_place(tmp_path: Path) -> None:
    found = kernel(read(write(archive(), tmp_path)))
    assert isinstance(found, StoredWeight)
    assert np.array_equal(found.read(), sound_values())
    assert found.read().flags.c_contiguous
    assert not found.read().flags.writeable


def test_a_weight_has_the_digest_of_its_values(tmp_path: Path) -> None:
    assert kernel(read(write(archive(), tmp_path))).digest == ArrayWeight(sound_values()).digest


def test_a_pickled_weight_is_a_place_and_no_values(tmp_path: Path) -> None:
    network = read(write(archive(), tmp_path))
    again = pickle.loads(pickle.dumps(network))
    assert again.digest == network.digest
    assert np.array_equal(kernel(again).read(), sound_values())
    assert len(pickle.dumps(kernel(network))) < 600


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (2, 4)},
        {"chunks": (2, 4), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"dtype": ">f4"},
        {"dtype": ">f4", "chunks": (5, 4)},
        {"dtype": "f8"},
    ],
    ids=str,
)
def test_another_packing_is_the_same_weight(options: dict[str, Any], tmp_path: Path) -> None:
    wanted = read(write(archive(), tmp_path)).digest
    assert read(write(stored_otherwise(**options), tmp_path)).digest == wanted


def test_a_compressed_archive_is_the_same_model(tmp_path: Path) -> None:
    wanted = read(write(archive(), tmp_path)).digest
    assert read(write(archive(compression=zipfile.ZIP_DEFLATED), tmp_path)).digest == wanted


@pytest.mark.parametrize("change", ["gone", "shorter", "touched"])
def test_a_file_that_changed_is_noticed(change: str, tmp_path: Path) -> None:
    path = write(archive(), tmp_path)
    found = kernel(read(path))
    if change == "gone":
        path.unlink()
    elif change == "shorter":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        os.utime(path, ns=(1, 1))
    with pytest.raises(ReadError, match="expected the file that was read before"):
        found.read()


def large(
    rows: int, folder: Path, change: Callable[[h5py.Dataset], object] = lambda table: None
) -> Path:
    """Write a model with a large Embedding."""
    e = layer("Embedding", "e", input_dim=rows, output_dim=64)
    config = functional(
        [entry(shape=(None, None), dtype="int32"), node(e, tensor("x"))], [["e", 0, 0]]
    )

    def weights(file: h5py.File) -> None:
        table = file.create_dataset(
            "layers/embedding/vars/0", (rows, 64), "f4", data=np.ones((rows, 64))
        )
        change(table)

    return write(archive(config, hdf5(weights)), folder)


def test_reading_a_large_model_needs_memory_for_a_few_blocks(tmp_path: Path) -> None:
    rows = 10 * BLOCK_BYTES // 256
    path = large(rows, tmp_path)
    tracemalloc.start()
    network = read(path)
    digest = network.digest
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * BLOCK_BYTES
    ((_, weight),) = network.weights()
    assert [len(block) for block in weight.blocks()] == [BLOCK_BYTES // 256] * 10
    assert weight.digest == ArrayWeight(np.ones((rows, 64), "float32")).digest
    assert digest


@pytest.mark.parametrize("row", [0, 70_000, 131_071])
def test_a_nan_anywhere_is_named(row: int, tmp_path: Path) -> None:
    def spoil(table: h5py.Dataset) -> None:
        table[row, 5] = np.nan

    path = large(131_072, tmp_path, spoil)
    with pytest.raises(
        ReadError, match=rf"weight 'e/table': expected finite values, got .* at \[{row}, 5\]"
    ):
        read(path)
    assert np.isnan(dict(read(path, allow_nonfinite=True).weights())["e/table"].read()[row, 5])


def test_a_number_beyond_the_layers_dtype_is_named_without_a_warning(tmp_path: Path) -> None:
    def spoil(file: h5py.File) -> None:
        values = sound_values().astype(np.float64)
        values[1, 0] = 1e300
        del file[KERNEL]
        file.create_dataset(KERNEL, data=values)

    path = write(data_changed(spoil), tmp_path)
    with pytest.raises(
        ReadError, match=r"weight 'rnn/kernel': expected finite values, got .* at \[1, 0\]"
    ):
        read(path)
