"""bench: every contender at every size, in turns, with the floor measured in the same rounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from rnn_export import presets
from rnn_export.builders import reference
from rnn_export.errors import RuntimeUnavailable
from rnn_export.network import Network
from rnn_export.readers import read
from rnn_export.runtimes import OnnxFile, Unavailable
from rnn_export.workflows.benchmarks import floors
from rnn_export.workflows.benchmarks.asked import Asked
from rnn_export.workflows.benchmarks.contenders import Contender, Fed, Gathering, Workers
from rnn_export.workflows.benchmarks.figures import paired_ratio, spread
from rnn_export.workflows.benchmarks.machine import Machine, describe_machine
from rnn_export.workflows.benchmarks.result import Benchmark, Entry, Floor, Point
from rnn_export.workflows.benchmarks.rounds import (
    PAUSE,
    SPINNING,
    Round,
    calmest,
    fair_share,
    rounds,
)
from rnn_export.workflows.benchmarks.work import Work, work
from rnn_export.workflows.examples import example
from rnn_export.workflows.shapes import in_words, shape_of
from rnn_export.workflows.sources import Opened, opened

FLOOR_RUNTIME = "onnxruntime:cpu"


def bench(source: Any, asked: Asked | None = None, **changes: Any) -> Benchmark:
    """Return how fast a model runs in each form on each runtime, beside peers and the floor.

    Args:
        source: a `.keras` or `.h5` file, a live keras.Model, a preset's name, a TOML description, a network.
        asked: what to time and how.
        changes: to ``asked``, by name (``forms=("rnn",)``).

    Raises:
        ReadError: a source that is missing or cannot be read.
        UnknownRuntime: a name that no runtime has.
    """
    asked = replace(asked or Asked(), **changes)
    (found,) = benchmarks([(source, asked.sizes)], asked)
    return found


def benchmarks(
    runs: Iterable[tuple[Any, Sequence[tuple[int, int]]]], asked: Asked
) -> Iterator[Benchmark]:
    """Yield one benchmark after the other; workers start once and stay for all, which saves most of the time.

    Args:
        runs: sources, each with its own sizes (batch, time).
        asked: all else.
    """
    with ExitStack() as stack:
        workers = Workers(asked, stack)
        machine = describe_machine()
        for source, sizes in runs:
            asked.tell("reading the source")
            with TemporaryDirectory(prefix="rnn_export-") as made:
                folder = Path(made)
                if asked.folder is not None and isinstance(source, Network):
                    folder = asked.folder / source.digest[:16]
                    folder.mkdir(parents=True, exist_ok=True)
                with _opened(source, folder, asked) as found:
                    gathering = Gathering(found, workers, folder)
                    points = tuple(_point(gathering, batch, time) for batch, time in sizes)
                    yield _benchmark(found, machine, points)


def _benchmark(found: Opened, machine: Machine, points: tuple[Point, ...]) -> Benchmark:
    network = found.network
    words, shape = in_words(network), shape_of(network)
    return Benchmark(found.name, network.digest, words, shape, network.parameters, machine, points)


@contextmanager
def _opened(source: Any, folder: Path, asked: Asked) -> Iterator[Opened]:
    """Open a source; a description becomes a Keras file, which takes seconds, only where a peer needs one."""
    if not asked.peers and isinstance(source, str) and source in presets.names():
        source = presets.network(source)
    if not asked.peers and isinstance(source, Network):
        yield Opened(source.source.name, source, None, "no peer was asked for")
        return
    kept = folder / "model.keras"
    if isinstance(source, Network) and kept.exists():
        yield Opened(source.source.name, read(kept), kept)
        return
    with opened(source, folder) as found:
        yield found


def _point(gathering: Gathering, batch: int, time: int) -> Point:
    asked = gathering.workers.asked
    network = gathering.opened.network
    feeds = example(network, batch, time)
    asked.tell(f"batch {batch}, time {time}: the reference")
    exact = list(reference.run(network, feeds, np.float64).values())
    contenders = list(gathering.contenders(batch, time, feeds))
    running = {each.entry.name: each.fed for each in contenders if each.fed}
    sums = work(network, batch, time)
    rates = _rates(gathering, sums) if asked.floor else {}
    found = rounds(
        {**rates, **running},
        asked.rounds,
        fair_share(asked.threads),
        slice_seconds=asked.slice_seconds,
        patience=asked.patience,
        pause=PAUSE if asked.threads == 1 else SPINNING,
        tell=lambda done, of: asked.tell(f"batch {batch}, time {time}: {done} of {of} rounds"),
    )
    counted = calmest(found, asked.rounds)
    quiet = [found[number] for number in counted]
    bottom = _floor(sums, rates, found)
    entries = [_entry(each, exact, found, quiet, bottom) for each in contenders]
    for fed in (*rates.values(), *running.values()):
        fed.session.close()
    return Point(
        batch,
        time,
        asked.threads,
        bottom,
        _ranked(entries, quiet),
        tuple(each.foreign for each in found),
        fair_share(asked.threads),
        counted,
    )


def _rates(gathering: Gathering, sums: Work) -> dict[str, Fed]:
    """Open the models whose times give the floor; none where onnxruntime is missing."""
    connection = gathering.workers.connect(FLOOR_RUNTIME)
    if isinstance(connection.probe(), Unavailable):
        return {}
    try:
        return {
            name: Fed(
                gathering.workers.stack.enter_context(connection.open(OnnxFile(path))), {"x": x}
            )
            for name, (path, x) in floors.rate_models(sums, gathering.folder).items()
        }
    except RuntimeUnavailable:
        return {}


def _floor(sums: Work, rates: Mapping[str, Fed], found: Sequence[Round]) -> Floor | None:
    if not rates:
        return None
    seconds = {name: min(each.least[name] for each in found) for name in rates}
    sides = {name: int(fed.feeds["x"].shape[-1]) for name, fed in rates.items()}
    return floors.floor(sums, seconds, sides)


def _entry(
    contender: Contender,
    exact: Sequence[np.ndarray],
    found: Sequence[Round],
    quiet: Sequence[Round],
    bottom: Floor | None,
) -> Entry:
    entry, fed = contender.entry, contender.fed
    if fed is None:
        return entry
    least = min(each.least[entry.name] for each in found)
    return replace(
        entry,
        seconds=spread([each.seconds[entry.name] for each in quiet]),
        least=least,
        of_floor=bottom.seconds / least if bottom else None,
        max_difference=_difference(fed.run(), exact),
        rounds=tuple(each.seconds[entry.name] for each in found),
    )


def _difference(outputs: Sequence[np.ndarray], exact: Sequence[np.ndarray]) -> float:
    """Return the largest difference; infinity for a wrong shape or a NaN."""
    largest = 0.0
    for output, right in zip(outputs, exact, strict=True):
        if output.shape != right.shape or np.isnan(output).any():
            return float("inf")
        largest = max(largest, float(np.max(np.abs(output - right), initial=0.0)))
    return largest


def _ranked(entries: Sequence[Entry], quiet: Sequence[Round]) -> tuple[Entry, ...]:
    """Return the entries fastest first, each with its ratio to the fastest."""
    timed = sorted(
        (entry for entry in entries if entry.seconds),
        key=lambda entry: entry.seconds.median if entry.seconds else 0.0,
    )
    others = tuple(entry for entry in entries if not entry.seconds)
    if not timed:
        return others
    first = [each.seconds[timed[0].name] for each in quiet]
    ratios = [paired_ratio([each.seconds[entry.name] for each in quiet], first) for entry in timed]
    return (
        *(replace(entry, ratio=ratio) for entry, ratio in zip(timed, ratios, strict=True)),
        *others,
    )
