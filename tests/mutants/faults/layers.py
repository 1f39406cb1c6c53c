"""Weights of each layer of a stack, of its embedding and of its head."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.mutants.changes import brain, half, nudged, reverse, rolled, scaled, transposed
from tests.mutants.mutant import Mutant
from tests.mutants.surgery import of, plain


def layers() -> Iterator[Mutant]:
    for at in range(3):
        layer = f"rnn{at}"
        yield Mutant(
            f"{layer} one R +1e-4",
            "stack",
            of(f"{layer}/R", nudged(1e-4)),
            layer,
            "recurrent_kernel[",
        )
        yield Mutant(
            f"{layer} R transposed",
            "stack",
            plain(f"{layer}/R", transposed),
            layer,
            "kernel transposed",
        )
        yield Mutant(
            f"{layer} bias dropped",
            "stack",
            plain(f"{layer}/B", np.zeros_like),
            layer,
            "bias dropped",
        )
        yield Mutant(
            f"{layer} R in bfloat16",
            "stack",
            plain(f"{layer}/R", brain),
            layer,
            "kernel in bfloat16",
        )
        yield Mutant(
            f"{layer} W in float16", "stack", plain(f"{layer}/W", half), layer, "kernel in float16"
        )
    table = "embedding/table"
    yield Mutant("table one +1e-4", "stack", of(table, nudged(1e-4)), "embedding", "table[")
    yield Mutant("table one +1e-7", "stack", of(table, nudged(1e-7)), "embedding", "table[")
    yield Mutant(
        "table shifted",
        "stack",
        plain(table, rolled(1)),
        "embedding",
        "rows shifted by one",
    )
    yield Mutant("table reversed", "stack", plain(table, reverse), "embedding", "rows reversed")
    yield Mutant("table in float16", "stack", plain(table, half), "embedding", "table in float16")
    yield Mutant("head one +1e-4", "stack", of("head/kernel", nudged(1e-4)), "head", "kernel[")
    yield Mutant(
        "head bias dropped", "stack", plain("head/bias", np.zeros_like), "head", "bias dropped"
    )
    yield Mutant(
        "head bias doubled", "stack", plain("head/bias", scaled(2)), "head", "bias doubled"
    )
    yield Mutant(
        "head units reversed",
        "stack",
        plain("head/kernel", lambda k: k[:, ::-1]),
        "head",
        "units reversed",
    )
    yield Mutant(
        "head in bfloat16", "stack", plain("head/kernel", brain), "head", "kernel in bfloat16"
    )
