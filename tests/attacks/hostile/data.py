"""ONNX files whose weights lie in other files: outside, beyond the end, or in one place for all."""

from __future__ import annotations

import os
from pathlib import Path

from onnx import ModelProto, TensorProto

from tests.attacks.hostile.graphs import FILE, written
from tests.attacks.hostile.listing import hostile
from tests.attacks.hostile.tensors import weight

OUTSIDE = "external data in the folder of the model"


def _refer(tensor: TensorProto, location: str, **more: object) -> int:
    """Make a weight lie in another file; return the size of its values."""
    size = len(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return size


def _external(folder: Path, location: str, **more: object) -> None:
    written(folder, lambda model: _refer(weight(model), location, **more))


@hostile("weights above the folder", OUTSIDE, FILE)
def onnx_data_traversal(folder: Path) -> None:
    (folder.parent / f"{folder.name}.secret").write_bytes(bytes(4096))
    _external(folder, f"../{folder.name}.secret")


@hostile("weights by a path that goes down and up again", OUTSIDE, FILE)
def onnx_data_traversal_inside(folder: Path) -> None:
    _external(folder, "a/../../../../../../../../etc/passwd")


@hostile("weights in a file of the system", OUTSIDE, FILE)
def onnx_data_absolute(folder: Path) -> None:
    _external(folder, "/etc/passwd")


@hostile("weights on another drive", OUTSIDE, FILE)
def onnx_data_drive(folder: Path) -> None:
    _external(folder, "C:\\secret.bin")


@hostile("weights at an address on the net", OUTSIDE, FILE)
def onnx_data_address(folder: Path) -> None:
    _external(folder, "http://127.0.0.1:9/weights")


@hostile("weights behind a link that leads out of the folder", OUTSIDE, FILE)
def onnx_data_link(folder: Path) -> None:
    secret = folder.parent / f"{folder.name}.secret"
    secret.write_bytes(bytes(4096))
    (folder / "weights.data").symlink_to(secret)
    _external(folder, "weights.data")


@hostile("weights in a folder that is a link to another", OUTSIDE, FILE)
def onnx_data_linked_folder(folder: Path) -> None:
    (folder / "data").symlink_to("/etc")
    _external(folder, "data/passwd")


@hostile("weights in a pipe that nobody writes to", OUTSIDE, FILE)
def onnx_data_pipe(folder: Path) -> None:
    os.mkfifo(folder / "weights.data")
    _external(folder, "weights.data")


@hostile("weights in the folder itself", OUTSIDE, FILE)
def onnx_data_folder(folder: Path) -> None:
    _external(folder, ".")


@hostile("weights in a file without a name", OUTSIDE, FILE)
def onnx_data_nameless(folder: Path) -> None:
    _external(folder, "")


@hostile("weights with a zero byte in their file's name", OUTSIDE, FILE)
def onnx_data_zero_byte(folder: Path) -> None:
    _external(folder, "weights.data\0.txt")


@hostile("weights that begin before the file", "by offset and length", FILE)
def onnx_data_negative_offset(folder: Path) -> None:
    (folder / "weights.data").write_bytes(bytes(4096))
    _external(folder, "weights.data", offset=-4)


@hostile("weights that end behind the file", "bytes in weights.data", FILE)
def onnx_data_beyond(folder: Path) -> None:
    (folder / "weights.data").write_bytes(bytes(8))
    _external(folder, "weights.data")


@hostile("weights of another length than their shape", "bytes of values", FILE)
def onnx_data_length(folder: Path) -> None:
    (folder / "weights.data").write_bytes(bytes(4096))
    _external(folder, "weights.data", length=8)


@hostile("1,000 weights of 64 MB that are one place of a file", "times the bytes there are", FILE)
def onnx_data_for_all(folder: Path) -> None:
    with (folder / "weights.data").open("wb") as file:
        file.truncate(64 * 2**20)

    def change(model: ModelProto) -> None:
        for number in range(1_000):
            made = model.graph.initializer.add(
                name=f"w{number}", data_type=TensorProto.FLOAT, dims=[2**24]
            )
            _refer(made, "weights.data", length=64 * 2**20)

    written(folder, change)
