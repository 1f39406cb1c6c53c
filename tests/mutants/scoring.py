"""The mutation score: every mutant with several seeds, with and without the checks that compare bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rnn_export.verifier import Outcome
from tests.mutants.catalogue import Mutant
from tests.mutants.equivalents import Equivalent
from tests.mutants.trying import ALONE, EVERY, attempt, try_model, world


@dataclass(frozen=True)
class Row:
    """What came of one mutant.

    Args:
        mutant: its name with world and form.
        single: only one thing is wrong.
        seeds: tried.
        killed, killed_by_all: by bounds and regression alone; with every check on.
        unique: named right, and nothing else named.
        located: the right layer.
        static: the static check alone sees it.
        by: the check that spoke, and how often.
    """

    mutant: str
    single: bool
    seeds: int
    killed: int
    killed_by_all: int
    unique: int
    located: int
    static: int
    by: dict[str, int]

    def and_(self, other: Row) -> Row:
        """Return the rows of two runs over different seeds as one."""
        return Row(
            self.mutant,
            self.single,
            self.seeds + other.seeds,
            self.killed + other.killed,
            self.killed_by_all + other.killed_by_all,
            self.unique + other.unique,
            self.located + other.located,
            self.static + other.static,
            dict(Counter(self.by) + Counter(other.by)),
        )


def score(mutant: Mutant, seeds: Iterable[int]) -> Row:
    """Return what comes of a mutant with some seeds."""
    found = [attempt(mutant, seed) for seed in seeds]
    return Row(
        mutant.id,
        not mutant.many,
        len(found),
        sum(item.killed for item in found),
        sum(item.killed_by_all for item in found),
        sum(item.unique for item in found),
        sum(item.located for item in found),
        sum(item.static for item in found),
        dict(Counter(item.by for item in found if item.by)),
    )


def flagged(rewrite: Equivalent, seeds: Iterable[int]) -> list[str]:
    """Return the verdicts on an equivalent rewrite that are no PASS, in words; each seed is judged twice."""
    found = []
    for seed in seeds:
        network, model, _ = world(rewrite.world, seed)
        made = rewrite.make(network, model)
        for checks in (ALONE, EVERY):
            verdict = try_model(rewrite.world, seed, made, checks)
            if verdict.outcome != Outcome.PASS:
                found.append(f"{rewrite.id}, seed {seed}: {verdict.outcome} {verdict.reason}")
    return found


@dataclass(frozen=True)
class Score:
    """The score of all mutants.

    Args:
        rows: one for each mutant.
        rewrites: how many equivalent rewrites were tried, by name.
        seeds: with how many seeds.
        alarms: verdicts on equivalent rewrites that are no PASS.
    """

    rows: tuple[Row, ...]
    rewrites: tuple[str, ...]
    seeds: int
    alarms: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """Return the figures that goals are set for."""
        tries = sum(row.seeds for row in self.rows)
        single = [row for row in self.rows if row.single]
        return {
            "mutants": len(self.rows),
            "seeds": self.seeds,
            "killed": sum(row.killed for row in self.rows) / max(tries, 1),
            "killed_with_every_check": sum(row.killed_by_all for row in self.rows) / max(tries, 1),
            "located": sum(row.located for row in self.rows) / max(tries, 1),
            "named_uniquely": sum(row.unique for row in single)
            / max(sum(row.seeds for row in single), 1),
            "seen_by_the_static_check_alone": sum(row.static for row in self.rows) / max(tries, 1),
            "equivalent_rewrites": len(self.rewrites),
            "alarms_on_rewrites": len(self.alarms),
        }

    def missed(self) -> list[str]:
        """Return the goals that are missed, in words."""
        got = self.figures()
        return [
            f"{name}: {got[name]:.3%}, wanted {least:.0%}"
            for name, least in (
                ("killed", 1.0),
                ("killed_with_every_check", 1.0),
                ("located", 1.0),
                ("named_uniquely", 0.9),
            )
            if got[name] < least
        ] + list(self.alarms)
