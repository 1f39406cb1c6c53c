"""Corrupted models must be failed, named and located; rewrites that compute the same must not be touched."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from rnn_export.verifier import Checks, Outcome
from tests.mutants.catalogue import Mutant, mutants
from tests.mutants.equivalents import Equivalent, equivalents
from tests.mutants.scoring import Row, Score, score
from tests.mutants.trying import ALONE, attempt, try_model, world
from tests.mutants.worlds import WORLDS

MUTANTS = mutants()
EQUIVALENTS = equivalents()
EVERY = Checks()
SEEDS = 10
FIGURES = Path(__file__).resolve().parents[2] / "docs" / "figures" / "mutants.json"


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


@pytest.mark.parametrize("form", ["scan", "wavefront", "unrolled"])
@pytest.mark.parametrize("name", ["smooth", "double", "half"])
def test_the_right_model_passes_in_every_form(name: str, form: str) -> None:
    _, model, _ = world(name, 0, form)
    assert try_model(name, 0, model, EVERY, form).outcome == Outcome.PASS


def test_the_right_translation_of_keras_passes() -> None:
    _, model, _ = world("loop", 0, "loop")
    assert try_model("loop", 0, model, EVERY, "loop").outcome == Outcome.PASS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_is_killed_by_the_bounds_alone_and_located(mutant: Mutant) -> None:
    tried = attempt(mutant, 0)
    assert tried.killed, tried.verdict
    assert tried.killed_by_all, tried.verdict
    assert tried.located, tried.verdict.where


def test_the_mutation_score_has_not_dropped() -> None:
    found = Score(tuple(score(mutant, [0]) for mutant in MUTANTS), (), 1, ())
    assert found.missed() == []


def test_the_published_figures_are_of_these_mutants_and_reach_every_goal() -> None:
    held = json.loads(FIGURES.read_text())
    rows = tuple(Row(**row) for row in held["rows"])
    assert {row.mutant for row in rows} == {mutant.id for mutant in MUTANTS}
    assert set(held["rewrites"]) == {item.id for item in EQUIVALENTS}
    assert held["seeds"] >= SEEDS
    assert all(row.seeds >= held["seeds"] for row in rows)
    found = Score(rows, tuple(held["rewrites"]), held["seeds"], tuple(held["alarms"]))
    assert found.figures() == held["figures"]
    assert found.missed() == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_is_killed_with_every_seed_and_with_all_checks(mutant: Mutant, seed: int) -> None:
    tried = attempt(mutant, seed)
    assert tried.killed
    assert tried.killed_by_all


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
