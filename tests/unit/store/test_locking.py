"""Two builds of one artifact never mix: the second is told who is at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rnn_export import store
from rnn_export.errors import StoreError


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_second_build_of_the_same_artifact_is_refused_with_the_process_at_work(
    tmp_path: Path,
) -> None:
    with (
        store.stage(tmp_path, "net"),
        pytest.raises(StoreError, match=rf"one at work \(process {os.getpid()}\)"),
        store.stage(tmp_path, "net"),
    ):
        pass


def test_a_build_that_waits_goes_on_when_the_other_has_ended(tmp_path: Path) -> None:
    first = store.stage(tmp_path, "net")
    first.__enter__()
    timer = threading.Timer(0.3, first.__exit__, (None, None, None))
    timer.start()
    with store.stage(tmp_path, "net", wait=60) as staging:
        assert staging.folder.is_dir()
    timer.join()
    assert listed(tmp_path) == []


def test_another_artifact_beside_it_can_be_built_at_the_same_time(tmp_path: Path) -> None:
    with store.stage(tmp_path, "one") as one, store.stage(tmp_path, "other") as other:
        assert one.folder != other.folder


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from rnn_export import store\n"
        "with store.stage(Path(sys.argv[1]), 'net'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=str(child.pid)), store.stage(tmp_path, "net"):
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
    with store.stage(tmp_path, "net") as staging:
        assert staging.folder.is_dir()
    assert listed(tmp_path) == []
