"""Values taken from, or put, where they do not belong: another step, another row, another layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from onnx import ModelProto, NodeProto, helper

from tests.mutants.changes import transposed
from tests.mutants.kinds import Make, Rng
from tests.mutants.mutant import Mutant
from tests.mutants.surgery import (
    after,
    before,
    constant,
    copied,
    initializer,
    node,
    op,
    plain,
    put,
)

Nodes = Callable[[ModelProto], list[NodeProto]]


def _reversed_in_time(axis: int) -> Nodes:
    def nodes(model: ModelProto) -> list[NodeProto]:
        bounds = {
            "m/start": [-1],
            "m/end": [np.iinfo(np.int64).min],
            "m/axis": [axis],
            "m/step": [-1],
        }
        for name, values in bounds.items():
            constant(model, name, np.array(values, np.int64))
        return [op("Slice", ["<here>", *bounds])]

    return nodes


def _shifted(axis: int, late: bool) -> Nodes:
    """Return nodes that shift a sequence by one step and put zeros where nothing comes."""

    def nodes(model: ModelProto) -> list[NodeProto]:
        start, end = ([0], [-1]) if late else ([1], [np.iinfo(np.int64).max])
        pads = np.zeros(6, np.int64)
        pads[axis if late else axis + 3] = 1
        for name, values in (("m/start", start), ("m/end", end), ("m/axis", [axis])):
            constant(model, name, np.array(values, np.int64))
        constant(model, "m/pads", pads)
        cut = helper.make_node("Slice", ["<here>", "m/start", "m/end", "m/axis"], ["m/cut"])
        return [cut, op("Pad", ["m/cut", "m/pads"])]

    return nodes


def _inserted_before(name: str, at: int, nodes: Nodes) -> Make:
    def make(model: ModelProto, rng: Rng) -> ModelProto:
        made = copied(model)
        return before(made, name, at, *nodes(made))

    return make


def _inserted_after(value: str, nodes: Nodes) -> Make:
    def make(model: ModelProto, rng: Rng) -> ModelProto:
        made = copied(model)
        return after(made, value, *nodes(made))

    return make


def wiring() -> Iterator[Mutant]:
    yield Mutant(
        "input reversed",
        "single",
        _inserted_before("rnn#0", 0, _reversed_in_time(0)),
        "rnn",
        "time runs the other way",
    )
    yield Mutant(
        "input one step late",
        "single",
        _inserted_before("rnn#0", 0, _shifted(0, True)),
        "rnn",
        "one step late",
    )
    yield Mutant(
        "input one step early",
        "single",
        _inserted_before("rnn#0", 0, _shifted(0, False)),
        "rnn",
        "one step early",
    )
    yield Mutant(
        "output one step late",
        "single",
        _inserted_after("rnn", _shifted(1, True)),
        "rnn",
        "one step late",
    )
    yield Mutant(
        "output one step early",
        "single",
        _inserted_after("rnn", _shifted(1, False)),
        "rnn",
        "one step early",
    )
    yield Mutant(
        "output reversed",
        "single",
        _inserted_after("rnn", _reversed_in_time(1)),
        "rnn",
        "reversed in time",
    )
    yield Mutant(
        "rows reversed",
        "single",
        _inserted_after("rnn", _reversed_in_time(0)),
        "rnn",
        "batch rows reversed",
    )
    yield Mutant(
        "units reversed",
        "single",
        _inserted_after("rnn", _reversed_in_time(2)),
        "rnn",
        "units reversed",
    )
    yield Mutant("last unit +1e-3", "single", _inserted_after("rnn", _tail), "rnn", "added")
    yield Mutant("output negated", "single", _inserted_after("rnn", _negated), "rnn", "negated")

    def first(model: ModelProto, rng: Rng) -> ModelProto:
        """Take the state after the first step for the one after the last."""
        made = copied(model)
        item = node(made, "rnn2#0")
        squeeze = node(made, "rnn2#0/Squeeze")
        while len(item.output) < 2:
            item.output.append("")
        item.output[0] = "m/y"
        constant(made, "m/zero", np.array([0], np.int64))
        place = list(made.graph.node).index(squeeze)
        made.graph.node.insert(
            place, helper.make_node("Gather", ["m/y", "m/zero"], ["m/first"], axis=0)
        )
        constant(made, "m/axes", np.array([0, 1], np.int64))
        squeeze.input[0], squeeze.input[1] = "m/first", "m/axes"
        return made

    yield Mutant("first state for last", "stack", first, "rnn2", "first step for last")
    yield Mutant("layers 1 and 2 swapped", "square", _layers_swapped, "rnn1", "weights of rnn2")
    yield Mutant("layer 1 skipped", "square", _skipped("rnn1"), "rnn2", "which is skipped")
    yield Mutant("layer 0 skipped", "square", _skipped("rnn0"), "rnn1", "which is skipped")
    transposed_w = plain("rnn1/W", transposed)
    yield Mutant("W transposed", "square", transposed_w, "rnn1", "kernel transposed")

    def crossed(model: ModelProto, rng: Rng) -> ModelProto:
        w, r = initializer(model, "rnn1/W"), initializer(model, "rnn1/R")
        return put(put(model, "rnn1/W", r), "rnn1/R", w)

    yield Mutant(
        "W and R crossed", "square", crossed, "rnn1", "kernel and recurrent kernel swapped"
    )
    yield Mutant("added for subtracted", "both", _kind("sum#0/Sub", "Add"), "sum", "merged by add")

    def turned(model: ModelProto, rng: Rng) -> ModelProto:
        made = copied(model)
        item = node(made, "sum#0/Sub")
        item.input[0], item.input[1] = item.input[1], item.input[0]
        return made

    yield Mutant("subtracted the other way", "both", turned, "sum", "inputs swapped")


def _tail(model: ModelProto) -> list[NodeProto]:
    values = np.zeros(64, np.float32)
    values[-1] = 1e-3
    return [op("Add", ["<here>", constant(model, "m/tail", values)])]


def _negated(model: ModelProto) -> list[NodeProto]:
    return [op("Neg", ["<here>"])]


def _kind(kind: str, other: str) -> Make:
    def make(model: ModelProto, rng: Rng) -> ModelProto:
        made = copied(model)
        node(made, kind).op_type = other
        return made

    return make


def _layers_swapped(model: ModelProto, rng: Rng) -> ModelProto:
    made = model
    for part in "WRB":
        one_, two = initializer(model, f"rnn1/{part}"), initializer(model, f"rnn2/{part}")
        made = put(put(made, f"rnn1/{part}", two), f"rnn2/{part}", one_)
    return made


def _skipped(layer: str) -> Make:
    """Return a corruption by which a layer's input is handed on as its output."""

    def make(model: ModelProto, rng: Rng) -> ModelProto:
        item = node(model, f"{layer}#0")
        squeeze = node(model, f"{layer}#0/Squeeze")
        made = copied(model)
        for other in made.graph.node:
            for at, name in enumerate(other.input):
                if name == squeeze.output[0] and other.name != squeeze.name:
                    other.input[at] = item.input[0]
        return made

    return make
