"""Whose classes a configuration names: Keras' own and no others, anywhere in it; nothing is looked up or imported."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.errors import ReadError
from rnn_export.readers.fields import brief
from rnn_export.readers.json_text import Json

_KERAS_MODULES = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
_KERAS_PACKAGES = ("keras", "Keras", "tf_keras")
# Where what a model is made of stands. Elsewhere in Keras are functions that fetch files, load models or switch
# safe_mode off; a configuration could have them called by naming one as an initializer.
_OF_MODELS = frozenset(
    """
    activations constraints dtype_policies engine initializers layers legacy_tf_layers mixed_precision models
    ops quantizers regularizers
    """.split()  # noqa: SIM905
)
# What only training needs; the Keras leg of a verification loads models without it.
_TRAINING = ("compile_config", "training_config", "optimizer_config")


def check_origin(entry: Mapping[str, Json], kind: str, subject: str) -> None:
    """Raise ReadError unless a serialized object is of a class or function of Keras itself.

    Args:
        entry: the object, with "module" and "registered_name" where Keras 3 wrote them.
        kind: its class name.
        subject: whose it is, for the error.
    """
    module, registered = entry.get("module"), entry.get("registered_name")
    function = module == "builtins" and kind == "function" and isinstance(entry.get("config"), str)
    ours = function or module is None or (isinstance(module, str) and _of_keras(module))
    package, mark, bare = str(registered or "").rpartition(">")
    plain = registered is None or (not mark and bare in (kind, "Functional", "function"))
    plain = plain or (bool(mark) and package in _KERAS_PACKAGES)
    # Keras writes no module for what it finds in __main__.
    homeless = "module" in entry and module is None and registered is not None
    if ">" in kind or kind == "__lambda__" or not ours or not plain or homeless:
        named = registered if isinstance(registered, str) else f"{module}.{kind}"
        raise ReadError(
            subject,
            expected="classes of Keras itself",
            got=f"the custom class {brief(named)}",
            advice="Custom code is never run. Build the model from Keras layers, functional or Sequential.",
        )


def check_origins(config: Mapping[str, Json], subject: str) -> None:
    """Raise ReadError if any object in a configuration is not Keras' own: initializers, regularizers, policies, ...

    Args:
        config: the whole configuration.
        subject: the file, for the error.
    """
    waiting: list[Json] = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            kind = item.get("class_name")
            if isinstance(kind, str) and "config" in item:
                check_origin(item, kind, subject)
            waiting.extend(value for key, value in item.items() if key not in _TRAINING)


def _of_keras(module: str) -> bool:
    """Tell whether a module is one of Keras' that models are made from."""
    for name in _KERAS_MODULES:
        if module == name:
            return True
        if module.startswith(f"{name}."):
            parts = module.removeprefix(f"{name}.").removeprefix("src.").split(".")
            return parts[0] in _OF_MODELS
    return False
