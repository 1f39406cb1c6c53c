"""The page in a browser: a right model agrees, a wrong one fails, at the place and for the reason that it is wrong."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from rnn_export.builders import save_keras
from rnn_export.errors import ExportError, RuntimeUnavailable, StoreError
from rnn_export.exporters import export
from rnn_export.network import Draft, Network, Source
from rnn_export.readers import read
from rnn_export.runtimes.node import folder as npm_folder
from rnn_export.store import check_folder, stage
from rnn_export.workflows import web_runtime
from rnn_export.workflows.web import write_page
from rnn_export.workflows.web_vectors import fits_browser
from tests.chromium import Browser, browser, needs_chromium
from tests.serving import served
from tests.unit.verifier.showing import altered, first_cell, network

there = (npm_folder() / "node_modules" / web_runtime.PACKAGE).is_dir()
needs_npm = pytest.mark.skipif(
    not there and shutil.which("npm") is None,
    reason="npm is not installed, and neither is onnxruntime-web: apt-get install npm",
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Path]:
    """A network of two layers with a sequence and a state as outputs, and its Keras file."""
    path = tmp_path_factory.mktemp("source") / "model.keras"
    save_keras(network((7, 4), emits=("sequence", "state"), state=True, seed=3), path)
    return read(path), path


@pytest.fixture(scope="module")
def artifact(source: tuple[Network, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    net, path = source
    root = tmp_path_factory.mktemp("artifacts")
    with stage(root, "stack") as staging:
        shutil.copyfile(path, staging.folder / "model.keras")
        for form in ("rnn", "scan"):
            export(net, form=form).save(staging.folder / f"{form}.onnx")
        staging.commit(net.digest, {})
    return root / "stack"


@pytest.fixture(scope="module")
def page(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(artifact, tmp_path_factory.mktemp("pages") / "good").folder


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as made:
        yield made


def shown_in(opened: Browser, folder: Path) -> dict[str, Any]:
    """Return what the page found, once it is done."""
    with served(folder) as url:
        opened.open(f"{url}/")
        opened.wait("return document.body.dataset.state === 'done'")
        found: dict[str, Any] = opened.run("return window.conformance")
    return found


def corrupted(page: Path, place: Path, model: onnx.ModelProto) -> Path:
    """Return a copy of a page with another model in it, which its manifest takes for the right one."""
    shutil.copytree(page, place)
    data = model.SerializeToString()
    (place / "model.onnx").write_bytes(data)
    cases = json.loads((place / "cases.json").read_text())
    cases["model"]["sha256"] = hashlib.sha256(data).hexdigest()
    (place / "cases.json").write_text(json.dumps(cases))
    return place


@needs_chromium
@needs_npm
def test_a_right_model_agrees_in_the_browser(opened: Browser, page: Path) -> None:
    found = shown_in(opened, page)
    assert found["verdict"] == "PASS", found
    wasm = [case for case in found["cases"] if case["runtime"] == "onnxruntime-web:wasm"]
    assert [case["inputs"]["kind"] for case in wasm] == [
        "odd",
        "long",
        "two steps",
        "three steps",
        "one step",
    ]
    for case in wasm:
        assert case["verdict"] == "PASS"
        assert 0 < case["max_ratio"] <= 1
        assert case["verified_steps"] == case["inputs"]["time"]
        assert case["milliseconds"] > 0
    assert opened.run("return document.getElementById('verdict').innerText") == "PASS"
    assert "Keras means" in opened.run("return document.getElementById('said').innerText")
    assert (
        opened.run("return document.getElementById('digest').innerText")
        == "the file that was verified"
    )
    assert opened.run("return document.querySelectorAll('#rows tr').length") == len(found["cases"])
    assert opened.errors() == []


@needs_chromium
@needs_npm
def test_a_model_with_a_transposed_kernel_fails_in_the_browser(
    opened: Browser, page: Path, source: tuple[Network, Path], tmp_path: Path
) -> None:
    net, _ = source
    layer = net.recurrent()[1].layer
    kernel = first_cell(net, layer).recurrent_kernel.read()
    wrong = altered(net, layer, recurrent_kernel=np.ascontiguousarray(kernel.T))
    folder = corrupted(page, tmp_path / "wrong", export(wrong, form="rnn").model)
    found = shown_in(opened, folder)
    assert found["verdict"] == "FAIL"
    assert found["problem"] is None
    assert {case["verdict"] for case in found["cases"]} == {"FAIL"}
    odd = found["cases"][0]
    assert odd["max_ratio"] > 1
    # Its initial state is not zero: the first step has it wrong already.
    assert odd["where"]["step"] == 0
    assert "lies outside its bound at step 0" in odd["reason"]
    assert opened.run("return document.getElementById('verdict').innerText") == "FAIL"
    assert odd["reason"] in opened.run("return document.getElementById('reasons').innerText")


@needs_chromium
@needs_npm
def test_another_file_than_the_verified_one_fails_even_if_it_computes_the_same(
    opened: Browser, page: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    shutil.copytree(page, folder)
    model = onnx.load(folder / "model.onnx")
    model.doc_string = "touched"
    onnx.save(model, folder / "model.onnx")
    found = shown_in(opened, folder)
    assert {case["verdict"] for case in found["cases"]} == {"PASS"}
    assert found["verdict"] == "FAIL"
    assert "not the file" in found["problem"]


@needs_chromium
@needs_npm
@pytest.mark.parametrize(
    "damage", ["model.onnx", "ort/ort-wasm-simd-threaded.wasm", "vectors/0-input-0.bin"]
)
def test_a_missing_file_is_no_pass(
    opened: Browser, page: Path, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(page, folder)
    (folder / damage).unlink()
    assert shown_in(opened, folder)["verdict"] in ("FAIL", "UNSUPPORTED", "UNVERIFIABLE")


@needs_chromium
@needs_npm
def test_the_other_form_agrees_and_the_page_fits_a_phone(
    opened: Browser, artifact: Path, tmp_path: Path
) -> None:
    page = write_page(artifact, tmp_path / "scan", form="scan")
    found = shown_in(opened, page.folder)
    assert (found["verdict"], found["cases"][0]["form"]) == ("PASS", "scan")
    with served(page.folder) as url:
        opened.open(url, width=360, dark=True)
        opened.wait("return document.body.dataset.state === 'done'")
    assert opened.run("return document.documentElement.scrollWidth") <= 360


@needs_npm
def test_a_page_is_an_artifact_of_its_own_that_can_be_checked(
    artifact: Path, tmp_path: Path
) -> None:
    page = write_page(artifact, tmp_path / "page")
    check_folder(page.folder).raise_for_damage()
    assert page.cases == 5
    assert page.size == sum(
        path.stat().st_size
        for path in page.folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    )
    assert write_page(artifact, tmp_path / "page").changed == ()


@needs_npm
def test_a_form_that_was_not_built_is_refused_with_those_that_were(
    artifact: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        StoreError, match=r"got the forms rnn, scan\. Build it with --form wavefront\."
    ):
        write_page(artifact, tmp_path / "page", form="wavefront")
    assert not (tmp_path / "page").exists()


@needs_npm
def test_a_damaged_artifact_is_refused(artifact: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "stack"
    shutil.copytree(artifact, damaged)
    with (damaged / "rnn.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(StoreError, match=r"rnn\.onnx"):
        write_page(damaged, tmp_path / "page")


def test_a_dtype_that_browsers_lack_is_refused() -> None:
    draft = Draft()
    draft.output("y", draft.input("x", ("batch", 3), "bfloat16"))
    with pytest.raises(ExportError, match=r"port 'x'.*bfloat16"):
        fits_browser(draft.finish(Source("python", "test")))


def test_without_npm_the_error_tells_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNN_EXPORT_NPM", str(tmp_path / "npm"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeUnavailable, match=r"npm install .* onnxruntime-web@1\.30\.0"):
        web_runtime.web_runtime()


def test_another_version_of_onnxruntime_web_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "node_modules" / web_runtime.PACKAGE
    (package / "dist").mkdir(parents=True)
    (package / "package.json").write_text('{"version": "1.29.0"}')
    monkeypatch.setenv("RNN_EXPORT_NPM", str(tmp_path))
    with pytest.raises(RuntimeUnavailable, match=r"version 1\.29\.0.*Remove"):
        web_runtime.web_runtime()
