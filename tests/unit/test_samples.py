"""The deployment samples run as they stand: Python without this package, Node, and a browser agree on the test data."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rnn_export import presets
from rnn_export.exporters import export
from rnn_export.runtimes.node import folder as npm_folder
from rnn_export.store import stage
from rnn_export.workflows.examples import store_example
from tests.chromium import browser, needs_chromium
from tests.serving import served

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
NAMES = ("sequence-and-state", "embedding-last")
"""Two outputs; and tokens, which are int32."""

TANH = 9
"""Largest error of any runtime's tanh that was measured, in u."""


def needs_package(name: str) -> pytest.MarkDecorator:
    there = (npm_folder() / "node_modules" / name).is_dir() and shutil.which("node") is not None
    return pytest.mark.skipif(not there, reason=f"no {name} in {npm_folder()}, or no node")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with artifacts and the samples, as a server would have it."""
    place = tmp_path_factory.mktemp("served")
    for name in NAMES:
        network, preset = presets.network(name), presets.PRESETS[name]
        with stage(place / "artifacts", name) as staging:
            export(network).save(staging.folder / "rnn.onnx")
            store_example(network, staging, preset.batch, preset.time)
            staging.commit(network.digest, {})
    for path in SAMPLES.iterdir():
        shutil.copy(path, place)
    return place


def bound(name: str) -> float:
    """How far a float32 runtime may be from the test data, by its sizes alone.

    Each of T steps makes n = features + units + 2 roundings of sums whose terms are at most 1 in size here, and
    one of tanh; the spectral norm of the presets' recurrent kernels, 1 at most but for random fluctuation, hands
    errors on without enlarging them.
    """
    network, preset = presets.network(name), presets.PRESETS[name]
    (call,) = network.recurrent()
    (cell,) = call.op.cells  # type: ignore[attr-defined]
    kernel, recurrent = cell.kernel.read(), cell.recurrent_kernel.read()
    sums = np.abs(kernel).sum(axis=0).max() + np.abs(recurrent).sum(axis=0).max() + 1
    terms = cell.features + cell.units + 2
    step = (terms * sums + TANH) * 2.0**-24
    growth = max(1.0, float(np.linalg.norm(recurrent, 2)))
    return float(step * sum(growth**t for t in range(preset.time)))


def agrees(name: str, text: str) -> None:
    found = re.findall(r"^(\S+) .*: largest difference (\S+)$", text, flags=re.M)
    assert [port for port, _ in found] == [port.name for port in presets.network(name).outputs]
    for _, difference in found:
        assert float(difference) <= bound(name)


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_python_without_this_package_agrees(name: str, root: Path) -> None:
    assert "rnn_export" not in (root / "run_artifact.py").read_text()
    script, artifact = root / "run_artifact.py", root / "artifacts" / name
    agrees(name, run(sys.executable, "-W", "error", script, artifact, folder=root))


@needs_package("onnxruntime-node")
@pytest.mark.parametrize("name", NAMES)
def test_node_agrees(name: str, root: Path) -> None:
    # The package is found from the folder that it was installed into.
    script, artifact = root / "run_artifact.mjs", root / "artifacts" / name
    agrees(name, run("node", script, artifact, folder=npm_folder()))


@needs_chromium
@needs_package("onnxruntime-web")
@pytest.mark.parametrize("name", NAMES)
def test_a_browser_agrees(name: str, root: Path) -> None:
    modules = root / "node_modules"
    if not modules.exists():
        modules.symlink_to(npm_folder() / "node_modules")
    with served(root) as address, browser() as page:
        page.open(f"{address}/index.html?artifact=artifacts/{name}")
        assert page.wait("return document.title != 'running' && document.title") == "done"
        agrees(name, page.run("return document.getElementById('shown').textContent"))


@needs_package("onnxruntime-node")
def test_a_wrong_output_shows(root: Path, tmp_path: Path) -> None:
    name = "sequence-and-state"
    wrong = tmp_path / name
    shutil.copytree(root / "artifacts" / name, wrong)
    data = wrong / "test_data_set_0"
    content = bytearray((data / "output_1.pb").read_bytes())
    content[-1] ^= 0x40  # the exponent of the last value
    (data / "output_1.pb").write_bytes(content)
    for command, folder in (
        ((sys.executable, root / "run_artifact.py"), root),
        (("node", root / "run_artifact.mjs"), npm_folder()),
    ):
        text = run(*command, wrong, folder=folder)
        difference = text.splitlines()[-1].rpartition(" ")[2]
        assert not float(difference) <= bound(name)
