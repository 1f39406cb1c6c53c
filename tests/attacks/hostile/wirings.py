"""Models that have no end: loops, models within models, layers without number."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from tests.attacks.hostile.listing import hostile
from tests.attacks.hostile.making import CONFIG, Config, layer, members, packed, with_config


def _layers(config: Config) -> list[Config]:
    found: list[Config] = config["config"]["layers"]
    return found


def _named(config: Config, name: str) -> Config:
    return next(item for item in _layers(config) if item["config"]["name"] == name)


def _tensor(name: str, node: int = 0, index: int = 0) -> Config:
    inner = {"shape": [None, None, 4], "dtype": "float32", "keras_history": [name, node, index]}
    return {"class_name": "__keras_tensor__", "config": inner}


def _call(*tensors: Config) -> Config:
    return {"args": list(tensors), "kwargs": {}}


def _entry(kind: str, name: str, nodes: list[Any], **settings: object) -> Config:
    config = {"name": name, "trainable": True, "dtype": "float32", **settings}
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": config,
        "registered_name": None,
        "name": name,
        "inbound_nodes": nodes,
    }


def _functional(name: str, layers: list[Config], end: str) -> Config:
    inner = {
        "name": name,
        "trainable": True,
        "layers": layers,
        "input_layers": [["x", 0, 0]],
        "output_layers": [[end, 0, 0]],
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": inner,
        "registered_name": "Functional",
    }


def _input(name: str = "x") -> Config:
    return _entry("InputLayer", name, [], batch_shape=[None, None, 4])


def _written(folder: Path, config: Config) -> None:
    packed(folder, (members() | {CONFIG: json.dumps(config).encode()}).items())


@hostile("two layers that wait for each other", "without loops")
def loop(folder: Path) -> None:
    relu = {"activation": "relu"}
    layers = [
        _input(),
        _entry("Activation", "a", [_call(_tensor("b"))], **relu),
        _entry("Activation", "b", [_call(_tensor("a"))], **relu),
    ]
    _written(folder, _functional("looped", layers, "b"))


@hostile("a layer that waits for itself", "without loops")
def loop_of_one(folder: Path) -> None:
    layers = [_input(), _entry("Activation", "a", [_call(_tensor("a"))], activation="relu")]
    _written(folder, _functional("looped", layers, "a"))


@hostile("a tensor of a layer that is not there", "a tensor of a layer of this model")
def tensor_of_nobody(folder: Path) -> None:
    layers = [_input(), _entry("Activation", "a", [_call(_tensor("gone"))], activation="relu")]
    _written(folder, _functional("lost", layers, "a"))


@hostile("the call before the first", "The file is damaged")
def call_before_the_first(folder: Path) -> None:
    layers = [_input(), _entry("Activation", "a", [_call(_tensor("x", -1))], activation="relu")]
    _written(folder, _functional("early", layers, "a"))


@hostile("call number 10^30", "The file is damaged")
def call_without_number(folder: Path) -> None:
    layers = [_input(), _entry("Activation", "a", [_call(_tensor("x", 10**30))], activation="relu")]
    _written(folder, _functional("late", layers, "a"))


@hostile("output number 10^12 of a layer that has one", "expected")
def output_without_number(folder: Path) -> None:
    layers = [
        _input(),
        _entry("Activation", "a", [_call(_tensor("x", 0, 10**12))], activation="relu"),
    ]
    _written(folder, _functional("wide", layers, "a"))


@hostile("two layers of one name", "a name of its own")
def two_of_one_name(folder: Path) -> None:
    with_config(
        folder,
        lambda config: _layers(config).append(copy.deepcopy(_named(config, "given"))),
        "functional",
    )


@hostile("a functional model without wiring", "a configuration without wiring")
def no_wiring(folder: Path) -> None:
    def change(config: Config) -> None:
        del config["config"]["output_layers"]

    with_config(folder, change, "functional")


@hostile("outputs that are numbers", "expected")
def outputs_are_numbers(folder: Path) -> None:
    with_config(
        folder, lambda config: config["config"].update(output_layers=[1, 2, 3]), "functional"
    )


@hostile("3,000 layers", "layers")
def many_layers(folder: Path) -> None:
    def change(config: Config) -> None:
        first = layer(config)
        for number in range(3_000):
            more = copy.deepcopy(first)
            more["config"]["name"] = f"more_{number}"
            _layers(config).append(more)

    with_config(folder, change)


@hostile(
    "a model that calls one model twice, which calls one twice, 20 deep: a million calls", "calls"
)
def doubling_models(folder: Path) -> None:
    model = _functional(
        "m0", [_input(), _entry("Activation", "a", [_call(_tensor("x"))], activation="relu")], "a"
    )
    for depth in range(1, 21):
        inner = {**model, "name": f"m{depth - 1}"}
        inner["inbound_nodes"] = [_call(_tensor("x")), _call(_tensor(f"m{depth - 1}", 0))]
        model = _functional(f"m{depth}", [_input(), inner], f"m{depth - 1}")
        # The nested model's second call is the output.
        model["config"]["output_layers"] = [[f"m{depth - 1}", 2, 0]]
    _written(folder, model)


@hostile("one model shared by two, shared by two, 20 deep, by number alone", "expected")
def doubling_by_shared_number(folder: Path) -> None:
    model: Config = _functional("m0", [_input()], "x")
    for depth in range(1, 21):
        first = {
            **model,
            "name": "left",
            "inbound_nodes": [_call(_tensor("x"))],
            "shared_object_id": depth,
        }
        second = {"config": {"name": "right"}, "class_name": "Functional", "module": "keras", "registered_name": None,
                  "name": "right", "inbound_nodes": [_call(_tensor("left"))], "shared_object_id": depth}  # fmt: skip
        model = _functional(f"m{depth}", [_input(), first, second], "right")
    _written(folder, model)


@hostile("a layer that is its own inner layer, by its shared number", "expected")
def layer_within_itself(folder: Path) -> None:
    def change(config: Config) -> None:
        inner = {
            "module": "keras.layers",
            "class_name": "TimeDistributed",
            "config": {"name": "t"},
            "shared_object_id": 1,
        }
        outer = {**inner, "config": {"name": "t", "layer": inner}, "registered_name": None}
        _layers(config).append(outer)

    with_config(folder, change)
