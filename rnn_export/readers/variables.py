"""Which variables a layer owns, in Keras' order, and where each kind of source keeps their values."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rnn_export.errors import ReadError
from rnn_export.network.weight import ArrayWeight, Weight
from rnn_export.readers.hdf5 import Store
from rnn_export.readers.layer_tree import Layer


def owned(layer: Layer) -> tuple[tuple[str, bool], ...]:
    """Return (attribute, trainable) of each variable that the layer itself owns.

    Source: the ``build`` methods of the Keras 3 layers.
    """
    fields = layer.fields
    if layer.kind == "SimpleRNNCell":
        bias = (("bias", True),) if fields.flag("use_bias", True) else ()
        return (("kernel", True), ("recurrent_kernel", True), *bias)
    if layer.kind == "Dense":
        return (("kernel", True), *((("bias", True),) if fields.flag("use_bias", True) else ()))
    if layer.kind == "Embedding":
        return (("embeddings", True),)
    if layer.kind == "PReLU":
        return (("alpha", True),)
    if layer.kind in ("LayerNormalization", "BatchNormalization"):
        gamma = (("gamma", True),) if fields.flag("scale", True) else ()
        beta = (("beta", True),) if fields.flag("center", True) else ()
        if layer.kind == "LayerNormalization":
            return (*gamma, *beta)
        return (*gamma, *beta, ("moving_mean", False), ("moving_variance", False))
    return ()


class Variables(Protocol):
    """The values behind a tree of layers."""

    def take(self, layer: Layer, attribute: str) -> Weight:
        """Return one variable.

        Raises:
            ReadError: the source has no such variable.
        """
        ...


class SavedVariables:
    """Variables by Keras 3's places: ``layers/simple_rnn/cell/vars/0``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Keras 2.13 called the list of layers otherwise.
        self._old = (
            "_layer_checkpoint_dependencies" if "_layer_checkpoint_dependencies" in store else ""
        )
        self._made: dict[str, Weight] = {}

    def take(self, layer: Layer, attribute: str) -> Weight:
        names = [name for name, _ in owned(layer)]
        place = layer.place
        if self._old and f"{place}/vars" not in self._store:
            place = place.replace("layers", self._old)
        held = self._store.members(f"{place}/vars")
        if len(held) != len(names):
            raise missing(layer, len(names), len(held), f"{place}/vars of {self._store.subject}")
        path = f"{place}/vars/{names.index(attribute)}"
        if path not in self._made:
            self._made[path] = self._store.weight(path)
        return self._made[path]


class OrderedVariables:
    """Variables by Keras 2's order: for each layer of the model a list of names, trainable weights first."""

    def __init__(self, store: Store, root: str, model: Layer) -> None:
        self._store = store
        self._paths: dict[tuple[str, str], str] = {}
        self._made: dict[str, Weight] = {}
        wanted = [layer for name, layer in model.inner if any(owned(part) for part in layer.walk())]
        groups = []
        for name in _names(store, root, "layer_names"):
            group = f"{root}/{name}" if root else name
            datasets = [f"{group}/{item}" for item in _names(store, group, "weight_names")]
            if datasets:
                groups.append((name, datasets))
        if len(groups) != len(wanted):
            raise missing(
                model, len(wanted), len(groups), f"{store.subject}, as layers with weights"
            )
        for layer, (_, datasets) in zip(wanted, groups, strict=True):
            self._assign(layer, datasets)

    def _assign(self, layer: Layer, datasets: list[str]) -> None:
        """Pair the layer's variables with the names in the file: the trainable ones first, then the others."""
        found = _all_owned(layer, frozen=False)
        sorted_ = [item for item in found if item[2]] + [item for item in found if not item[2]]
        if len(found) != len(datasets):
            raise missing(layer, len(found), len(datasets), self._store.subject)
        names = [path.rpartition("/")[2].partition(":")[0] for path in datasets]
        for order in (sorted_, found):
            if [name for _, name, _ in order] == names:
                break
        else:
            raise ReadError(
                layer.subject,
                expected=f"weights named {', '.join(name for _, name, _ in sorted_)}",
                got=", ".join(names),
                advice="The weights belong to another model.",
            )
        for (part, name, _), path in zip(order, datasets, strict=True):
            self._paths.setdefault((part.place, name), path)

    def take(self, layer: Layer, attribute: str) -> Weight:
        path = self._paths.get((layer.place, attribute))
        if path is None:
            raise missing(layer, len(owned(layer)), 0, self._store.subject)
        if path not in self._made:
            self._made[path] = self._store.weight(path)
        return self._made[path]


class LiveVariables:
    """Variables of a live model, copied, so that training it further changes nothing here."""

    def __init__(self, model: object) -> None:
        self._model = model
        self._made: dict[int, tuple[object, Weight]] = {}

    def find(self, layer: Layer) -> object:
        """Return the live object of a layer."""
        found = self._model
        for step in layer.steps:
            found = found[step] if isinstance(step, int) else getattr(found, step, None)  # type: ignore[index]
        return found

    def take(self, layer: Layer, attribute: str) -> Weight:
        variable = getattr(self.find(layer), attribute, None)
        if variable is None:
            raise missing(layer, len(owned(layer)), 0, "the live model")
        key = id(variable)
        if key not in self._made:
            self._made[key] = (variable, ArrayWeight(_values(variable)))
        return self._made[key][1]


def missing(layer: Layer, expected: int, got: int, where: str) -> ReadError:
    """Return the error for a layer whose variables are not all there."""
    return ReadError(
        layer.subject,
        expected=f"{expected} weights",
        got=f"{got} in {where}",
        advice="The weights belong to another model, it was saved before it was built, or the layer is shared "
        "with a model inside it (which Keras does not save): then read the live model.",
    )


def _values(variable: object) -> np.ndarray:
    """Return a Keras variable's values on any Keras backend."""
    numpy = getattr(variable, "numpy", None)
    return np.asarray(numpy() if numpy is not None else variable)


def _in_order(layer: Layer) -> tuple[Layer, ...]:
    """Return what is inside a layer in the order in which Keras makes it, not in which it saves it."""
    if layer.kind == "Bidirectional":
        return (layer.part("forward_layer"), layer.part("backward_layer"))
    return tuple(inner for _, inner in layer.inner)


def _all_owned(layer: Layer, *, frozen: bool) -> list[tuple[Layer, str, bool]]:
    """Return (layer, attribute, trainable) of every variable in and under a layer, each once."""
    frozen = frozen or not layer.fields.flag("trainable", True)
    made = [(layer, name, kept and not frozen) for name, kept in owned(layer)]
    for inner in _in_order(layer):
        made += [item for item in _all_owned(inner, frozen=frozen) if item not in made]
    return made


def _names(store: Store, group: str, name: str) -> list[str]:
    """Return a list of names kept as an attribute, whole or in numbered pieces as Keras writes long ones."""
    attributes = store.attributes(group)
    if name in attributes:
        pieces = [attributes[name]]
    else:
        pieces = []
        while f"{name}{len(pieces)}" in attributes:
            pieces.append(attributes[f"{name}{len(pieces)}"])
    found = [item for piece in pieces if isinstance(piece, list) for item in piece]
    return [
        item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in found
    ]
