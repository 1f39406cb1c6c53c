"""A live keras.Model, read by duck typing on any Keras backend; this package never imports Keras for it."""

from __future__ import annotations

from types import FunctionType

from rnn_export.errors import ReadError
from rnn_export.network import Network, Source
from rnn_export.readers.assembly import assemble
from rnn_export.readers.json_text import plain
from rnn_export.readers.layer_config import MODELS, TreeMaker
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.limits import Limits
from rnn_export.readers.variables import LiveVariables

_OWN = ("keras.", "tf_keras.", "tensorflow.")


def looks_live(source: object) -> bool:
    """Tell whether ``source`` is a model by what it can do."""
    return all(hasattr(source, name) for name in ("get_config", "layers", "get_weights"))


def read_live(model: object, *, allow_nonfinite: bool, limits: Limits) -> Network:
    """Return the network of a live model; its weights are copied.

    Raises:
        ReadError: a subclassed or unbuilt model, or anything in it that cannot be read.
    """
    kind, module = type(model).__name__, type(model).__module__
    name = str(getattr(model, "name", kind))
    if kind not in MODELS or not module.startswith(_OWN) or not _wired(model):
        raise ReadError(
            f"model {name!r}",
            expected="a functional or Sequential model",
            got=f"the subclassed model {kind}",
            advice="Its call() is Python code. Rebuild it as keras.Model(inputs, outputs).",
        )
    keras2 = module.startswith("tf_keras") or ".engine." in module
    config = model.get_config()  # type: ignore[attr-defined]
    entry = plain({"class_name": kind, "config": config}, f"model {name!r}", limits)
    tree = TreeMaker(keras2=keras2, limits=limits).model(entry, f"model {name!r}")
    variables = LiveVariables(model)
    for layer in tree.walk():
        _expect_own_activation(layer, variables.find(layer))
    return assemble(
        tree,
        variables,
        Source("live-model", name),
        keras2=keras2,
        allow_nonfinite=allow_nonfinite,
        limits=limits,
    )


def _expect_own_activation(layer: Layer, live: object) -> None:
    """Raise ReadError for a custom function as activation: its name in the configuration may be one of Keras' own."""
    function = getattr(live, "activation", None)
    module = getattr(function, "__module__", None)
    if isinstance(function, FunctionType) and not str(module).startswith(_OWN):
        raise ReadError(
            layer.subject,
            expected="an activation of Keras itself",
            got=f"the custom function {module}.{function.__qualname__}",
            advice="Give the activation by its name.",
        )


def _wired(model: object) -> bool:
    """Tell whether Keras itself made the class out of layers: a plain keras.Model without them has no graph."""
    return (
        type(model).__name__ != "Model"
        or hasattr(model, "_nodes_by_depth")
        or hasattr(model, "_nodes")
    )
