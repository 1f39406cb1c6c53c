"""Test data in the layout that every ONNX runtime's own test runner reads: test_data_set_0/input_0.pb.

Source: onnx, docs/OnnxBackendTest.md; each file is one TensorProto, named like the port.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnn_export.errors import StoreError
from rnn_export.store.writing import storing

FOLDER = "test_data_set_0"


def write_vectors(
    folder: Path, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]
) -> tuple[str, ...]:
    """Write ``folder``/test_data_set_0/input_K.pb and output_K.pb, K in the order given.

    Args:
        folder: an artifact being staged.
        inputs, outputs: port name to array, any dtype that ONNX has.

    Returns:
        The files' names within ``folder``.

    Raises:
        StoreError: a file cannot be written.
    """
    from onnx.numpy_helper import from_array

    names = []
    with storing(folder):
        (folder / FOLDER).mkdir(exist_ok=True)
        for kind, arrays in (("input", inputs), ("output", outputs)):
            for index, (port, values) in enumerate(arrays.items()):
                names.append(f"{FOLDER}/{kind}_{index}.pb")
                tensor = from_array(np.ascontiguousarray(values).reshape(values.shape), port)
                (folder / names[-1]).write_bytes(tensor.SerializeToString(deterministic=True))
    return tuple(names)


def read_tensor(path: Path) -> tuple[str, np.ndarray]:
    """Read one such file: the port's name and its values.

    Raises:
        StoreError: it cannot be read, or is not a tensor.
    """
    from google.protobuf.message import DecodeError
    from onnx import TensorProto
    from onnx.numpy_helper import to_array

    with storing(path, expected="a file that can be read"):
        data = path.read_bytes()
    try:
        tensor = TensorProto.FromString(data)
        return tensor.name, to_array(tensor)
    except (DecodeError, ValueError, TypeError, KeyError) as error:
        raise StoreError(str(path), expected="an ONNX tensor", got=str(error)) from error
