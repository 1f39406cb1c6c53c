"""Tasks on a real Dask scheduler with two worker processes: all done, each counted once, whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client

from rnn_export.errors import RnnExportError, RuntimeCrashed
from rnn_export.workflows.cluster import Cluster

ROOT = Path(__file__).resolve().parents[3]
SLOWLY = "tests.unit.workflows.answers:slowly"
DOUBLE = "tests.unit.workflows.answers:double"

pytestmark = pytest.mark.slow


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler on loopback and two worker processes of two threads; no nannies, who would restart them."""
    file = tmp_path / "scheduler.json"

    def started(*words: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "distributed.cli." + words[0],
            *words[1:],
            "--no-dashboard",
        ]
        return subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    place = ["--scheduler-file", str(file)]
    processes = [started("dask_scheduler", "--host", "127.0.0.1", "--port", "0", *place)]
    try:
        worker = ["--no-nanny", "--nthreads", "2", "--nworkers", "1", "--host", "127.0.0.1"]
        processes += [started("dask_worker", *place, *worker) for _ in range(2)]
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with Client(scheduler_file=str(file), timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
            address: str = client.scheduler.address
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_every_task_is_answered_once_and_a_death_is_that_of_its_task_alone(
    dask: tuple[str, list[subprocess.Popen[bytes]]],
) -> None:
    address, _ = dask
    numbers = [*range(10, 20)]
    found = list(Cluster(address).work(numbers, DOUBLE))
    assert sorted(number for number, _ in found) == numbers
    answers = dict(found)
    lost = answers.pop(13)
    assert isinstance(lost, RuntimeCrashed)
    assert "signal 9" in str(lost)
    assert {number: twice for number, (twice, _) in answers.items()} == {
        number: 2 * number for number in numbers if number != 13
    }
    # Processes of ours within the workers, at most one for each of their threads, and warm.
    assert len({pid for _, pid in answers.values()}) <= 5


def test_a_worker_killed_midway_loses_nothing_and_nothing_counts_twice(
    dask: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    address, workers = dask
    tasks = [(number, tmp_path) for number in range(24)]
    found: list[int] = []
    for (number, _), answer in Cluster(address).work(tasks, SLOWLY):
        assert answer == number
        found.append(number)
        if len(found) == 6:
            workers[0].send_signal(signal.SIGKILL)
            workers[0].wait()
    assert sorted(found) == [*range(24)]
    # Some were begun twice, since the first time nobody lived to tell.
    begun = [path.read_text().splitlines() for path in sorted(tmp_path.glob("begun-*"))]
    assert len(begun) == 24
    assert sum(map(len, begun)) > 24


def test_a_cluster_without_workers_is_not_waited_for_without_end(
    dask: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    address, workers = dask
    for worker in workers:
        worker.kill()
        worker.wait()
    ((_, answer),) = Cluster(address, patience=2.0).work([(1, tmp_path)], SLOWLY)
    assert isinstance(answer, RuntimeCrashed)
    assert "none for 2 s" in str(answer)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere", "tcp://"])
def test_a_scheduler_that_does_not_answer_is_one_clear_error(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnn_export.workflows.cluster.CONNECTING", 0.5)
    with pytest.raises(RnnExportError, match="expected a Dask scheduler that answers"):
        list(Cluster(address).work([1], DOUBLE))
