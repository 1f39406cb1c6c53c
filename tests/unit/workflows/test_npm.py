"""npm packages: one that is there is left alone, another version is replaced, and what fails names the command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import pytest

from rnn_export.cli.doctor import command as doctor_command
from rnn_export.errors import RuntimeUnavailable, StoreError
from rnn_export.runtimes.node import PINNED
from rnn_export.runtimes.table import TABLE
from rnn_export.workflows import npm


@pytest.fixture(params=npm.PACKAGES.values())
def package(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The place of a package in an empty cache folder, on a machine without npm."""
    monkeypatch.setenv("RNN_EXPORT_NPM", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "cache" / "node_modules" / str(request.param)


def lay(package: Path, version: str) -> None:
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": version}))


def test_what_is_there_in_the_pinned_version_is_left_alone(package: Path) -> None:
    lay(package, PINNED)
    assert npm.install(package.name) == npm.ensure(package.name) == package


def test_another_version_is_replaced_only_where_that_is_asked_for(package: Path) -> None:
    lay(package, "1.0.0")
    assert npm.ensure(package.name) == package
    with pytest.raises(RuntimeUnavailable, match="no npm on the PATH"):
        npm.install(package.name)


def test_without_npm_the_error_tells_the_command(package: Path) -> None:
    with pytest.raises(RuntimeUnavailable) as refusal:
        npm.install(package.name)
    assert f"--prefix {package.parents[1]} {package.name}@{PINNED}" in refusal.value.advice


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npms_own_error_is_quoted(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("RNN_EXPORT_NPM", str(package.parents[1]))
    # A registry that nobody listens at.
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_prefer_online", "true")
    monkeypatch.setenv("npm_config_cache", str(package.parents[2] / "npm"))
    with pytest.raises(RuntimeUnavailable, match=r"expected npm to install it, got exit code \d+"):
        npm.install(package.name)
    assert npm.installed(package.name) is None


def test_a_cache_that_cannot_be_written_is_an_error_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RNN_EXPORT_NPM", str(tmp_path / "file" / "cache"))
    with pytest.raises(StoreError, match="cache"):
        npm.install("onnxruntime-web")


def test_doctor_installs_for_every_runtime_of_node_and_no_other() -> None:
    (option,) = [each for each in doctor_command.params if "--install" in each.opts]
    assert isinstance(option.type, click.Choice)
    of_node = [
        name for name, place in TABLE.items() if place.startswith("rnn_export.runtimes.node")
    ]
    assert list(option.type.choices) == of_node == list(npm.PACKAGES)
