"""Test data is what ONNX' own test runners read, for every dtype that a network may have."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnx.numpy_helper
import pytest

from rnn_export import store
from rnn_export.errors import StoreError


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int32, np.int64, np.bool_]
)
def test_values_names_and_dtype_come_back(dtype: type, tmp_path: Path) -> None:
    values: np.ndarray = np.arange(2 * 3 * 5).reshape(2, 3, 5).astype(dtype)
    names = store.write_vectors(tmp_path, {"tokens": values}, {"rnn": values[:, 1]})
    assert names == ("test_data_set_0/input_0.pb", "test_data_set_0/output_0.pb")
    name, back = store.read_tensor(tmp_path / "test_data_set_0/output_0.pb")
    assert name == "rnn"
    assert back.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(back.astype(np.float64), values[:, 1].astype(np.float64))


def test_a_scalar_and_an_empty_array_keep_their_shape(tmp_path: Path) -> None:
    store.write_vectors(tmp_path, {"scalar": np.array(3, np.float32)}, {"empty": np.zeros((0, 4))})
    assert store.read_tensor(tmp_path / "test_data_set_0/input_0.pb")[1].shape == ()
    assert store.read_tensor(tmp_path / "test_data_set_0/output_0.pb")[1].shape == (0, 4)


def test_onnx_itself_reads_the_file(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    store.write_vectors(tmp_path, {"x": values}, {})
    tensor = onnx.load_tensor(str(tmp_path / "test_data_set_0/input_0.pb"))
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor), values)


def test_equal_values_give_equal_bytes(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    for name, array in (("c", values), ("f", np.asfortranarray(values))):
        (tmp_path / name).mkdir()
        store.write_vectors(tmp_path / name, {"x": array}, {})
    assert (tmp_path / "c/test_data_set_0/input_0.pb").read_bytes() == (
        tmp_path / "f/test_data_set_0/input_0.pb"
    ).read_bytes()


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x10\x01\x08\x05"])
def test_other_bytes_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pb").write_bytes(data)
    with pytest.raises(StoreError, match="an ONNX tensor"):
        store.read_tensor(tmp_path / "x.pb")
