"""Faults in files that compute in float64 or float16."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.mutants.anywhere import OfWeight, whole
from tests.mutants.changes import nudged, transposed
from tests.mutants.mutant import Mutant


def dtypes() -> Iterator[Mutant]:
    """Yield every fault of float64 and float16 files."""
    for form in ("rnn", "scan"):
        for world, size in (("double", 1e-12), ("half", 0.02)):
            for path in ("rnn0/kernel", "rnn1/recurrent_kernel", "rnn1/bias"):
                layer, _, kind = path.rpartition("/")
                one = OfWeight(path, nudged(size))
                yield Mutant(f"{path} one +{size:g}", world, one, layer, f"{kind}[", form)
            path = "rnn0/recurrent_kernel"
            for name, fault, named in (
                ("transposed", whole(path, transposed), "recurrent kernel transposed"),
                ("zero", whole(path, np.zeros_like), "recurrent kernel zero"),
                ("in bfloat16", whole(path, _brain), "recurrent kernel in bfloat16"),
            ):
                yield Mutant(f"{path} {name}", world, fault, "rnn0", named, form)
        path = "rnn1/kernel"
        single = whole(path, _single)
        yield Mutant(f"{path} in float32", "double", single, "rnn1", "kernel in float32", form)


def _single(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).astype(values.dtype)


def _brain(values: np.ndarray) -> np.ndarray:
    import ml_dtypes

    return values.astype(ml_dtypes.bfloat16).astype(values.dtype)
