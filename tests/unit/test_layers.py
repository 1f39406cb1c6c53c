"""The architecture as failing tests: who may import whom, and what may be imported from outside.

The order of the layers stands in pyproject.toml, where import-linter reads it. Here stands what each
layer may reach outside the package, and what a start of the program must not load.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports({!r}, no_cache=True))"

# Layer -> the packages it may reach, itself or through other layers, the standard library aside.
# A layer that is not here may reach any.
REACH = {
    "errors": set[str](),
    "network": {"numpy", "ml_dtypes"},
    "presets": {"numpy", "ml_dtypes"},
    "readers": {"numpy", "ml_dtypes", "h5py"},
    "exporters": {"numpy", "ml_dtypes", "onnx"},
    # onnx for taps and the static check of weights; it runs nothing, so no runtime.
    "verifier": {"numpy", "ml_dtypes", "onnx"},
}
HEAVY = {"tensorflow", "keras", "onnxruntime", "torch", "jax", "openvino"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "rnn_export",
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Lint the rnn_export in this folder by the contracts of this repository."""
    return subprocess.run(
        [sys.executable, "-c", LINT.format(str(ROOT / "pyproject.toml"))],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def foreign(graph: grimp.ImportGraph, layer: str, allowed: set[str]) -> list[str]:
    """The chains of imports by which a layer reaches what it may not."""
    module = f"rnn_export.{layer}"
    reached = graph.find_upstream_modules(module, as_package=True)
    outside = {name for name in reached if not name.startswith("rnn_export")}
    chains = []
    for name in sorted(outside - allowed - sys.stdlib_module_names):
        chain = graph.find_shortest_chain(module, name, as_packages=True)
        chains.append(" -> ".join(chain or (module, name)))
    return chains


def loaded(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running this code."""
    report = "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    process = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}\n{report}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return set(json.loads(process.stdout.splitlines()[-1]))


def test_each_layer_imports_only_what_stands_below_it() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "imports"),
    [
        ("workflows/build", "rnn_export.cli"),
        ("workflows/build", "rnn_export.api"),
        ("reports/html", "rnn_export.store"),
        ("runtimes/numpy", "rnn_export.verifier"),
        ("readers/live", "rnn_export.builders"),
        ("exporters/rnn", "rnn_export.peers"),
        ("network/call", "rnn_export.presets"),
        ("errors", "rnn_export.network"),
        ("helpers", "json"),  # a module that has no place among the layers
    ],
)
def test_a_broken_layer_is_caught(tmp_path: Path, module: str, imports: str) -> None:
    package = tmp_path / "rnn_export"
    layers = "cli workflows reports store verifier runtimes peers readers builders exporters"
    for folder in ["", *layers.split(), "network", "presets"]:
        (package / folder).mkdir(exist_ok=True)
        (package / folder / "__init__.py").touch()
    for name in ("api", "errors", "unwritable"):
        (package / f"{name}.py").touch()
    (package / f"{module}.py").write_text(f"def late():\n    import {imports}\n")

    result = lint(tmp_path)

    assert result.returncode == 1
    assert "each layer imports only what stands below it BROKEN" in result.stdout
    assert f"rnn_export.{module.replace('/', '.')}" in result.stdout


@pytest.mark.parametrize("layer", REACH)
def test_a_layer_reaches_no_other_packages(graph: grimp.ImportGraph, layer: str) -> None:
    assert foreign(graph, layer, REACH[layer]) == []


def test_a_package_reached_through_another_layer_is_caught() -> None:
    graph = grimp.ImportGraph()
    graph.add_module("onnxruntime", is_squashed=True)
    graph.add_import(importer="rnn_export.verifier.judge", imported="rnn_export.runtimes.ort")
    graph.add_import(importer="rnn_export.runtimes.ort", imported="onnxruntime")
    graph.add_import(importer="rnn_export.runtimes.ort", imported="json")
    graph.add_module("rnn_export.verifier")

    assert foreign(graph, "verifier", {"numpy"}) == [
        "rnn_export.verifier.judge -> rnn_export.runtimes.ort -> onnxruntime"
    ]


def test_importing_the_package_loads_no_runtime() -> None:
    assert loaded("import rnn_export") & HEAVY == set()


def test_asking_for_help_loads_no_runtime() -> None:
    code = """
import runpy
sys.argv[1:] = ["--help"]
try:
    runpy.run_module("rnn_export", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
"""
    assert loaded(code) & HEAVY == set()
