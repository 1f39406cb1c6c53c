"""Faults in files of the other forms: scan, wavefront, unrolled."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, helper

from tests.mutants.anywhere import OfWeight, whole
from tests.mutants.changes import brain, half, nudged, reverse, scaled, transposed
from tests.mutants.kinds import Make, Rng
from tests.mutants.mutant import Mutant
from tests.mutants.surgery import copied

FORMS = ("scan", "wavefront", "unrolled")


def forms() -> Iterator[Mutant]:
    """Yield every fault of the other forms."""
    for form in FORMS:
        yield from _weights(form)
    yield from _scans()
    yield from _unrolled()


def _weights(form: str) -> Iterator[Mutant]:
    def faulty(world: str, path: str, name: str, fault: OfWeight, named: str) -> Mutant:
        layer = path.rpartition("/")[0]
        return Mutant(f"{path} {name}", world, fault, layer, named, form)

    for world, path in (
        ("stack", "rnn0/kernel"),
        ("stack", "rnn1/recurrent_kernel"),
        ("stack", "rnn2/bias"),
        ("both", "both/backward/recurrent_kernel"),
        ("masked", "back/kernel"),
        ("masked", "front/recurrent_kernel"),
        ("stateful", "rnn/one/recurrent_kernel"),
        ("kinds", "rnn2/kernel"),
        ("square", "rnn1/kernel"),
        ("stack", "embedding/table"),
        ("stack", "head/kernel"),
    ):
        kind = path.rpartition("/")[2]
        yield faulty(world, path, "one +1e-4", OfWeight(path, nudged(1e-4)), f"{kind}[")
    for world, path, name, change, named in (
        ("stack", "rnn1/recurrent_kernel", "transposed", transposed, "recurrent kernel transposed"),
        ("stack", "rnn2/kernel", "in float16", half, "kernel in float16"),
        ("both", "both/backward/bias", "dropped", np.zeros_like, "bias dropped"),
        ("both", "both/forward/recurrent_kernel", "in bfloat16", brain, "kernel in bfloat16"),
        ("masked", "back/recurrent_kernel", "negated", np.negative, "recurrent kernel negated"),
        ("masked", "front/bias", "doubled", scaled(2), "bias doubled"),
        ("stateful", "rnn/two/kernel", "reversed", reverse, "features reversed"),
        ("square", "rnn2/kernel", "transposed", transposed, "kernel transposed"),
    ):
        yield faulty(world, path, name, whole(path, change), named)
    if form != "unrolled":  # An unrolled file is short: too few samples to see so little.
        for path in ("rnn/kernel", "rnn/recurrent_kernel", "rnn/bias"):
            kind = path.rpartition("/")[2]
            yield faulty("single", path, "one +1e-7", OfWeight(path, nudged(1e-7)), f"{kind}[")


def _in_body(scan: int, change: Callable[[GraphProto], None]) -> Make:
    """Return the corruption of the body of the scan with this number."""

    def make(model: ModelProto, rng: Rng) -> ModelProto:
        made = copied(model)
        nodes = [item for item in made.graph.node if item.op_type == "Scan"]
        change(next(item.g for item in nodes[scan].attribute if item.name == "body"))
        return made

    return make


def _first(graph: GraphProto, kind: str) -> NodeProto:
    found: NodeProto = next(item for item in graph.node if item.op_type == kind)
    return found


def _retyped(kind: str, other: str) -> Callable[[GraphProto], None]:
    def change(graph: GraphProto) -> None:
        _first(graph, kind).op_type = other

    return change


def _unmasked(graph: GraphProto) -> None:
    """Let every step change the state."""
    where = _first(graph, "Where")
    where.op_type = "Identity"
    del where.input[2], where.input[0]


def _late(graph: GraphProto) -> None:
    """Show the state before each step."""
    _first(graph, "Identity").input[0] = graph.input[0].name


def _turned(model: ModelProto, rng: Rng) -> ModelProto:
    made = copied(model)
    scan = next(item for item in made.graph.node if item.op_type == "Scan")
    for name in ("scan_input_directions", "scan_output_directions"):
        scan.attribute.append(helper.make_attribute(name, [1]))
    return made


def _scans() -> Iterator[Mutant]:
    for at, kind in enumerate(("Softsign", "Sigmoid", "Relu")):
        change = _in_body(at, _retyped("Tanh", kind))
        name = f"activation {kind.lower()}"
        yield Mutant(f"rnn{at} {name}", "stack", change, f"rnn{at}", name, "scan")
    yield Mutant("time turned", "single", _turned, "rnn", "time runs the other way", "scan")
    for at, layer in enumerate(("back", "front")):
        gone = _in_body(at, _unmasked)
        yield Mutant(f"mask of {layer} ignored", "masked", gone, layer, "mask ignored", "scan")
    late = _in_body(0, _late)
    yield Mutant("state before each step shown", "single", late, "rnn", "one step late", "scan")
    for at, kind, name, value in ((2, "Elu", "alpha", 0.5), (2, "Elu", "alpha", 1.25)):
        other = _in_body(at, _parametrised(kind, name, value))
        yield Mutant(f"{kind} {value}", "kinds", other, f"rnn{at}", f"={value:g}", "scan")


def _parametrised(kind: str, name: str, value: float) -> Callable[[GraphProto], None]:
    def change(graph: GraphProto) -> None:
        node = _first(graph, kind)
        del node.attribute[:]
        node.attribute.append(helper.make_attribute(name, value))

    return change


def _step(step: int, operand: int, of: int) -> Make:
    """Return the corruption by which one step of an unrolled layer reads what another one reads."""

    def make(model: ModelProto, rng: Rng) -> ModelProto:
        made = copied(model)
        states = {item.output[0] for item in made.graph.node if item.op_type == "Tanh"}
        steps = [
            item for item in made.graph.node if item.op_type == "Gemm" and item.input[0] in states
        ]
        # The first step has no product; they are in order of time.
        steps[step - 1].input[operand] = steps[of - 1].input[operand]
        return made

    return make


def _exchanged(model: ModelProto, rng: Rng) -> ModelProto:
    made = copied(model)
    # The states are joined in several nodes, in order of time.
    joined = next(item for item in made.graph.node if item.op_type == "Concat")
    joined.input[3], joined.input[4] = joined.input[4], joined.input[3]
    return made


def _unrolled() -> Iterator[Mutant]:
    stale = _step(4, 0, 3)
    named = "state of the step before the last"
    yield Mutant("step 4 takes a stale state", "single", stale, "rnn", named, "unrolled")
    again = _step(6, 2, 5)
    named = "input of the step before"
    yield Mutant("step 6 takes the input of step 5", "single", again, "rnn", named, "unrolled")
    named = "steps 3 and 4 exchanged"
    yield Mutant("steps of the output exchanged", "single", _exchanged, "rnn", named, "unrolled")
