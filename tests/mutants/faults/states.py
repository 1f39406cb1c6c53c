"""Initial states that are lost, stale or exchanged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, helper

from tests.mutants.changes import transposed
from tests.mutants.kinds import Make, Rng
from tests.mutants.mutant import Mutant
from tests.mutants.surgery import constant, copied, node, plain, rewired, wiring_to


def states() -> Iterator[Mutant]:
    for name, size in (("", 0.5), (" 1e-4", 1e-4)):
        stale = _started("rnn#0", 64, size)
        yield Mutant(f"spurious initial state{name}", "single", stale, "rnn", "initial state")
    for name in ("one", "two"):
        path = f"rnn#0/{name}"
        lost = wiring_to(path, 5, "")
        yield Mutant(f"state of cell {name} lost", "stateful", lost, path, "initial state lost")
        change = plain(f"rnn/{name}/R", transposed)
        yield Mutant(f"cell {name} R transposed", "stateful", change, path, "kernel transposed")
    yield Mutant("states swapped", "stateful", _states_swapped, "rnn#0/one", "initial state")
    yield Mutant(
        "state outputs swapped", "stateful", _outputs_swapped, "rnn", "last step of rnn#0/two"
    )


def _started(name: str, units: int, size: float) -> Make:
    return lambda model, rng: _initial(model, name, units, size, rng)


def _initial(model: ModelProto, name: str, units: int, size: float, rng: Rng) -> ModelProto:
    """Give a node a constant initial state, broadcast to the batch."""
    made = copied(model)
    item = node(made, name)
    place = list(made.graph.node).index(item)
    constant(made, "m/h", (size * rng.standard_normal((1, 1, units))).astype(np.float32))
    constant(made, "m/one", np.array([1], np.int64))
    constant(made, "m/units", np.array([units], np.int64))
    constant(made, "m/batch", np.array([1], np.int64))
    nodes = [
        helper.make_node("Shape", [item.input[0]], ["m/shape"]),
        helper.make_node("Gather", ["m/shape", "m/batch"], ["m/n"]),
        helper.make_node("Concat", ["m/one", "m/n", "m/units"], ["m/full"], axis=0),
        helper.make_node("Expand", ["m/h", "m/full"], ["m/h0"]),
    ]
    for offset, new in enumerate(nodes):
        made.graph.node.insert(place + offset, new)
    return rewired(made, name, 5, "m/h0")


def _states_swapped(model: ModelProto, rng: Rng) -> ModelProto:
    one_, two = node(model, "rnn#0/one").input[5], node(model, "rnn#0/two").input[5]
    return rewired(rewired(model, "rnn#0/one", 5, two), "rnn#0/two", 5, one_)


def _outputs_swapped(model: ModelProto, rng: Rng) -> ModelProto:
    made = copied(model)
    names = {"rnn_1": "rnn_2", "rnn_2": "rnn_1"}
    for item in made.graph.node:
        for at, name in enumerate(item.output):
            item.output[at] = names.get(name, name)
    return made
