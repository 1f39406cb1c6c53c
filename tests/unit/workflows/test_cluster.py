"""Tasks on a real Dask scheduler with two worker processes: all done, each counted once, whoever dies."""

from __future__ import annotations

import os
import shutil
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
from rnn_export.workflows.verifying_each import Judging, Verified, Wanted, verify_each

ROOT = Path(__file__).resolve().parents[3]
CORPUS = ROOT / "tests" / "attacks" / "corpus"
SLOWLY = "tests.unit.workflows.answers:slowly"
DOUBLE = "tests.unit.workflows.answers:double"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dask(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler on loopback and two worker processes of two threads; no nannies, who would restart them.

    Starting them takes seconds. They serve all tests of this file, the deadly ones last.
    """
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"

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
            cwd=folder,
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


def test_verify_comes_to_the_same_on_a_cluster_as_here(
    dask: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    address, _ = dask
    sound, broken = tmp_path / "sound.keras", tmp_path / "broken.keras"
    shutil.copyfile(CORPUS / "tiny.keras", sound)
    broken.write_bytes(b"no model")
    wanted = [Wanted(str(path)) for path in (sound, broken, sound)]
    judging = Judging(runtimes=("numpy",))
    told: list[tuple[int, int]] = []
    there = verify_each(
        wanted, judging, scheduler=address, tell=lambda _, done, of: told.append((done, of))
    )
    here = verify_each(wanted, judging)
    assert [one.exit_code for one in there] == [one.exit_code for one in here] == [0, 4, 0]
    assert [str(one.error) for one in there] == [str(one.error) for one in here]
    assert [_verdicts(one) for one in there] == [_verdicts(one) for one in here]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def _verdicts(one: Verified) -> list[object]:
    return [case.verdict for case in one.report.cases] if one.report else []


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


def test_a_scheduler_that_does_not_answer_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rnn_export.workflows.cluster.CONNECTING", 0.5)
    with pytest.raises(RnnExportError, match="expected a Dask scheduler that answers"):
        list(Cluster("tcp://127.0.0.1:9").work([1], DOUBLE))


@pytest.mark.parametrize("address", ["nowhere", "tcp://", "tcp://:", "tcp://host", ""])
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(RnnExportError, match="expected an address such as tcp://"):
        list(Cluster(address).work([1], DOUBLE))
