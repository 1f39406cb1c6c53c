"""A well-behaved library: it prints nothing, logs through logging, and its sessions may be shared by threads."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import rnn_export
from rnn_export import presets
from rnn_export.builders.reference import run
from rnn_export.runtimes import OnnxFile, connect
from tests.unit.cli.programs import program

ROOT = Path(__file__).resolve().parents[2]
KERAS_FILE = ROOT / "artifacts/last-output/model.keras"

WORK = """
import sys, rnn_export
network = rnn_export.read(sys.argv[1])
rnn_export.export(network).save("model.onnx")
report = rnn_export.verify(network, "model.onnx", runtimes=["numpy", "onnxruntime:cpu"])
report.raise_for_verdict()
rnn_export.inspect("model.onnx")
"""


def test_the_api_prints_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(KERAS_FILE)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_done_is_logged_under_the_packages_name(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.DEBUG, logger="rnn_export"):
        network = rnn_export.read(KERAS_FILE)
        rnn_export.export(network).save(tmp_path / "model.onnx")
        with connect("numpy") as runtime:
            runtime.probe()
    assert f"{KERAS_FILE}: read, 1 calls" in caplog.messages
    assert any(text.startswith("runtime numpy: worker ") for text in caplog.messages)
    assert {record.name.partition(".")[0] for record in caplog.records} == {"rnn_export"}


def test_the_log_says_why_a_form_took_another(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="rnn_export"):
        notes = rnn_export.export(presets.network("every-option"), form="rnn").notes
    assert [text for text in caplog.messages if text in notes] == list(notes)


def test_debug_shows_the_log_on_stderr(tmp_path: Path) -> None:
    done = program("--debug", "export", KERAS_FILE, "-o", tmp_path / "model.onnx")
    assert done.returncode == 0
    assert "rnn_export.readers.files: " in done.stderr
    assert "rnn_export.readers" not in done.stdout


def test_threads_may_share_a_session(tmp_path: Path) -> None:
    network = presets.network("last-output")
    path = rnn_export.export(network).save(tmp_path / "model.onnx")
    feeds = [
        {"inputs": np.random.default_rng(seed).standard_normal((3, 5, 8)).astype(np.float32)}
        for seed in range(16)
    ]
    with connect("onnxruntime:cpu") as runtime, runtime.open(OnnxFile(path)) as session:
        alone = [session.run(feed) for feed in feeds]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(session.run, feeds))
    for one, other, feed in zip(alone, together, feeds, strict=True):
        assert one.keys() == other.keys() == run(network, feed).keys()
        for name, values in one.items():
            assert np.array_equal(values, other[name])
