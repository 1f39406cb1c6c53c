"""Artifacts made in processes: each once, none lost to the death of another's process."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnn_export.errors import RuntimeCrashed
from rnn_export.workflows.artifact import Artifact, Settings
from rnn_export.workflows.sharing import made_in_processes

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = Settings(Path("out"))


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def made(names: list[str], jobs: int) -> dict[str, Artifact]:
    named = {name: f"{name}.keras" for name in names}
    answering = "tests.unit.workflows.answers:make"
    found = list(made_in_processes(named, SETTINGS, jobs, answering))
    assert len(found) == len(names)
    return {artifact.name: artifact for artifact in found}


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_each_is_made_once_by_at_most_so_many_processes(jobs: int) -> None:
    found = made(["a", "b", "c", "d", "e"], jobs)
    assert set(found) == {"a", "b", "c", "d", "e"}
    assert 1 <= len({artifact.changed for artifact in found.values()}) <= jobs


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_process_that_dies_is_the_error_of_its_artifact_alone(jobs: int) -> None:
    found = made(["a", "deadly", "b", "c"], jobs)
    assert isinstance(found["deadly"].error, RuntimeCrashed)
    assert "signal 9" in str(found["deadly"].error)
    assert [found[name].error for name in "abc"] == [None, None, None]


def test_stopping_early_leaves_no_process_behind() -> None:
    rest = made_in_processes(
        {name: name for name in "abc"}, SETTINGS, 2, "tests.unit.workflows.answers:make"
    )
    first = next(rest)
    rest.close()
    (pid,) = first.changed
    assert not Path(f"/proc/{pid}").exists()
