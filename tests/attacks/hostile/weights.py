"""Weights that are not what the layers need, or more than they say."""

from __future__ import annotations

import copy
from pathlib import Path

import h5py
import numpy as np

from tests.attacks.hostile.listing import hostile
from tests.attacks.hostile.making import (
    CONFIG,
    KERNEL,
    WEIGHTS,
    Config,
    changed_hdf5,
    layer,
    members,
    replaced,
    with_config,
    with_members,
    with_weights,
)


def _kernel(folder: Path, **settings: object) -> None:
    with_weights(folder, lambda file: replaced(file, KERNEL, **settings))


def _value(folder: Path, value: float) -> None:
    def change(file: h5py.File) -> None:
        file[KERNEL][2, 1] = value

    with_weights(folder, change)


@hostile("one weight that is not a number", "NaN or an infinity at [2, 1]")
def nan(folder: Path) -> None:
    _value(folder, np.nan)


@hostile("one weight without an end", "NaN or an infinity at [2, 1]")
def infinity(folder: Path) -> None:
    _value(folder, -np.inf)


@hostile("a kernel for other features", "expected")
def wrong_shape(folder: Path) -> None:
    _kernel(folder, data=np.zeros((5, 4), np.float32))


@hostile("a kernel with an axis more", "expected")
def wrong_rank(folder: Path) -> None:
    _kernel(folder, data=np.zeros((1, 3, 4), np.float32))


@hostile("a single number in place of a kernel", "expected")
def scalar(folder: Path) -> None:
    _kernel(folder, data=np.float32(1))


@hostile("a kernel without values", "expected")
def null_space(folder: Path) -> None:
    _kernel(folder, data=h5py.Empty("f4"))


@hostile("a kernel of Python objects", "an array of numbers")
def objects(folder: Path) -> None:
    _kernel(folder, data=np.array([["a"] * 4] * 3, dtype=object), dtype=h5py.string_dtype())


@hostile("a kernel of references to other objects", "an array of numbers")
def references(folder: Path) -> None:
    _kernel(folder, shape=(3, 4), dtype=h5py.ref_dtype)


@hostile("a kernel of records", "an array of numbers")
def records(folder: Path) -> None:
    _kernel(folder, data=np.zeros((3, 4), [("a", "f4"), ("b", "f8")]))


@hostile("a kernel of complex numbers", "an array of numbers")
def complex_numbers(folder: Path) -> None:
    _kernel(folder, data=np.zeros((3, 4), np.complex64))


@hostile("a kernel that calls itself bfloat16 and is text", "expected")
def false_bfloat16(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        made = replaced(file, KERNEL, data=np.full((3, 4), b"ab", "S2"))
        made.attrs["dtype"] = "bfloat16"

    with_weights(folder, change)


@hostile("a group in the place of a kernel", "got a group")
def group(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        del file[KERNEL]
        file.create_group(KERNEL).create_group("inside")

    with_weights(folder, change)


@hostile("a kernel of 10^12 numbers that were never written", "bytes")
def never_written(folder: Path) -> None:
    _kernel(folder, shape=(10**6, 10**6), dtype="f4")


@hostile("a kernel of 300 MB of zeros in 300 kB", "bytes")
def bomb(folder: Path) -> None:
    _kernel(
        folder, shape=(75, 2**20), dtype="f4", chunks=(1, 2**20), compression="gzip", fillvalue=1
    )


@hostile("a kernel of 200 MB that is one chunk written once", "times its stored size")
def bomb_of_one_chunk(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        made = replaced(
            file, KERNEL, shape=(50, 2**20), dtype="f4", chunks=(1, 2**20), compression="gzip"
        )
        made[0] = 0

    with_weights(folder, change)


@hostile("a kernel behind a filter that HDF5 would look for among its plugins", "HDF5 filters")
def plugin_filter(folder: Path) -> None:
    _kernel(
        folder, data=np.arange(12, dtype=np.float32).reshape(3, 4), chunks=(3, 4), compression="lzf"
    )


@hostile("weights that are no HDF5", "expected weights in HDF5")
def not_hdf5(folder: Path) -> None:
    with_members(folder, weights=b"\x80\x04cposix\nsystem\n(X\x0d\x00\x00\x00touch escapedtR.")


@hostile("the first half of the weights", "expected weights in HDF5")
def half_of_hdf5(folder: Path) -> None:
    data = members()[WEIGHTS]
    with_members(folder, weights=data[: len(data) // 2])


@hostile("weights with another byte in every hundred", "expected")
def noisy_hdf5(folder: Path) -> None:
    data = bytearray(members()[WEIGHTS])
    data[97::100] = bytes(0xFF for _ in data[97::100])
    with_members(folder, weights=bytes(data))


@hostile("no weights at all for a layer that needs three", "expected 3 weights")
def weights_gone(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["layers/simple_rnn/cell/vars"]

    with_weights(folder, change)


@hostile(
    "1,500 layers that share one kernel of 16 MB: 24 GB to read in a file of 16 MB", "expected"
)
def one_kernel_for_all(folder: Path) -> None:
    count, units = 1_500, 2_000

    def more(config: Config) -> None:
        layers = config["config"]["layers"]
        dense = layer(config, 0) | {
            "class_name": "Dense",
            "config": {"name": "dense", "units": units, "activation": "linear", "use_bias": False},
        }
        layers[0]["config"]["batch_shape"] = [None, None, units]
        del layers[1:]
        for number in range(count):
            another = copy.deepcopy(dense)
            another["config"]["name"] = f"dense_{number}"
            layers.append(another)

    def shared(file: h5py.File) -> None:
        del file["layers"]
        kernel = file.create_dataset("kernel", data=np.zeros((units, units), np.float32))
        for number in range(count):
            file[f"layers/dense{f'_{number}' if number else ''}/vars/0"] = kernel

    with_config(folder, more)
    path = folder / "model.keras"
    weights = changed_hdf5(members()[WEIGHTS], shared)
    import zipfile

    with zipfile.ZipFile(path) as archive:
        config = archive.read(CONFIG)
    with_members(folder, config=config, weights=weights)
