"""scripts/gpu.py: where there is no GPU it says that nothing was run; what it would print is right."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import onnxruntime
import pytest

from rnn_export.reports.console import plain
from rnn_export.runtimes import connect
from rnn_export.workflows.matrix.trying import Trials

SCRIPT = Path(__file__).parents[2] / "scripts" / "gpu.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this onnxruntime has CUDA",
)
def test_without_a_gpu_it_says_that_nothing_was_run() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stdout.startswith("onnxruntime:cuda: not run: ")


def test_it_judges_every_form_and_times_both_devices(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "LARGE", ((1, 8),))
    monkeypatch.setattr(script, "SIZES", ((1, 5),))
    # The CPU in the GPU's place: it knows no TF32, and says so.
    with connect("onnxruntime:cpu") as cpu:
        trials = Trials(cpu)
        judged, timed = script.measure(trials, trials)
    off = [item for item in judged if item.tf32 == "off"]
    assert {item.form for item in off} >= {"rnn", "scan", "unrolled"}
    assert all(item.tried.agrees for item in off), [item for item in off if not item.tried.agrees]
    assert all(item.tried.reason == "tf32" for item in judged if item.tf32 == "on")
    assert [item.form for item in timed] == ["rnn", "scan"]
    assert all(item.seconds["GPU"] > 0 and item.seconds["CPU"] > 0 for item in timed)
    text = plain(script.page_of("1", "none", judged, timed))
    assert "RNN CPU" in text


def test_a_rehearsal_says_that_it_is_one(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = next(script.samples())
    monkeypatch.setattr(script, "samples", lambda: iter([first]))
    monkeypatch.setattr(script, "LARGE", ((1, 8),))
    monkeypatch.setattr(script, "SIZES", ((1, 5),))
    pages = {"--json": tmp_path / "gpu.json", "--page": tmp_path / "gpu.md"}
    words = [str(word) for pair in pages.items() for word in pair]
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--rehearse", *words])
    assert script.main() == 0
    for text in (capsys.readouterr().out, *(path.read_text() for path in pages.values())):
        assert "REHEARSAL: the CPU in the place of a CUDA device" in text
