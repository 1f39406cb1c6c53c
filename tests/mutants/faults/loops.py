"""Faults in Keras' own translation, the form loop: it shows no states, so that the global bound judges.

A single weight of a lower layer is killed there, and cannot be located: only the top layer's are tried.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.mutants.anywhere import OfWeight, whole
from tests.mutants.changes import nudged, reverse, transposed
from tests.mutants.mutant import Mutant


def loops() -> Iterator[Mutant]:
    """Yield every fault of the form loop."""
    for layer in ("simple_rnn", "simple_rnn_1"):
        for kind, name, fault, named in (
            ("recurrent_kernel", "transposed", transposed, "recurrent kernel transposed"),
            ("recurrent_kernel", "zero", np.zeros_like, "recurrent kernel zero"),
            ("kernel", "reversed", reverse, "features reversed"),
        ):
            path = f"{layer}/{kind}"
            yield Mutant(f"{path} {name}", "loop", whole(path, fault), layer, named, "loop")
    for kind in ("kernel", "recurrent_kernel"):
        path = f"simple_rnn_1/{kind}"
        one = OfWeight(path, nudged(1e-4))
        yield Mutant(f"{path} one +1e-4", "loop", one, "simple_rnn_1", "", "loop")
