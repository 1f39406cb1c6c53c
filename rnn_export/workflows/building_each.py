"""One of many artifacts as a task: what a process or a cluster is handed, and what it answers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_export.errors import RuntimeCrashed
from rnn_export.workflows.artifact import Artifact, Settings
from rnn_export.workflows.making import Workshop


@dataclass(frozen=True)
class Task:
    """One artifact to make.

    Args:
        settings: of all.
        name, source: of this one.
        folder: that relative paths start from.
    """

    settings: Settings
    name: str
    source: str
    folder: Path


def artifact_of(task: Task, answer: Any) -> Artifact:
    """Return what became of a task, where its process may have died."""
    if isinstance(answer, Artifact):
        return answer
    error = answer if isinstance(answer, RuntimeCrashed) else None
    told = RuntimeCrashed(
        task.source,
        expected="a process that builds it to the end",
        got=error.got if error else repr(answer),
        advice="Build it alone, with --jobs 1, to see what it dies of.",
    )
    return Artifact(task.name, task.source, task.settings.out / task.name, error=told)


_workshops: dict[Settings, Workshop] = {}
"""In a process alone: it outlives the single task, so that its runtimes stay warm."""


def answer(task: Task) -> Artifact:
    """Make one artifact, in a process of its own."""
    os.chdir(task.folder)
    if task.settings not in _workshops:
        # On a cluster a process outlives the command that it was started for.
        for workshop in _workshops.values():
            workshop.close()
        _workshops.clear()
        _workshops[task.settings] = Workshop(task.settings)
    return _workshops[task.settings].make(task.name, task.source)
