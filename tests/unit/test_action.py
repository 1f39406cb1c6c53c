"""The GitHub Action: its own commands, taken from its file, install and verify."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rnn_export.builders import save_keras
from rnn_export.exporters import export
from rnn_export.readers import read
from tests.unit.verifier.showing import network

ACTION = Path(__file__).parents[2] / ".github/actions/verify/action.yml"
BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")


def steps() -> dict[str, tuple[str, dict[str, str]]]:
    """Return each step's commands and environment, by its name."""
    found = {}
    for block in re.split(r"^    - name: ", ACTION.read_text(), flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        variables = dict(
            re.findall(r"^        (\w+): \$\{\{ ([\w.]+) \}\}$", rest, flags=re.MULTILINE)
        )
        commands = textwrap.dedent(rest.partition("      run: |\n")[2].partition("\n\n")[0])
        found[name] = (commands, variables)
    return found


def defaults() -> dict[str, str]:
    """Return the inputs that have a default."""
    pairs = re.findall(
        r"^  (\w+):\n    description: .*\n    default: (.*)$",
        ACTION.read_text(),
        flags=re.MULTILINE,
    )
    return {name: value.strip('"') for name, value in pairs}


def perform(name: str, folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a step as the runner does: bash that ends at the first error, inputs in the environment."""
    commands, variables = steps()[name]
    values = {f"inputs.{key}": value for key, value in (defaults() | given).items()}
    values["github.action_path"] = str(ACTION.parent)
    assert BASH is not None
    return subprocess.run(
        [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", commands],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ACTION.parents[3]),
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            **{key: values[source] for key, source in variables.items()},
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("user's model")
    save_keras(network((7, 4), emits=("sequence",), seed=3), place / "my model.keras")
    net = read(place / "my model.keras")
    export(net, form="rnn").save(place / "my rnn.onnx")
    export(net, form="scan").save(place / "scan.onnx")
    return place


def test_every_input_reaches_a_step_through_the_environment_alone() -> None:
    used = {name for _, variables in steps().values() for name in variables.values()}
    declared = re.findall(r"^  (\w+):\n    description", ACTION.read_text(), flags=re.MULTILINE)
    assert used == {f"inputs.{name}" for name in declared} | {"github.action_path"}
    assert not any("${{" in commands for commands, _ in steps().values())


def test_install_installs_this_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The same command, without the network: into a folder, and without what is installed here already.
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "there"))
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip's spelling of "without isolation"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    done = perform("Install", tmp_path, extras="cpu,reports")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there/rnn_export/pytest_plugin.py").is_file()
    assert (tmp_path / "there/rnn_export/reports/html/templates/page.html").is_file()
    assert (tmp_path / "there/rnn_export/reports/html/web/judging.mjs").is_file()
    entry_points = next((tmp_path / "there").glob("rnn_export-*.dist-info")) / "entry_points.txt"
    assert "[pytest11]\nrnn_export = rnn_export.pytest_plugin" in entry_points.read_text()


def test_verify_writes_every_report_and_a_summary(folder: Path) -> None:
    done = perform(
        "Verify",
        folder,
        source="my model.keras",
        files="my rnn.onnx\nscan.onnx\n",
        runtimes="numpy",
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "onnx-report/report.json").read_text())
    assert (report["verdict"], report["required"]) == ("PASS", ["onnxruntime:cpu"])
    assert {case["file"] for case in report["cases"]} == {"", "my rnn.onnx", "scan.onnx"}
    assert (folder / "onnx-report/report.html").read_text().startswith("<!doctype html>")
    assert "<testsuites" in (folder / "onnx-report/junit.xml").read_text()
    assert "my model.keras: PASS" in (folder / "summary.md").read_text()


def test_verify_fails_with_the_exit_code_of_the_verdict(folder: Path) -> None:
    done = perform(
        "Verify", folder, source="my model.keras", forms="rnn", require="onnxruntime:cpu\ntract",
        runtimes="numpy", report="other report",
    )  # fmt: skip
    report = json.loads((folder / "other report/report.json").read_text())
    assert done.returncode == report["exit_code"] == 3
    assert (folder / "other report/junit.xml").is_file()


def test_an_input_is_never_a_command(folder: Path) -> None:
    done = perform(
        "Verify", folder, source="$(touch stolen).keras", runtimes="`touch stolen`\n; touch stolen"
    )
    assert done.returncode in (2, 4)
    assert not (folder / "stolen").exists()
