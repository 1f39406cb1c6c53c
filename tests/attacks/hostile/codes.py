"""Files that want code to be run: functions, pickles, modules and files by name.

What they name is a module that leaves a mark when anybody imports it (`CANARY`).
"""

from __future__ import annotations

import base64
import marshal
from pathlib import Path
from typing import Any

from tests.attacks.hostile.listing import hostile
from tests.attacks.hostile.making import Config, layer, with_config, with_layer

CANARY = "rnn_export_canary"
"""A module that nothing may import; whoever tries the files puts one on the search path."""


def _object(module: str | None, kind: str, config: object, registered: str | None = None) -> Config:
    return {"module": module, "class_name": kind, "config": config, "registered_name": registered}


def _with_layer_of(
    folder: Path, origin: str | None, kind: str, registered: str | None = None, **settings: Any
) -> None:
    def change(config: Config) -> None:
        entry = _object(
            origin,
            kind,
            {"name": "evil", "trainable": True, "dtype": "float32", **settings},
            registered,
        )
        config["config"]["layers"].append(entry)

    with_config(folder, change)


def _code() -> str:
    """Python's byte code of a function that leaves a mark, as Keras stores it."""
    source = f"lambda x: __import__({CANARY!r}) and x"
    function = compile(source, "<lambda>", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(function)).decode()


@hostile("a Lambda layer with byte code", "class Lambda")
def lambda_layer(folder: Path) -> None:
    code = {
        "class_name": "__lambda__",
        "config": {"code": _code(), "defaults": None, "closure": None},
    }
    _with_layer_of(folder, "keras.layers", "Lambda", function=code, arguments={})


@hostile("byte code as an activation", "expected")
def lambda_activation(folder: Path) -> None:
    code = {"code": _code(), "defaults": None, "closure": None}
    with_layer(
        folder,
        activation={"class_name": "__lambda__", "config": {"value": [code["code"], None, None]}},
    )


@hostile("byte code as an initializer, which is not needed to run the model", "expected")
def lambda_initializer(folder: Path) -> None:
    with_layer(
        folder,
        kernel_initializer={"class_name": "__lambda__", "config": {"value": [_code(), None, None]}},
    )


@hostile("a layer of a module that is imported by name", "the custom class")
def module_layer(folder: Path) -> None:
    _with_layer_of(folder, CANARY, "Layer", "Layer")


@hostile("a layer of Python's own module os", "the custom class")
def module_os(folder: Path) -> None:
    _with_layer_of(folder, "os", "system", command="touch escaped")


@hostile("a registered class of somebody's package", "the custom class")
def registered_layer(folder: Path) -> None:
    _with_layer_of(folder, None, "Layer", f"{CANARY}>Layer")


@hostile("Keras' own name, registered by somebody else", "the custom class")
def registered_under_keras_name(folder: Path) -> None:
    def change(config: Config) -> None:
        layer(config)["registered_name"] = f"{CANARY}>SimpleRNN"

    with_config(folder, change)


@hostile("a module whose name begins like Keras'", "the custom class")
def module_like_keras(folder: Path) -> None:
    _with_layer_of(folder, "keras_evil.layers", "SimpleRNN")


@hostile("an initializer of a module that is imported by name", "the custom class")
def module_initializer(folder: Path) -> None:
    with_layer(folder, kernel_initializer=_object(CANARY, "Initializer", {}))


@hostile("a regularizer of Python's own module subprocess", "the custom class")
def module_regularizer(folder: Path) -> None:
    with_layer(
        folder,
        kernel_regularizer=_object("subprocess", "Popen", {"args": "touch escaped", "shell": True}),
    )


@hostile(
    "a constraint of a module that is imported by name, deep within a policy", "the custom class"
)
def module_policy(folder: Path) -> None:
    inner = _object(CANARY, "Policy", {"name": "float32"})
    with_layer(folder, dtype=_object("keras", "DTypePolicy", {"name": "float32", "more": [inner]}))


@hostile("a function of Keras that fetches a file from the net, as an initializer", "expected")
def download_initializer(folder: Path) -> None:
    inner = {"fname": "escaped", "origin": "http://127.0.0.1:9/escaped", "extract": True}
    with_layer(folder, kernel_initializer=_object("keras.utils", "get_file", inner))


@hostile("a function of Keras that allows everything from then on, as a constraint", "expected")
def unsafe_constraint(folder: Path) -> None:
    with_layer(
        folder, kernel_constraint=_object("keras.config", "enable_unsafe_deserialization", {})
    )


@hostile("Keras' loader, called on another file, as an initializer", "expected")
def loader_initializer(folder: Path) -> None:
    with_layer(
        folder,
        kernel_initializer=_object("keras.saving", "load_model", {"filepath": "/etc/passwd"}),
    )


@hostile("a custom function as an activation", "expected")
def custom_activation(folder: Path) -> None:
    with_layer(folder, activation=_object("builtins", "function", "evil", f"{CANARY}>evil"))


@hostile("an activation of a module that is imported by name", "expected")
def module_activation(folder: Path) -> None:
    with_layer(folder, activation=_object(CANARY, "function", "evil", "function"))


@hostile("an activation by a path of names", "expected")
def dotted_activation(folder: Path) -> None:
    with_layer(folder, activation=f"{CANARY}.evil")


@hostile("an activation called __class__", "expected")
def dunder_activation(folder: Path) -> None:
    with_layer(folder, activation="__class__")


@hostile("a layer that loads a SavedModel from a place of its choice", "class TFSMLayer")
def saved_model_layer(folder: Path) -> None:
    _with_layer_of(folder, "keras.layers", "TFSMLayer", filepath="/etc", call_endpoint="serve")


@hostile("a layer that holds a pickled torch module", "class TorchModuleWrapper")
def pickled_layer(folder: Path) -> None:
    pickle = base64.b64encode(
        b"\x80\x04cposix\nsystem\n(X\x0d\x00\x00\x00touch escapedtR."
    ).decode()
    _with_layer_of(folder, "keras.layers", "TorchModuleWrapper", module=pickle)


@hostile("a layer that reads its vocabulary from a file of the system", "class StringLookup")
def vocabulary_layer(folder: Path) -> None:
    _with_layer_of(folder, "keras.layers", "StringLookup", vocabulary="/etc/passwd")


@hostile("a cell with code of its own", "the custom class")
def custom_cell(folder: Path) -> None:
    cell = _object(CANARY, "Cell", {"name": "c", "units": 4}, f"{CANARY}>Cell")
    _with_layer_of(folder, "keras.layers", "RNN", cell=cell)


@hostile("a subclassed model", "the custom class")
def subclassed_model(folder: Path) -> None:
    with_config(
        folder,
        lambda config: config.update(module=CANARY, class_name="Model", registered_name="Model"),
    )
