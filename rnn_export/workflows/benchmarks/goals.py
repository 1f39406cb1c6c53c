"""What benchmarks over a grid say of the goals: the choice of the form, the peers, the floor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from rnn_export.workflows.benchmarks.figures import Ratio, paired_ratio
from rnn_export.workflows.benchmarks.result import Benchmark, Entry, Point


@dataclass(frozen=True)
class Against:
    """Our best file on its best runtime against one peer over the grid.

    Args:
        peer: its name.
        faster: shapes where ours took less time, by the median of paired ratios.
        shorter: shapes where our shortest run was shorter, which a busy machine tells better.
        shapes: where both ran.
        slower: the others, with our time to the peer's.
    """

    peer: str
    faster: int
    shorter: int
    shapes: int
    slower: Mapping[str, float]


@dataclass(frozen=True)
class Chosen:
    """How good the form is that was chosen for a target at one shape.

    Args:
        shape: in words.
        form: chosen.
        best: the fastest form there.
        ratio: of the chosen one's time to the best one's; 1 where they are the same.
    """

    shape: str
    form: str
    best: str
    ratio: Ratio

    @property
    def good(self) -> bool:
        """Whether it is the best, or its interval reaches below 1.10."""
        return self.form == self.best or self.ratio.lower < 1.10


def label(benchmark: Benchmark, point: Point) -> str:
    """Return a shape in words: "3x64 of 32, B1 T100"."""
    return f"{benchmark.words}, B{point.batch} T{point.time}"


def ours(point: Point, runtimes: Sequence[str] = (), way: str | None = None) -> Entry | None:
    """Return our fastest entry, on one of some runtimes and in one way if given."""
    timed = [
        entry
        for entry in point.entries
        if not entry.peer
        and entry.seconds
        and (not runtimes or entry.runtime in runtimes)
        and way in (None, entry.way)
    ]
    return timed[0] if timed else None  # fastest first


def theirs(point: Point, peer: str) -> Entry | None:
    """Return a peer's fastest entry, in whatever way it is run."""
    timed = [entry for entry in point.entries if entry.peer and entry.runtime == peer]
    return next((entry for entry in timed if entry.seconds), None)  # fastest first


def shortest(point: Point, runtimes: Sequence[str] = (), *, peers: bool = False) -> float:
    """Return the seconds of the shortest run of any of our entries, or of peers'; infinity where there is none."""
    timed = (
        entry.least
        for entry in point.entries
        if entry.peer == peers and (not runtimes or entry.runtime in runtimes)
    )
    return min((least for least in timed if least), default=inf)


def against(benchmarks: Iterable[Benchmark], peer: str, runtimes: Sequence[str] = ()) -> Against:
    """Return how our best compares with a peer, by the median of paired ratios at each shape."""
    faster, shorter = 0, 0
    slower: dict[str, float] = {}
    for benchmark, point in _points(benchmarks):
        best = ours(point, runtimes)
        other = theirs(point, peer)
        if best is None or other is None:
            continue
        ratio = paired_ratio(point.times(best), point.times(other)).median
        shorter += shortest(point, runtimes) < shortest(point, (peer,), peers=True)
        if ratio < 1.0:
            faster += 1
        else:
            slower[label(benchmark, point)] = ratio
    return Against(peer, faster, shorter, faster + len(slower), slower)


def chosen(benchmark: Benchmark, point: Point, form: str, runtime: str) -> Chosen | None:
    """Return how good a chosen form is on a runtime that has all rows and threads; None where it was not timed."""
    best = ours(point, (runtime,), way="")
    entry = next(
        (
            each
            for each in point.entries
            if (each.form, each.runtime, each.way) == (form, runtime, "") and each.seconds
        ),
        None,
    )
    if best is None or entry is None:
        return None
    ratio = paired_ratio(point.times(entry), point.times(best))
    return Chosen(label(benchmark, point), form, best.form, ratio)


def _points(benchmarks: Iterable[Benchmark]) -> Iterator[tuple[Benchmark, Point]]:
    for benchmark in benchmarks:
        for point in benchmark.points:
            yield benchmark, point
