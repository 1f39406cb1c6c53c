"""Contenders are timed in turns, rounds go on until enough of them are calm, and the calmest count."""

from __future__ import annotations

import pytest

from rnn_export.workflows.benchmarks import rounds as module
from rnn_export.workflows.benchmarks.rounds import PATIENCE, Round, calmest, fair_share, rounds


class Clock:
    """A contender whose runs take a given time, and that notes when it was asked."""

    def __init__(self, name: str, seconds: float, asked: list[tuple[str, int]]) -> None:
        self.name = name
        self.seconds = seconds
        self.asked = asked

    def measure(self, *, repeats: int, warmup: int) -> tuple[float, ...]:
        self.asked.append((self.name, repeats))
        return (self.seconds,) * repeats


def shares(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> None:
    """Let others take these shares of the machine, round by round."""
    following = iter(values)

    class Usage:
        @classmethod
        def now(cls) -> Usage:
            return cls()

        def foreign_since(self) -> float:
            return next(following)

    monkeypatch.setattr(module, "_Usage", Usage)


def test_every_other_round_runs_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    shares(monkeypatch, [0.0] * 3)
    asked: list[tuple[str, int]] = []
    rounds({name: Clock(name, 0.001, asked) for name in "abc"}, 3, 1.0)
    calibration = 2 * 3
    assert [name for name, _ in asked[calibration:]] == list("abccbaabc")


def test_each_contender_gets_the_same_time_and_at_least_one_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shares(monkeypatch, [0.0])
    asked: list[tuple[str, int]] = []
    contenders = {"fast": Clock("fast", 0.001, asked), "slow": Clock("slow", 10.0, asked)}
    rounds(contenders, 1, 1.0, slice_seconds=0.05)
    assert asked[-2:] == [("fast", 50), ("slow", 1)]


def test_rounds_go_on_until_enough_are_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    shares(monkeypatch, [0.9, 0.0, 0.9, 0.0])
    found = rounds({"a": Clock("a", 0.01, [])}, 2, 0.1)
    assert [each.foreign for each in found] == [0.9, 0.0, 0.9, 0.0]


def test_patience_ends_where_the_machine_is_never_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    shares(monkeypatch, [0.9] * 100)
    assert len(rounds({"a": Clock("a", 0.01, [])}, 4, 0.1)) == PATIENCE * 4


def test_the_calmest_rounds_count_in_their_order() -> None:
    found = [Round({}, {}, share) for share in (0.5, 0.1, 0.9, 0.2)]
    assert calmest(found, 2) == (1, 3)


def test_a_round_holds_the_middle_run_and_the_shortest(monkeypatch: pytest.MonkeyPatch) -> None:
    shares(monkeypatch, [0.0])

    class Uneven:
        def measure(self, *, repeats: int, warmup: int) -> tuple[float, ...]:
            return (3.0, 1.0, 2.0)

    (found,) = rounds({"a": Uneven()}, 1, 1.0)
    assert (found.seconds["a"], found.least["a"]) == (2.0, 1.0)


def test_with_no_core_to_spare_others_may_take_next_to_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert fair_share(2) < fair_share(1) < 0.5
