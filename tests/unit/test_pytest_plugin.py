"""The pytest plugin as a user has it: a test of two lines, and what a failure tells."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from rnn_export.builders import save_keras
from rnn_export.exporters import export
from rnn_export.readers import read
from tests.unit.verifier.showing import altered, first_cell, network

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("user")
    save_keras(network((7, 4), emits=("sequence",), seed=3), place / "model.keras")
    net = read(place / "model.keras")
    export(net).save(place / "right.onnx")
    layer = net.recurrent()[1].layer
    kernel = first_cell(net, layer).recurrent_kernel.read()
    export(altered(net, layer, recurrent_kernel=np.ascontiguousarray(kernel.T))).save(
        place / "wrong.onnx"
    )
    return place


def outcome(folder: Path, arguments: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a user's test with the plugin."""
    (folder / "test_user.py").write_text(
        f"def test_model(onnx_conformance):\n    onnx_conformance({arguments})\n"
    )
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "rnn_export.pytest_plugin", "-p", "no:cacheprovider",
         *options, "test_user.py"],
        cwd=folder,
        # Once by name: whether this checkout is installed with its entry point is another question.
        # No byte code: the next test's file may have this one's size and second of change.
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )  # fmt: skip


def test_a_right_file_passes_and_is_noted_in_the_junit_file(folder: Path) -> None:
    done = outcome(
        folder, "'model.keras', 'right.onnx', runtimes=['numpy']", "--junit-xml=junit.xml"
    )
    assert done.returncode == 0, done.stdout
    noted = ElementTree.parse(folder / "junit.xml").find(".//property[@name='onnx_conformance']")
    assert noted is not None
    assert noted.get("value") == "model.keras: PASS"


@pytest.mark.parametrize("ci", [None, "true"])
def test_a_wrong_file_fails_with_layer_step_likely_bug_and_the_command(
    folder: Path, ci: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where CI is set, pytest's summary repeats a whole message.
    monkeypatch.setenv("CI", ci) if ci else monkeypatch.delenv("CI", raising=False)
    done = outcome(folder, "'model.keras', 'wrong.onnx', runtimes=['numpy']", "--onnx-html=pages")
    assert done.returncode == 1, done.stdout + done.stderr
    first, again = "model.keras: FAIL on onnxruntime:cpu in layer rnn1#0 at step 1: ", "again: "
    lines = done.stdout.partition(" short test summary info ")[0].splitlines()
    assert [line for line in lines if line.startswith(first)] == [
        f"{first}recurrent kernel transposed"
    ], done.stdout
    assert "looks like: recurrent kernel transposed" in done.stdout
    assert [line for line in lines if line.startswith(again)] == [
        f"{again}python -m rnn_export verify model.keras wrong.onnx"
        " --runtime numpy --require onnxruntime:cpu --seed 0"
    ]
    assert "Traceback" not in done.stdout
    page = folder / "pages/test_user.py_test_model.html"
    assert "recurrent kernel transposed" in page.read_text()


def test_a_file_that_nothing_ran_is_no_pass(folder: Path) -> None:
    done = outcome(folder, "'model.keras', 'wrong.onnx', runtimes=['numpy'], require=[]")
    assert done.returncode == 1
    assert "no runtime ran anything but the source" in done.stdout


def test_a_required_runtime_that_is_missing_fails_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNN_EXPORT_INTERPRETER_ONNXRUNTIME_CPU", str(folder / "no such python"))
    done = outcome(folder, "'model.keras', 'right.onnx', runtimes=['numpy']")
    assert done.returncode == 1
    assert "onnxruntime:cpu" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("'model.keras', 'gone.onnx', runtimes=['numpy']", "gone.onnx: expected an ONNX file, got"),
        ("'gone.keras', 'right.onnx', runtimes=['numpy']", "gone.keras: expected"),
        ("'model.keras', runtimes=['nonsense']", "runtime 'nonsense': expected one of numpy, "),
    ],
)
def test_what_cannot_be_read_fails_in_one_line(folder: Path, arguments: str, told: str) -> None:
    done = outcome(folder, arguments)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if told in line]
    assert "During handling" not in done.stdout


def test_the_entry_point_leads_to_the_fixture() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    module = import_module(settings["project"]["entry-points"]["pytest11"]["rnn_export"])
    assert module.onnx_conformance.__doc__.startswith("Hold ONNX files against the Keras model")


def test_an_installation_brings_the_fixture_without_being_asked(folder: Path) -> None:
    plugins = entry_points(group="pytest11")
    if "rnn_export" not in plugins.names:
        pytest.skip("rnn-export is not installed in this environment: pip install -e .")
    (folder / "test_user.py").write_text("def test_model(onnx_conformance): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_user.py"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_loading_the_plugin_imports_no_numpy_onnx_or_runtime() -> None:
    code = "import rnn_export.pytest_plugin, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"numpy", "onnx", "keras", "onnxruntime", "jinja2"}.isdisjoint(done.stdout.split())
