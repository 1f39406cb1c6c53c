"""What a benchmark is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

RUNTIMES = ("onnxruntime:cpu",)
ROUNDS = 15
TIME_LIMIT = 600.0
"""Seconds for any one request: torch.compile takes minutes where it unrolls the time steps."""


@dataclass(frozen=True)
class Asked:
    """What `bench` is asked for, beside the source.

    Args:
        forms: of our files; one that cannot carry the network as asked says so in the result.
        runtimes: that run them.
        peers: names of `peers.table.PEERS`.
        sizes: (batch, time) pairs.
        fixed: axes of our files whose size is fixed, as `export --batch N --time N` does; some graphs are chosen by
            them. Others stay symbolic.
        threads: within an operator, for everyone.
        callers: more than one times everything a second time, called by so many threads at once, each with its share
            of the rows and of ``threads``, where the batch divides; by fewer where there are fewer rows.
        rounds: how often each contender is timed at each size with the machine calm; 6 are the least that give
            an interval.
        patience: how many rounds at the most for each one that is asked for, where the machine is not calm.
        slice_seconds: how long each is timed in each round.
        folder: where models and translations of described networks are kept for the next benchmark; None for none.
        floor: measure the floor too.
        tell: called with a line before each step.
        interpreters: runtime's or peer's runtime name to the Python it runs in, before the environment's
            ``RNN_EXPORT_INTERPRETER_...``.
    """

    forms: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = RUNTIMES
    peers: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ((1, 100), (32, 100))
    fixed: tuple[str, ...] = ("batch", "time")
    threads: int = 1
    callers: int = 1
    rounds: int = ROUNDS
    patience: int = 3
    slice_seconds: float = 0.03
    folder: Path | None = None
    floor: bool = True
    tell: Callable[[str], None] = lambda text: None
    interpreters: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.callers < 1 or self.threads % self.callers:
            raise ValueError(
                f"callers: expected a number that divides {self.threads} thread(s), got {self.callers}"
            )
