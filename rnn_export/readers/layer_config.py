"""From a Keras configuration to a tree of layers: both spellings (Keras 2 and 3), without importing what they name."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.errors import ReadError
from rnn_export.readers.chain import sequential_graph
from rnn_export.readers.fields import Fields, brief
from rnn_export.readers.graph import Graph
from rnn_export.readers.json_text import Json
from rnn_export.readers.layer_tree import Layer, Step
from rnn_export.readers.layers.operations import OPERATIONS, PREFIX
from rnn_export.readers.limits import Limits
from rnn_export.readers.naming import Container, child
from rnn_export.readers.origins import check_origin, check_origins
from rnn_export.readers.refusals import check_known, is_operation
from rnn_export.readers.wiring import functional_graph

MODELS = ("Functional", "Model", "Sequential")
_CELL_OPTIONS = (
    "units",
    "activation",
    "use_bias",
    "dropout",
    "recurrent_dropout",
    "dtype",
    "trainable",
)


class TreeMaker:
    """Makes layers in the order in which Keras saves them, so that an object met twice keeps its first place.

    Args:
        keras2: the source was written by Keras 2 (other node numbers, other meanings of some names).
        limits: how many layers to accept.
    """

    def __init__(self, *, keras2: bool, limits: Limits) -> None:
        self.keras2 = keras2
        self.limits = limits
        self._shared: dict[int, Layer] = {}
        self._count = 0

    def model(self, entry: Mapping[str, Json], subject: str) -> Layer:
        """Return the outermost model.

        Args:
            entry: the whole of config.json, or of ``model_config``.
            subject: the file, for errors.

        Raises:
            ReadError: no model, or one with a layer that cannot be read.
        """
        kind = entry.get("class_name")
        if not isinstance(kind, str) or not isinstance(entry.get("config"), dict):
            raise ReadError(
                subject,
                expected="the configuration of a Keras model",
                got=f"class {brief(kind)}",
                advice="Save the model with model.save('model.keras').",
            )
        model = self.layer(entry, place="", steps=(), known=MODELS)
        check_origins(entry, subject)
        return model

    def layer(
        self,
        entry: Json,
        *,
        place: str,
        steps: tuple[Step, ...],
        owner: str = "model",
        known: tuple[str, ...] = (),
    ) -> Layer:
        """Return the layer that ``entry`` describes, with all inside it."""
        if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
            raise ReadError(owner, expected="a layer's configuration", got=brief(entry))
        shared = entry.get("shared_object_id")
        if isinstance(shared, int) and shared in self._shared:
            return self._shared[shared]
        kind = entry.get("class_name")
        config = entry["config"]
        name = config.get("name", entry.get("name"))
        if not isinstance(kind, str):
            raise ReadError(owner, expected="a layer with a class name", got=brief(kind))
        if not isinstance(name, str):
            name = kind.lower()
        subject = f"layer {brief(name)} ({brief(kind)[1:-1]})" if steps else f"model {brief(name)}"
        if is_operation(entry, kind):
            return self._operation(kind, name, config)
        check_origin(entry, kind, subject)
        check_known(kind, subject, known)
        self._count += 1
        self.limits.hold("layers", self._count, subject, "layers")
        build = entry.get("build_config")
        made = Layer(
            kind,
            name,
            Fields(config, subject),
            place,
            steps,
            build_config=build if isinstance(build, dict) else {},
        )
        self._fill(made)
        if isinstance(shared, int):
            self._shared[shared] = made
        return made

    def _operation(self, kind: str, name: str, config: dict[str, Json]) -> Layer:
        """Return an operation that Keras 3 recorded while it computed a mask."""
        subject = f"operation {brief(name)} ({brief(kind)[1:-1]})"
        if kind not in OPERATIONS:
            raise ReadError(
                subject,
                expected="a layer",
                got=f"the operation {brief(kind)[1:-1]}",
                advice="Use the layer for it (keras.layers.Add for x + y, Activation('relu') for ops.relu, ...).",
            )
        self._count += 1
        self.limits.hold("layers", self._count, subject, "layers")
        return Layer(f"{PREFIX}{kind}", name, Fields(config, subject), "", ())

    def _fill(self, layer: Layer) -> None:
        """Add what is inside the layer, by attribute in Keras' order (alphabetical)."""
        if layer.kind in MODELS:
            layer.graph, layer.inner = self._graph(layer)
        elif layer.kind == "SimpleRNN":
            layer.inner = (("cell", self._own_cell(layer)),)
        elif layer.kind == "RNN":
            layer.inner = (("cell", self._cell(layer, layer.fields.get("cell"), "cell", "cell")),)
        elif layer.kind == "StackedRNNCells":
            layer.inner = self._cells(layer, layer.fields.items("cells"))
        elif layer.kind == "Bidirectional":
            layer.inner = self._both(layer)
        elif layer.kind == "TimeDistributed":
            inner = self.layer(
                layer.fields.get("layer"),
                place=child(layer.place, "layer"),
                steps=(*layer.steps, "layer"),
                owner=layer.subject,
            )
            layer.inner = (("layer", inner),)

    def _graph(self, model: Layer) -> tuple[Graph, tuple[tuple[str, Layer], ...]]:
        entries = model.fields.items("layers")
        names = Container(child(model.place, "layers"))
        sequential = model.kind == "Sequential"
        layers: list[Layer] = []
        held = 0
        for index, entry in enumerate(entries):
            kind = entry.get("class_name") if isinstance(entry, dict) else None
            # A Sequential does not count its InputLayer among its layers, nor a functional model its operations.
            hidden = sequential and index == 0 and kind == "InputLayer"
            hidden = hidden or (isinstance(entry, dict) and is_operation(entry, str(kind)))
            place = child(model.place, "none") if hidden else names.place(str(kind))
            steps = (*model.steps, "none") if hidden else (*model.steps, "layers", held)
            held += not hidden
            layers.append(self.layer(entry, place=place, steps=steps, owner=model.subject))
        make = sequential_graph if sequential else functional_graph
        graph = make(model.fields, layers, keras2=self.keras2)
        return graph, tuple(("layers", layer) for layer in layers)

    def _own_cell(self, layer: Layer) -> Layer:
        """Return SimpleRNN's only cell, which its configuration does not spell out."""
        options = {
            key: layer.fields.get(key) for key in _CELL_OPTIONS if key in layer.fields.values
        }
        return Layer(
            "SimpleRNNCell",
            "simple_rnn_cell",
            Fields(options, layer.subject),
            child(layer.place, "cell"),
            (*layer.steps, "cell"),
        )

    def _cell(self, owner: Layer, entry: Json, attribute: str, name: str) -> Layer:
        place, steps = child(owner.place, attribute), (*owner.steps, attribute)
        if isinstance(entry, list):
            # Keras 2 wrote RNN([cells]) as a bare list.
            entry = {"class_name": "StackedRNNCells", "config": {"cells": entry, "name": name}}
        return self.layer(
            entry,
            place=place,
            steps=steps,
            owner=owner.subject,
            known=("SimpleRNNCell", "StackedRNNCells"),
        )

    def _cells(self, owner: Layer, entries: list[Json]) -> tuple[tuple[str, Layer], ...]:
        names = Container(child(owner.place, "cells"))
        made = []
        for index, entry in enumerate(entries):
            kind = entry.get("class_name") if isinstance(entry, dict) else None
            cell = self.layer(
                entry,
                place=names.place(str(kind)),
                steps=(*owner.steps, "cells", index),
                owner=owner.subject,
                known=("SimpleRNNCell", "StackedRNNCells"),
            )
            made.append(("cells", cell))
        if not made:
            raise ReadError(owner.subject, expected="at least one cell", got="none")
        return tuple(made)

    def _both(self, layer: Layer) -> tuple[tuple[str, Layer], ...]:
        """Return Bidirectional's two layers; "backward_layer" first, as Keras visits them."""
        forward = layer.fields.inside("layer")
        backward = layer.fields.get("backward_layer")
        if not isinstance(backward, dict):
            backward = _reversed(forward)
        parts = []
        for attribute, entry in (("backward_layer", backward), ("forward_layer", forward)):
            part = self.layer(
                entry,
                place=child(layer.place, attribute),
                steps=(*layer.steps, attribute),
                owner=layer.subject,
                known=("SimpleRNN", "RNN"),
            )
            parts.append((attribute, part))
        return tuple(parts)


def _reversed(forward: Mapping[str, Json]) -> dict[str, Json]:
    """Return the backward layer that Keras makes of a forward one when none is given."""
    config = forward.get("config")
    if not isinstance(config, dict):
        return dict(forward)
    name = str(config.get("name", "")).removeprefix("forward_").removeprefix("backward_")
    turned = {
        **config,
        "go_backwards": not config.get("go_backwards", False),
        "name": f"backward_{name}",
    }
    made = {key: value for key, value in forward.items() if key != "shared_object_id"}
    return {**made, "config": turned}
