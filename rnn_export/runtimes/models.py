"""How a model travels to a worker: a file by its path, a network as a pickle with its arrays beside it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnn_export.runtimes.contract import KerasFile, Model, OnnxFile
from rnn_export.runtimes.frames import Header


def pack(model: Model) -> tuple[Header, dict[str, np.ndarray]]:
    """Return the description and the arrays from which `unpack` makes the model again, in another process."""
    if isinstance(model, (OnnxFile, KerasFile)):
        # Absolute, since the worker need not stand in our folder.
        return {"kind": model.kind, "path": str(Path(model.path).absolute())}, {}
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(model, protocol=5, buffer_callback=buffers.append)
    arrays = {
        str(number): np.frombuffer(item.raw(), np.uint8) for number, item in enumerate(buffers)
    }
    arrays["pickle"] = np.frombuffer(pickled, np.uint8)
    return {"kind": "network", "buffers": len(buffers)}, arrays


def unpack(described: Header, arrays: Mapping[str, np.ndarray]) -> Model:
    """Return the model that `pack` described."""
    match described["kind"]:
        case "onnx":
            return OnnxFile(Path(described["path"]))
        case "keras":
            return KerasFile(Path(described["path"]))
        case _:
            # From our own parent, of the same version, through a private pipe: the one place where pickle is
            # apt. A Network is a tree of our own dataclasses with lazy weights, some of which only say where
            # they lie in a file; big arrays come beside the pickle, uncopied (protocol 5).
            buffers = [arrays[str(number)] for number in range(described["buffers"])]
            network: Model = pickle.loads(arrays["pickle"].data, buffers=buffers)
            return network
