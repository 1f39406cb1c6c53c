"""Masks ignored, mistaken, or heeded where they should not be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto

from tests.mutants.changes import nudged, nudged_row, rolled, transposed
from tests.mutants.kinds import Rng
from tests.mutants.mutant import Mutant
from tests.mutants.surgery import (
    constant,
    copied,
    initializer,
    node,
    of,
    plain,
    setting,
    wiring_to,
)


def masks() -> Iterator[Mutant]:
    for layer in ("back", "front"):
        yield Mutant(
            f"{layer} R transposed",
            "masked",
            plain(f"{layer}/R", transposed),
            layer,
            "kernel transposed",
        )
        one = of(f"{layer}/R", nudged(1e-4))
        yield Mutant(f"{layer} one R +1e-4", "masked", one, layer, "recurrent_kernel[")
    # The valid steps stand in the order of processing, and the node runs forwards over them.
    turned = setting("back#0", direction="reverse")
    yield Mutant("back runs the other way", "masked", turned, "back", "time runs the other way")
    lost = wiring_to("back#0", 5, "")
    yield Mutant("initial state lost", "masked", lost, "back", "initial state lost")
    yield Mutant("another masking value", "masked", _value, "mask", "another masking value")
    yield Mutant("mask ignored", "tokens", _value, "rnn", "mask")
    yield Mutant(
        "one table entry +1e-4",
        "tokens",
        of("embedding/table", nudged_row(1e-4)),
        "embedding",
        "table[",
    )
    shift = plain("embedding/table", rolled(-1))
    yield Mutant("table shifted back", "tokens", shift, "embedding", "rows shifted back")
    yield Mutant(
        "zeros for held outputs", "masked", _zeros, "back", "zero_output_for_mask the other way"
    )


def _value(model: ModelProto, rng: Rng) -> ModelProto:
    """Compare with a number that never comes, so that nothing is masked."""
    made = copied(model)
    equal = next(item for item in made.graph.node if item.op_type == "Equal")
    kind = initializer(model, equal.input[1]).dtype
    equal.input[1] = constant(made, "m/value", np.array(77, kind))
    return made


def _zeros(model: ModelProto, rng: Rng) -> ModelProto:
    """Put out 0 at masked steps where the last output should be held."""
    made = copied(model)
    where = node(made, "front#0/Where_1")
    mask = next(item for item in made.graph.node if item.name == "mask#0/Cast_1")
    unsqueeze = node(made, "front#0/Unsqueeze_2")
    assert where.input[0] == unsqueeze.output[0]
    unsqueeze.input[0] = mask.output[0]
    return made
