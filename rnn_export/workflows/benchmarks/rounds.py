"""Timing in turns: every contender is timed once in each round, so that what disturbs one disturbs all."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import psutil

SLICE = 0.03
"""Seconds that one contender is timed for in one round, at the least one run."""

PAUSE = 0.004
"""Seconds before each timing, in which the contender before comes to rest."""

SPINNING = 0.05
"""The same with several threads: onnxruntime's spin up to 0.033 s after a run, on a core the next one needs."""

PATIENCE = 3
"""Rounds for each one that is wanted, at the most, where the machine is not calm."""

MOST_REPEATS = 2000

LEAST_SHARE = 0.05
"""Of the machine: what a system does anyway."""


class Timed(Protocol):
    """Something that times itself."""

    def measure(self, *, repeats: int, warmup: int) -> tuple[float, ...]:
        """Return the seconds of each of ``repeats`` runs."""
        ...


@dataclass(frozen=True)
class Round:
    """What one round showed.

    Args:
        seconds: of each contender's middle run.
        least: of each contender's shortest run.
        foreign: processor time of everyone else, as a share of what the machine has; 0.5 on two cores is one
            core busy with something else.
    """

    seconds: Mapping[str, float]
    least: Mapping[str, float]
    foreign: float


def rounds(
    contenders: Mapping[str, Timed],
    count: int,
    share: float,
    *,
    slice_seconds: float = SLICE,
    patience: int = PATIENCE,
    pause: float = PAUSE,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Round, ...]:
    """Time every contender in turns, every other round from the last to the first, until enough rounds were calm.

    Args:
        contenders: by name.
        count: how many calm rounds are enough.
        share: of the machine that others may take in a calm round.
        slice_seconds: how long each is timed in each round.
        patience: how many rounds for each calm one that is wanted are the most.
        pause: seconds before each timing.
        tell: called after each round with how many calm ones are done, and of how many.
    """
    repeats = {}
    for name, timed in contenders.items():
        time.sleep(pause)
        repeats[name] = _repeats(timed, slice_seconds)
    found: list[Round] = []
    for number in range(patience * count):
        names = list(contenders) if number % 2 == 0 else list(contenders)[::-1]
        before = _Usage.now()
        runs = {}
        for name in names:
            time.sleep(pause)
            # The first run finds the caches full of the contender before.
            runs[name] = contenders[name].measure(repeats=repeats[name], warmup=1)
        seconds = {name: statistics.median(runs[name]) for name in contenders}
        least = {name: min(runs[name]) for name in contenders}
        found.append(Round(seconds, least, before.foreign_since()))
        enough = sum(each.foreign <= share for each in found)
        tell(enough, count)
        if enough == count:
            break
    return tuple(found)


def calmest(found: Sequence[Round], count: int) -> tuple[int, ...]:
    """Return the numbers of the ``count`` rounds in which others took the least of the machine, in order."""
    ordered = sorted(range(len(found)), key=lambda number: found[number].foreign)
    return tuple(sorted(ordered[:count]))


def fair_share(threads: int) -> float:
    """Return how much of the machine others may take without taking cores that ``threads`` threads need.

    With a core to spare, another process runs there and disturbs little; without, a thread that has to wait for
    its turn holds up all that wait for it.
    """
    cores = os.cpu_count() or 1
    return max(LEAST_SHARE, (cores - threads - LEAST_SHARE) / cores)


def _repeats(timed: Timed, slice_seconds: float) -> int:
    # Two looks: the first runs of many products are slower than all that follow.
    timed.measure(repeats=1, warmup=1)
    once = min(timed.measure(repeats=3, warmup=0))
    return max(1, min(MOST_REPEATS, round(slice_seconds / max(once, 1e-9))))


@dataclass(frozen=True)
class _Usage:
    """Processor seconds so far: of the machine, and of this process and its workers."""

    at: float
    all: float
    own: float

    @classmethod
    def now(cls) -> _Usage:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Linux counts a guest's time in user and nice as well.
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        return cls(time.perf_counter(), sum(times) - idle - guests, _own())

    def foreign_since(self) -> float:
        """Return others' share of the machine since this was taken; clocks of 10 ms make it coarse."""
        now = _Usage.now()
        others = (now.all - self.all) - (now.own - self.own)
        return max(0.0, others / (now.at - self.at) / (os.cpu_count() or 1))


def _own() -> float:
    me = psutil.Process()
    total = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
