"""Corrupted models must be failed, named and located; rewrites that compute the same must not be touched."""

from __future__ import annotations

from collections import Counter

import pytest

from rnn_export.verifier import Checks, Outcome
from tests.mutants.catalogue import Mutant, mutants
from tests.mutants.equivalents import Equivalent, equivalents
from tests.mutants.trying import ALONE, attempt, try_model, world
from tests.mutants.worlds import WORLDS

MUTANTS = mutants()
EQUIVALENTS = equivalents()
EVERY = Checks()


def test_there_are_enough_of_both_and_no_name_comes_twice() -> None:
    assert len(MUTANTS) >= 80
    assert len(EQUIVALENTS) >= 10
    names = Counter([item.id for item in MUTANTS] + [item.id for item in EQUIVALENTS])
    assert max(names.values()) == 1


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", WORLDS)
def test_the_right_model_passes(name: str, seed: int) -> None:
    _, model, _ = world(name, seed)
    for checks in (ALONE, EVERY):
        assert try_model(name, seed, model, checks).outcome == Outcome.PASS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_is_killed_by_the_bounds_alone_and_located(mutant: Mutant) -> None:
    tried = attempt(mutant, 0)
    assert tried.killed, tried.verdict
    assert tried.located, tried.verdict.where


def test_nine_of_ten_mutants_are_named_and_nothing_else() -> None:
    named = [mutant for mutant in MUTANTS if mutant.named]
    right = [mutant for mutant in named if attempt(mutant, 0).unique]
    assert len(right) >= 0.9 * len(named)
    assert len(named) >= 0.9 * len(MUTANTS)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_is_killed_with_every_seed_and_with_all_checks(mutant: Mutant, seed: int) -> None:
    assert attempt(mutant, seed).killed
    assert attempt(mutant, seed, EVERY).killed


@pytest.mark.parametrize("rewrite", EQUIVALENTS, ids=lambda rewrite: rewrite.id)
@pytest.mark.parametrize("checks", [ALONE, EVERY], ids=["bounds alone", "every check"])
def test_a_rewrite_that_computes_the_same_passes(rewrite: Equivalent, checks: Checks) -> None:
    network, model, _ = world(rewrite.world, 0)
    verdict = try_model(rewrite.world, 0, rewrite.make(network, model), checks)
    assert verdict.outcome == Outcome.PASS, verdict


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1, 10))
@pytest.mark.parametrize("rewrite", EQUIVALENTS, ids=lambda rewrite: rewrite.id)
def test_a_rewrite_passes_with_every_seed(rewrite: Equivalent, seed: int) -> None:
    network, model, _ = world(rewrite.world, seed)
    verdict = try_model(rewrite.world, seed, rewrite.make(network, model), ALONE)
    assert verdict.outcome == Outcome.PASS, verdict
