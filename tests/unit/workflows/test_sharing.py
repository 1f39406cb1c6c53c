"""Tasks shared by processes: each is done once, and none is lost to the death of another's process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rnn_export.errors import RuntimeCrashed
from rnn_export.workflows.sharing import Processes

ROOT = Path(__file__).resolve().parents[3]
DOUBLE = "tests.unit.workflows.answers:double"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def worked(tasks: list[int], jobs: int) -> dict[int, Any]:
    found = list(Processes(jobs).work(tasks, DOUBLE))
    assert sorted(task for task, _ in found) == sorted(tasks)
    return dict(found)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_each_is_done_once_by_at_most_so_many_processes(jobs: int) -> None:
    found = worked([1, 2, 3, 4, 5], jobs)
    assert {task: twice for task, (twice, _) in found.items()} == {n: 2 * n for n in range(1, 6)}
    assert 1 <= len({pid for _, pid in found.values()}) <= jobs


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_process_that_dies_is_the_answer_of_its_task_alone(jobs: int) -> None:
    found = worked([1, 13, 2, 3], jobs)
    lost = found.pop(13)
    assert isinstance(lost, RuntimeCrashed)
    assert "signal 9" in str(lost)
    assert {task: twice for task, (twice, _) in found.items()} == {1: 2, 2: 4, 3: 6}


def test_stopping_early_leaves_no_process_behind() -> None:
    rest = Processes(2).work([1, 2, 3], DOUBLE)
    _, (_, pid) = next(rest)
    rest.close()
    assert not Path(f"/proc/{pid}").exists()
