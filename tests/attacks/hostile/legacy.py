"""Legacy HDF5 model files: the configuration in an attribute, the weights by lists of names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py

from tests.attacks.hostile.codes import CANARY
from tests.attacks.hostile.listing import CORPUS, hostile
from tests.attacks.hostile.making import Config, changed_hdf5, layer

FILE = "model.h5"
LOW = "model_weights/low"


def _written(folder: Path, change: Callable[[h5py.File], None]) -> None:
    data = (CORPUS / "sequential.h5").read_bytes()
    (folder / FILE).write_bytes(changed_hdf5(data, change))


def _with_text(folder: Path, text: object) -> None:
    def change(file: h5py.File) -> None:
        file.attrs["model_config"] = text

    _written(folder, change)


def _with_config(folder: Path, change: Callable[[Config], None]) -> None:
    def edit(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)

    _written(folder, edit)


@hostile("HDF5 without a model", "a model, or its configuration beside it", FILE)
def no_model_config(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        del file.attrs["model_config"]

    _written(folder, change)


@hostile("a configuration that is a number", "expected", FILE)
def number_model_config(folder: Path) -> None:
    _with_text(folder, 17)


@hostile("a configuration that is broken JSON", "damaged text", FILE)
def broken_model_config(folder: Path) -> None:
    _with_text(folder, '{"class_name": "Sequential", ')


@hostile("a configuration that is 1,000 lists deep", "nested at most", FILE)
def deep_model_config(folder: Path) -> None:
    _with_text(folder, '{"config": ' + "[" * 1_000 + "]" * 1_000 + "}")


@hostile("a Lambda layer, as Keras 2 wrote them", "class Lambda", FILE)
def legacy_lambda(folder: Path) -> None:
    code = {
        "name": "evil",
        "function": ["4wEAAAA=", None, None],
        "function_type": "lambda",
        "module": CANARY,
    }
    _with_config(
        folder,
        lambda config: config["config"]["layers"].append({"class_name": "Lambda", "config": code}),
    )


@hostile("a class that only its maker has", "expected", FILE)
def legacy_custom_class(folder: Path) -> None:
    _with_config(folder, lambda config: layer(config).update(class_name=f"{CANARY}>Layer"))


@hostile("weights by a name that climbs out of its group", "expected", FILE)
def climbing_weight_names(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        names = [name.replace("sequential", "../../..") for name in file[LOW].attrs["weight_names"]]
        file[LOW].attrs["weight_names"] = names

    _written(folder, change)


@hostile("names of weights that are numbers", "expected", FILE)
def numeric_weight_names(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        file[LOW].attrs["weight_names"] = [1.0, float("nan"), 3.0]

    _written(folder, change)


@hostile("a layer too many in the list of names", "expected", FILE)
def too_many_layer_names(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        file["model_weights"].attrs["layer_names"] = ["low", "high", "high"]

    _written(folder, change)


@hostile("a group of weights in another file", "a soft or external link", FILE)
def legacy_external_link(folder: Path) -> None:
    def change(file: h5py.File) -> None:
        del file[LOW]
        file[LOW] = h5py.ExternalLink("/etc/passwd", "/")

    _written(folder, change)


@hostile("the first half of the file", "expected weights in HDF5", FILE)
def legacy_half(folder: Path) -> None:
    data = (CORPUS / "sequential.h5").read_bytes()
    (folder / FILE).write_bytes(data[: len(data) // 2])
