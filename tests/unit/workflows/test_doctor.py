"""The doctor names what is here, what is missing and how to get it, and what cannot stand together."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path

import pytest

from rnn_export.runtimes import names
from rnn_export.workflows import doctor


@pytest.fixture(scope="module")
def found() -> doctor.Diagnosis:
    return doctor.examine()


def test_every_runtime_is_there_or_says_why_not_and_what_to_do(found: doctor.Diagnosis) -> None:
    assert tuple(runtime.name for runtime in found.runtimes) == names()
    for runtime in found.runtimes:
        assert bool(runtime.version) != bool(runtime.reason)
        assert bool(runtime.reason) == bool(runtime.install)


def test_numpy_and_python_are_there_in_their_versions(found: doctor.Diagnosis) -> None:
    assert found.python == platform.python_version()
    versions = {package.name: package.version for package in found.packages}
    assert versions["numpy"] == importlib.metadata.version("numpy")
    assert found.problems == ()


def test_steps_are_told_in_order() -> None:
    told: list[tuple[str, int, int]] = []
    doctor.examine(lambda *step: told.append(step))
    count = len(names())
    assert [step[1:] for step in told] == [(done, count) for done in range(1, count + 1)]


def test_both_onnxruntimes_at_once_are_a_problem_that_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("onnxruntime", "onnxruntime-gpu"):
        folder = tmp_path / f"{package.replace('-', '_')}-1.31.1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.31.1\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    (problem,) = doctor._problems()
    assert "got both (1.31.1 and 1.31.1)" in str(problem)
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in problem.advice
