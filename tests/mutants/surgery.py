"""Surgery on ONNX models: initializers changed, attributes changed, nodes put between others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from tests.mutants.kinds import Change, Choose, Make


def copied(model: ModelProto) -> ModelProto:
    made = ModelProto()
    made.CopyFrom(model)
    return made


def initializer(model: ModelProto, name: str) -> np.ndarray:
    """Return the values of an initializer."""
    return next(
        numpy_helper.to_array(item).copy() for item in model.graph.initializer if item.name == name
    )


def edit(model: ModelProto, name: str, change: Change) -> ModelProto:
    """Return the model with an initializer replaced by what ``change`` makes of it."""
    made = copied(model)
    for item in made.graph.initializer:
        if item.name == name:
            values = np.ascontiguousarray(change(numpy_helper.to_array(item).copy()))
            item.CopyFrom(
                numpy_helper.from_array(values.astype(numpy_helper.to_array(item).dtype), name)
            )
            return made
    raise KeyError(name)


def put(model: ModelProto, name: str, values: np.ndarray) -> ModelProto:
    """Return the model with other values in an initializer."""
    return edit(model, name, lambda _: values)


def of(name: str, change: Choose) -> Make:
    """Return the corruption of an initializer by a change that picks its place."""
    return lambda model, rng: edit(model, name, lambda values: change(values, rng))


def plain(name: str, change: Change) -> Make:
    """Return the corruption of an initializer by a change that picks nothing."""
    return lambda model, rng: edit(model, name, change)


def node(model: ModelProto, name: str) -> NodeProto:
    """Return a node by name, or the only one of an operator by its type."""
    found: NodeProto
    (found,) = [item for item in model.graph.node if item.name == name] or [
        item for item in model.graph.node if item.op_type == name
    ]
    return found


def attribute(model: ModelProto, name: str, **values: object) -> ModelProto:
    """Return the model with attributes of a node set; None removes one."""
    made = copied(model)
    item = node(made, name)
    kept = [held for held in item.attribute if held.name not in values]
    del item.attribute[:]
    item.attribute.extend(kept)
    for key, value in values.items():
        if value is not None:
            item.attribute.append(helper.make_attribute(key, value))
    return made


def setting(name: str, **values: object) -> Make:
    """Return the corruption of a node's attributes; None removes one."""
    return lambda model, rng: attribute(model, name, **values)


def wiring_to(name: str, at: int, value: str) -> Make:
    """Return the corruption by which a node's input ``at`` reads another value, "" for none."""
    return lambda model, rng: rewired(model, name, at, value)


def constant(model: ModelProto, name: str, values: np.ndarray) -> str:
    """Add an initializer and return its name."""
    model.graph.initializer.append(numpy_helper.from_array(values, name))
    return name


def before(model: ModelProto, name: str, at: int, *inserted: NodeProto) -> ModelProto:
    """Return the model with nodes put before input ``at`` of a node.

    The first inserted node reads "<here>", the last one makes "<there>".
    """
    made = copied(model)
    item = node(made, name)
    place = list(made.graph.node).index(item)
    own = item.input[at]
    item.input[at] = f"{name}/inserted"
    _insert(made, place, inserted, own, f"{name}/inserted")
    return made


def after(model: ModelProto, value: str, *inserted: NodeProto) -> ModelProto:
    """Return the model with nodes put behind a value: whoever read it reads what they make.

    Works for graph outputs too.
    """
    made = copied(model)
    maker = next(item for item in made.graph.node if value in item.output)
    place = list(made.graph.node).index(maker) + 1
    outputs = {item.name for item in made.graph.output}
    fresh = f"{value}/kept"
    if value in outputs:
        # The output keeps its name, so its maker writes to another.
        for at, name in enumerate(maker.output):
            if name == value:
                maker.output[at] = fresh
        for item in made.graph.node:
            for at, name in enumerate(item.input):
                if name == value:
                    item.input[at] = fresh
        _insert(made, place, inserted, fresh, value)
        return made
    for item in made.graph.node:
        for at, name in enumerate(item.input):
            if name == value:
                item.input[at] = fresh
    _insert(made, place, inserted, value, fresh)
    return made


def _insert(
    made: ModelProto, place: int, inserted: tuple[NodeProto, ...], own: str, last: str
) -> None:
    for offset, item in enumerate(inserted):
        new = NodeProto()
        new.CopyFrom(item)
        for at, name in enumerate(new.input):
            new.input[at] = own if name == "<here>" else name
        for at, name in enumerate(new.output):
            new.output[at] = last if name == "<there>" else name
        made.graph.node.insert(place + offset, new)


def rewired(model: ModelProto, name: str, at: int, value: str) -> ModelProto:
    """Return the model with input ``at`` of a node reading another value; missing inputs before it are empty."""
    made = copied(model)
    item = node(made, name)
    while len(item.input) <= at:
        item.input.append("")
    item.input[at] = value
    while item.input and not item.input[-1]:
        item.input.pop()
    return made


def op(kind: str, inputs: list[str], **attributes: Sequence[int]) -> NodeProto:
    """Return a node whose output is "<there>"."""
    made = helper.make_node(kind, inputs, ["<there>"])
    made.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    return made
