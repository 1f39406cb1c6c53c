"""`verify` over many models: in this process, in several, or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_export.errors import RnnExportError, RuntimeCrashed
from rnn_export.runtimes import Connection, connect
from rnn_export.store import MANIFEST
from rnn_export.verifier import Report
from rnn_export.workflows.faults import as_fault
from rnn_export.workflows.shards import Shard
from rnn_export.workflows.sharing import crew
from rnn_export.workflows.verification import DEFAULT_RUNTIMES, verify

ANSWERING = f"{__name__}:answer"

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wanted:
    """A source, and the ONNX files that are to equal it; none: what `export` makes of it."""

    source: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judging:
    """How all of them are to be judged; see `verify`."""

    forms: tuple[str, ...] | None = None
    runtimes: tuple[str, ...] = DEFAULT_RUNTIMES
    require: tuple[str, ...] = ()
    seed: int = 0
    allow_precision: float | None = None
    allow_nonfinite: bool = False


@dataclass(frozen=True)
class Task:
    """One source to judge.

    Args:
        number: of the source, from 0.
        wanted: the source and its files.
        judging: as for all.
        folder: that relative paths start from.
    """

    number: int
    wanted: Wanted
    judging: Judging
    folder: Path


@dataclass(frozen=True)
class Verified:
    """What came of one source.

    Args:
        source: as the user named it.
        report: None when it did not come to that.
        error: what kept it from being judged.
    """

    source: str
    report: Report | None = None
    error: RnnExportError | None = None

    @property
    def exit_code(self) -> int:
        """4 for an error, else the report's."""
        return self.report.exit_code if self.report is not None else 4


def exit_code(verified: Sequence[Verified]) -> int:
    """Return that of all: 4 over 1 over 3."""
    codes = {0, *(one.exit_code for one in verified)}
    return next(code for code in (4, 1, 3, 0) if code in codes)


def verify_each(
    wanted: Sequence[Wanted],
    judging: Judging,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    shard: Shard | None = None,
    tell: Tell = lambda name, done, of: None,
) -> tuple[Verified, ...]:
    """Judge many sources; an error of one ends no other.

    Args:
        wanted: the sources, each with its files.
        judging: how.
        jobs: processes to work in.
        scheduler: address of a Dask scheduler whose workers do the work, in place of processes here.
        shard: the part of them to judge; None for all.
        tell: called with each source that is judged, how many are, and how many there are; first with none.

    Returns:
        What came of each, in the order of ``wanted``.

    Raises:
        UnknownRuntime: a name that no runtime has.
        RnnExportError: no scheduler at that address.
    """
    for name in (*judging.runtimes, *judging.require):
        connect(name)
    chosen = list(wanted) if shard is None else shard.of(wanted)
    tasks = [Task(number, one, judging, Path.cwd()) for number, one in enumerate(chosen)]
    found: dict[int, Verified] = {}
    tell("", 0, len(tasks))
    for task, came in _work(tasks, min(jobs, len(tasks)), scheduler):
        found[task.number] = came
        tell(came.source, len(found), len(tasks))
    return tuple(found[number] for number in sorted(found))


def subjects(words: Sequence[str]) -> tuple[Wanted, ...]:
    """Return the sources among the words of a command line; ONNX files belong to the source before them.

    An artifact's folder stands for the Keras file and the ONNX files in it.
    """
    found: list[Wanted] = []
    for word in words:
        if word.endswith(".onnx") and found:
            found[-1] = Wanted(found[-1].source, (*found[-1].files, word))
        elif (Path(word) / MANIFEST).is_file():
            keras = sorted(Path(word).glob("model.*"))
            onnx = sorted(str(path) for path in Path(word).glob("*.onnx"))
            found.append(Wanted(str(keras[0]) if keras else word, tuple(onnx)))
        else:
            found.append(Wanted(word))
    return tuple(found)


def _work(
    tasks: Sequence[Task], jobs: int, scheduler: str | None
) -> Iterator[tuple[Task, Verified]]:
    hands = crew(jobs, scheduler)
    if hands is None:
        try:
            yield from ((task, answer(task)) for task in tasks)
        finally:
            for connection in _connections.values():
                connection.close()
            _connections.clear()
        return
    for task, came in hands.work(tasks, ANSWERING):
        yield task, came if isinstance(came, Verified) else _lost(task, came)


def _lost(task: Task, came: Any) -> Verified:
    told = RuntimeCrashed(
        task.wanted.source,
        expected="a process that judges it to the end",
        got=came.got if isinstance(came, RuntimeCrashed) else repr(came),
        advice="Verify it alone, to see what it dies of.",
    )
    return Verified(task.wanted.source, error=told)


_connections: dict[str, Connection] = {}
"""Runtimes that stay warm from one source to the next."""


def answer(task: Task) -> Verified:
    """Judge one source; an error is kept in what is returned."""
    os.chdir(task.folder)
    judging = task.judging
    for name in dict.fromkeys((*judging.runtimes, *judging.require)):
        if name not in _connections:
            _connections[name] = connect(name)
    source = task.wanted.source
    try:
        report = verify(
            source,
            task.wanted.files,
            forms=judging.forms,
            runtimes=judging.runtimes,
            require=judging.require,
            seed=judging.seed,
            allow_precision=judging.allow_precision,
            allow_nonfinite=judging.allow_nonfinite,
            connections=_connections,
        )
    except RnnExportError as error:
        return Verified(source, error=error)
    except Exception as error:
        return Verified(source, error=as_fault(source, "to be judged", error))
    return Verified(source, report)
