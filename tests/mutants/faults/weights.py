"""Weights of one layer of 64 units: the prototype's list."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.mutants.changes import (
    bias_nudged,
    brain,
    doubled,
    half,
    nudged,
    one,
    reshaped,
    scaled,
    tf32,
    transposed,
)
from tests.mutants.kinds import Change, Make
from tests.mutants.mutant import Mutant
from tests.mutants.surgery import edit, of, plain


def weights() -> Iterator[Mutant]:
    def both_of(change: Change) -> Make:
        return lambda model, rng: edit(edit(model, "rnn/W", change), "rnn/R", change)

    for size in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 3e-7, 1e-7):
        for part, name in (("W", "kernel"), ("R", "recurrent_kernel")):
            # A diagnosis gives the entry; that it is the right one is another test's.
            yield Mutant(
                f"one {part} +{size:g}",
                "single",
                of(f"rnn/{part}", nudged(size)),
                "rnn",
                f"{name}[",
            )
        yield Mutant(
            f"one bias +{size:g}", "single", of("rnn/B", bias_nudged(size)), "rnn", "bias["
        )
    yield Mutant(
        "R transposed", "single", plain("rnn/R", transposed), "rnn", "recurrent kernel transposed"
    )
    yield Mutant("W reshaped", "single", plain("rnn/W", reshaped), "rnn", "reshaped instead")
    yield Mutant("bias doubled", "single", plain("rnn/B", doubled), "rnn", "bias doubled")
    yield Mutant("bias dropped", "single", plain("rnn/B", np.zeros_like), "rnn", "bias dropped")
    yield Mutant("bias negated", "single", plain("rnn/B", np.negative), "rnn", "bias negated")
    yield Mutant("R zero", "single", plain("rnn/R", np.zeros_like), "rnn", "recurrent kernel zero")
    yield Mutant("W zero", "single", plain("rnn/W", np.zeros_like), "rnn", "kernel zero")
    yield Mutant(
        "R negated", "single", plain("rnn/R", np.negative), "rnn", "recurrent kernel negated"
    )
    yield Mutant(
        "features reversed",
        "single",
        plain("rnn/W", lambda w: w[..., ::-1]),
        "rnn",
        "features reversed",
    )
    swap = plain("rnn/W", lambda w: w[..., [1, 0, *range(2, w.shape[-1])]])
    yield Mutant("two features swapped", "single", swap, "rnn", "rows 0 and 1 of the kernel")
    rows = plain("rnn/R", lambda r: r[:, [1, 0, *range(2, r.shape[-1])]])
    yield Mutant("two units of R swapped", "single", rows, "rnn", "recurrent kernel")
    yield Mutant("one R sign", "single", of("rnn/R", one(-1)), "rnn", "recurrent_kernel[")
    yield Mutant("one R zero", "single", of("rnn/R", one(0)), "rnn", "recurrent_kernel[")
    yield Mutant("one W zero", "single", of("rnn/W", one(0)), "rnn", "kernel[")
    for label, change in (("float16", half), ("bfloat16", brain), ("tf32", tf32)):
        yield Mutant(f"weights in {label}", "single", both_of(change), "rnn", label)
        yield Mutant(f"bias in {label}", "single", plain("rnn/B", change), "rnn", label)
        yield Mutant(f"R in {label}", "single", plain("rnn/R", change), "rnn", label)
    for size in (1e-3, 1e-4, 1e-5, 1e-6):
        scale = both_of(scaled(1 + size))
        yield Mutant(f"weights x (1 + {size:g})", "single", scale, "rnn", "scaled by 1.00")
