"""ONNX tensors whose sizes cannot be, and inputs that nobody could make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import ModelProto, SparseTensorProto, TensorProto, helper, numpy_helper

from tests.attacks.hostile.graphs import FILE, written
from tests.attacks.hostile.listing import hostile


def weight(model: ModelProto) -> TensorProto:
    """Return the first weight of floating numbers."""
    found: TensorProto = next(
        item for item in model.graph.initializer if item.data_type == TensorProto.FLOAT
    )
    return found


def _weight(folder: Path, change: Callable[[TensorProto], object]) -> None:
    written(folder, lambda model: change(weight(model)))


def _dims(folder: Path, *dims: int) -> None:
    def change(tensor: TensorProto) -> None:
        tensor.ClearField("dims")
        tensor.dims.extend(dims)

    _weight(folder, change)


@hostile("a weight of 2^62 numbers with the bytes of a few", "elements", FILE)
def onnx_huge_dims(folder: Path) -> None:
    _dims(folder, 2**31, 2**31)


@hostile("a weight whose size overflows 64 bits to nothing", "elements", FILE)
def onnx_overflowing_dims(folder: Path) -> None:
    _dims(folder, 2**32, 2**32)


@hostile("a weight with a huge axis beside an empty one", "elements", FILE)
def onnx_huge_empty_dims(folder: Path) -> None:
    _dims(folder, 0, 2**60)


@hostile("a weight with a negative axis", "axes of 0 or more", FILE)
def onnx_negative_dims(folder: Path) -> None:
    _dims(folder, -3, -4)


@hostile("a weight of 4 GB with the bytes of a few", "bytes of values", FILE)
def onnx_missing_values(folder: Path) -> None:
    _dims(folder, 1, 2**30)


@hostile("a weight with one byte too few", "bytes of values", FILE)
def onnx_short_values(folder: Path) -> None:
    _weight(folder, lambda tensor: setattr(tensor, "raw_data", tensor.raw_data[:-1]))


@hostile("a weight with raw and typed values that differ", "its values once", FILE)
def onnx_two_kinds_of_values(folder: Path) -> None:
    _weight(folder, lambda tensor: tensor.float_data.extend([1.0] * (len(tensor.raw_data) // 4)))


@hostile("a weight of an unknown type", "an element type of ONNX", FILE)
def onnx_unknown_type(folder: Path) -> None:
    _weight(folder, lambda tensor: setattr(tensor, "data_type", 99))


@hostile("a weight of no type", "an element type of ONNX", FILE)
def onnx_undefined_type(folder: Path) -> None:
    _weight(folder, lambda tensor: setattr(tensor, "data_type", 0))


@hostile("a constant of 2^40 numbers", "elements", FILE)
def onnx_huge_constant(folder: Path) -> None:
    value = TensorProto(name="c", data_type=TensorProto.FLOAT, dims=[2**20, 2**20])
    node = helper.make_node("Constant", [], ["a"], value=value)
    written(folder, lambda model: model.graph.node.append(node))


@hostile("a sparse weight of 2^60 numbers, three of them given", "elements", FILE)
def onnx_huge_sparse(folder: Path) -> None:
    sparse = SparseTensorProto(
        values=numpy_helper.from_array(np.ones(3, np.float32), "sparse"),
        indices=numpy_helper.from_array(np.arange(3), "indices"),
        dims=[2**30, 2**30],
    )
    written(folder, lambda model: model.graph.sparse_initializer.append(sparse))


@hostile("an input of a billion rows", "elements of an input", FILE)
def onnx_huge_input(folder: Path) -> None:
    def change(model: ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 10**9

    written(folder, change)


@hostile("an input with a negative axis", "axes of 0 or more", FILE)
def onnx_negative_input(folder: Path) -> None:
    def change(model: ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = -7

    written(folder, change)
