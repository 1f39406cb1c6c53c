"""Form scan with the products with the input in the body, as large fixed batches get it: faults are found as well."""

from __future__ import annotations

from functools import lru_cache
from unittest.mock import patch

import numpy as np
import pytest
from onnx import ModelProto

from rnn_export.exporters import export
from rnn_export.exporters.recurrent import stacking
from rnn_export.network import Network
from rnn_export.verifier import Checks, InputSet, Outcome, design
from rnn_export.verifier.static import check_weights
from tests.mutants import trying
from tests.mutants.anywhere import OfWeight
from tests.mutants.catalogue import mutants
from tests.mutants.mutant import Mutant
from tests.mutants.trying import Tried
from tests.mutants.worlds import WORLDS

NAMES = ("single", "stack", "square", "both", "masked", "kinds")
MUTANTS = [
    mutant
    for mutant in mutants()
    if mutant.form == "scan" and mutant.world in NAMES and isinstance(mutant.make, OfWeight)
]


@lru_cache
def chained(name: str, seed: int, form: str) -> tuple[Network, ModelProto, tuple[InputSet, ...]]:
    network = WORLDS[name](seed)
    with patch.object(stacking, "chains", lambda *asked: True):
        model = export(network, form="scan").model
    return network, model, design(network, seed=seed, kinds=("odd", "long"))


@lru_cache
def attempt(mutant: Mutant) -> Tried:
    with patch.object(trying, "world", chained):
        return trying.attempt.__wrapped__(mutant, 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_right_model_passes_and_every_weight_stands_in_it(name: str) -> None:
    network, model, _ = chained(name, 0, "scan")
    weights = trying._weights(model)
    found = check_weights(network, weights)
    assert not found.faults
    assert not found.skipped
    with patch.object(trying, "world", chained):
        assert trying.try_model(name, 0, model, Checks(), "scan").outcome == Outcome.PASS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_is_killed_by_the_bounds_alone_and_located(mutant: Mutant) -> None:
    tried = attempt(mutant)
    assert tried.killed, tried.verdict
    assert tried.located, tried.verdict.where


def test_nine_of_ten_mutants_are_named_and_nothing_else() -> None:
    assert len(MUTANTS) >= 15
    assert np.mean([attempt(mutant).unique for mutant in MUTANTS]) >= 0.9
