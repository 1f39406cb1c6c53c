"""Faults of a bidirectional layer, and of direction."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto

from tests.mutants.anywhere import OfWeight, whole
from tests.mutants.changes import nudged, reverse
from tests.mutants.kinds import Change, Rng
from tests.mutants.mutant import Mutant
from tests.mutants.surgery import edit, of, plain, setting


def directions() -> Iterator[Mutant]:
    yield Mutant(
        "direction reverse",
        "single",
        setting("rnn#0", direction="reverse"),
        "rnn",
        "time runs the other way",
    )
    for at, name in enumerate(("forward", "backward")):
        layer = f"both/{name}"

        def part(change: Change, at: int = at) -> Change:
            def changed(values: np.ndarray) -> np.ndarray:
                values[at] = change(values[at].copy())
                return values

            return changed

        both = "both/forward//both/backward"
        yield Mutant(
            f"{name} R transposed",
            "both",
            plain(f"{both}/R", part(np.transpose)),
            layer,
            "kernel transposed",
        )
        yield Mutant(
            f"{name} bias dropped",
            "both",
            plain(f"{both}/B", part(np.zeros_like)),
            layer,
            "bias dropped",
        )

        def nudge(values: np.ndarray, rng: Rng, at: int = at) -> np.ndarray:
            values[at] = nudged(1e-5)(values[at].copy(), rng)
            return values

        yield Mutant(f"{name} one W +1e-5", "both", of(f"{both}/W", nudge), layer, "kernel[")

    def swapped(model: ModelProto, rng: Rng) -> ModelProto:
        for part in "WRB":
            model = edit(model, f"both/forward//both/backward/{part}", reverse)
        return model

    yield Mutant("directions swapped", "both", swapped, "both", "weights of both/backward")
    yield Mutant("norm gamma one +1e-3", "both", OfWeight("norm/gamma", nudged(1e-3)), "norm")
    yield Mutant("norm beta zero", "both", whole("norm/beta", np.zeros_like), "norm", "beta lost")
    yield Mutant("dense kernel one +1e-4", "both", of("dense/kernel", nudged(1e-4)), "dense")
