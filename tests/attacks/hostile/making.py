"""Taking a file that Keras wrote apart, changing one thing, and putting it together again."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import h5py

from tests.attacks.hostile.listing import CORPUS

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
Config = dict[str, Any]


def members(source: str = "sequential") -> dict[str, bytes]:
    """Return the members of a Keras file of the corpus."""
    with zipfile.ZipFile(CORPUS / f"{source}.keras") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(
    folder: Path, parts: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED
) -> Path:
    """Write members, in order and as often as they come, as ``model.keras``."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return path


def with_members(folder: Path, **changed: bytes | None) -> Path:
    """Write the sequential model with other members ("config", "metadata", "weights"); None leaves one out."""
    names = {"config": CONFIG, "metadata": METADATA, "weights": WEIGHTS}
    held: dict[str, bytes | None] = dict(members())
    for key, data in changed.items():
        held[names[key]] = data
    return packed(folder, ((name, data) for name, data in held.items() if data is not None))


def with_config(folder: Path, change: Callable[[Config], None], source: str = "sequential") -> Path:
    """Write a model of the corpus with its configuration changed."""
    held = members(source)
    config: Config = json.loads(held[CONFIG])
    change(config)
    held[CONFIG] = json.dumps(config).encode()
    return packed(folder, held.items())


def with_layer(folder: Path, **settings: object) -> Path:
    """Write the sequential model with other settings of its first SimpleRNN."""

    def change(config: Config) -> None:
        layer(config)["config"].update(settings)

    return with_config(folder, change)


def layer(config: Config, index: int = 1) -> Config:
    """Return a layer of a model's configuration; 0 is the input."""
    found: Config = config["config"]["layers"][index]
    return found


def with_weights(folder: Path, change: Callable[[h5py.File], None]) -> Path:
    """Write the sequential model with its HDF5 file changed."""
    return with_members(folder, weights=changed_hdf5(members()[WEIGHTS], change))


def changed_hdf5(data: bytes, change: Callable[[h5py.File], None]) -> bytes:
    """Return HDF5 bytes with something changed."""
    held = io.BytesIO(data)
    with h5py.File(held, "r+") as file:
        change(file)
    return held.getvalue()


def replaced(file: h5py.File, path: str, **settings: Any) -> h5py.Dataset:
    """Put another dataset in the place of one."""
    del file[path]
    return file.create_dataset(path, **settings)


KERNEL = "layers/simple_rnn/cell/vars/0"
"""Of the first layer of the sequential model: float32, (3, 4)."""
