"""Many tasks in several processes: each is handed the next one as soon as it is free."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from multiprocessing.connection import wait
from typing import Any, Protocol, TypeVar

from rnn_export.errors import RuntimeCrashed
from rnn_export.workflows.child import Child

Task = TypeVar("Task")
Done = Generator[tuple[Task, Any], None, None]
"""Every task once, in the order in which they end, with its answer; RuntimeCrashed is that of one which was lost."""


class Crew(Protocol):
    """Those who share the work: processes here, or a cluster."""

    def work(self, tasks: Sequence[Task], answering: str) -> Done[Task]:
        """Yield each task with its answer.

        A process that dies is the answer of the one task that it was at; another takes its place.

        Args:
            tasks: plain data, which can be pickled.
            answering: "module:function", called with each task where the work is done. A process that has
                begun with one goes on with others, so that what it keeps in its module stays warm.
        """
        ...


class Processes:
    """Processes on this machine.

    Args:
        count: how many at most.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def work(self, tasks: Sequence[Task], answering: str) -> Done[Task]:
        """Yield each task with its answer; see `Crew.work`."""
        waiting = deque(tasks)
        busy: dict[Child, Task] = {}
        idle: list[Child] = []
        try:
            while waiting or busy:
                while waiting and len(busy) < self._count:
                    child, task = idle.pop() if idle else Child(answering), waiting.popleft()
                    try:
                        child.send(task)
                        busy[child] = task
                    except RuntimeCrashed as error:
                        yield task, error
                ready = wait([child.pipe for child in busy])
                for child in [child for child in busy if child.pipe in ready]:
                    task = busy.pop(child)
                    try:
                        answer = child.receive()
                        idle.append(child)
                    except RuntimeCrashed as error:
                        answer = error
                    yield task, answer
        finally:
            for child in busy:
                child.interrupt()
            for child in (*idle, *busy):
                child.close()


def crew(jobs: int, scheduler: str | None = None) -> Crew | None:
    """Return who is to do the work: a cluster, processes, or None for this very process.

    Args:
        jobs: processes that may be used.
        scheduler: address of a Dask scheduler, or None.
    """
    if scheduler is not None:
        from rnn_export.workflows.cluster import Cluster

        return Cluster(scheduler)
    return Processes(jobs) if jobs > 1 else None
