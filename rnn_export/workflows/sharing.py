"""Artifacts made in several processes: each is handed the next source as soon as it is free."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import wait

from rnn_export.errors import RuntimeCrashed
from rnn_export.workflows.artifact import Artifact, Settings
from rnn_export.workflows.child import Child
from rnn_export.workflows.making import Workshop


@dataclass(frozen=True)
class Task:
    """One artifact to make."""

    settings: Settings
    name: str
    source: str


def made_in_processes(
    named: Mapping[str, str],
    settings: Settings,
    jobs: int,
    answering: str = f"{__name__}:answer",
) -> Generator[Artifact, None, None]:
    """Yield artifacts as they are made, in any order.

    A process that dies is an error of the one artifact that it was making; another takes its place.

    Args:
        named: artifact to source.
        settings: of all.
        jobs: processes, at most one for each artifact.
        answering: what makes a Task into an Artifact, in a process.
    """
    waiting = deque(Task(settings, name, source) for name, source in named.items())
    busy: dict[Child, Task] = {}
    idle: list[Child] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                child, task = idle.pop() if idle else Child(answering), waiting.popleft()
                try:
                    child.send(task)
                    busy[child] = task
                except RuntimeCrashed as error:
                    yield _lost(task, error)
            ready = wait([child.pipe for child in busy])
            for child in [child for child in busy if child.pipe in ready]:
                task = busy.pop(child)
                try:
                    artifact: Artifact = child.receive()
                    idle.append(child)
                except RuntimeCrashed as error:
                    artifact = _lost(task, error)
                yield artifact
    finally:
        for child in busy:
            child.interrupt()
        for child in (*idle, *busy):
            child.close()


def _lost(task: Task, error: RuntimeCrashed) -> Artifact:
    told = RuntimeCrashed(
        task.source,
        expected="a process that builds it to the end",
        got=error.got,
        advice="Build it alone, with --jobs 1, to see what it dies of.",
    )
    return Artifact(task.name, task.source, task.settings.out / task.name, error=told)


_workshop: Workshop | None = None
"""In a child alone: it outlives the single request, so that its runtimes stay warm."""


def answer(task: Task) -> Artifact:
    """Make one artifact, in a child."""
    global _workshop
    if _workshop is None:
        _workshop = Workshop(task.settings)
    return _workshop.make(task.name, task.source)
