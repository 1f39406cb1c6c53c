"""onnxruntime-web's WebGPU on a Concat of many inputs: the page sees wrong numbers; our own files do not have one.

Of the package's two bundles for WebGPU, `ort.bundle` (the older, in JavaScript) is wrong, `ort.webgpu` right.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from onnx import ModelProto

from rnn_export.builders import save_keras, stacked
from rnn_export.exporters import export
from rnn_export.readers import read
from rnn_export.runtimes.node import folder as npm_folder
from rnn_export.store import stage
from rnn_export.workflows import npm
from rnn_export.workflows.web import write_page
from tests.chromium import Browser, browser, needs_chromium

TIME = 20
"""Steps: as many inputs as a Concat of all of them has, and far more than WebGPU's eight storage buffers."""

SOFTWARE = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
"""WebGPU without a device, as Chromium itself brings it."""

there = (npm_folder() / "node_modules/onnxruntime-web").is_dir()
pytestmark = [
    needs_chromium,
    pytest.mark.skipif(
        not there and shutil.which("npm") is None,
        reason="npm is not installed, and neither is onnxruntime-web: apt-get install npm",
    ),
]


def in_one(model: ModelProto) -> ModelProto:
    """Return a model in which a Concat of Concats is one Concat: the same values, and a valid file."""
    made = ModelProto()
    made.CopyFrom(model)
    joins = {node.output[0]: node for node in made.graph.node if node.op_type == "Concat"}
    (outer,) = [node for node in joins.values() if set(node.input) <= joins.keys()]
    inputs = [name for each in outer.input for name in joins[each].input]
    del outer.input[:]
    outer.input.extend(inputs)
    assert len(inputs) == TIME
    return made


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page of an unrolled file on the older bundle, and the same with all steps joined at once."""
    root = tmp_path_factory.mktemp("pages")
    made = stacked([5], 4, bias_initializer="uniform", return_sequences=True, time=TIME)
    save_keras(made, root / "model.keras")
    network = read(root / "model.keras")
    exported = export(network, form="unrolled")
    with stage(root, "artifact") as staging:
        shutil.copyfile(root / "model.keras", staging.folder / "model.keras")
        exported.save(staging.folder / "unrolled.onnx")
        staging.commit(network.digest, {})
    ours = write_page(root / "artifact", root / "ours", form="unrolled").folder
    dist = npm.ensure("onnxruntime-web") / "dist"
    shutil.copyfile(dist / "ort.bundle.min.mjs", ours / "ort" / "ort.webgpu.bundle.min.mjs")
    wasm = "ort-wasm-simd-threaded.jsep.wasm"
    shutil.copyfile(dist / wasm, ours / "ort" / wasm)
    shutil.copytree(ours, root / "joined")
    data = in_one(exported.model).SerializeToString()
    (root / "joined" / "model.onnx").write_bytes(data)
    cases = json.loads((root / "joined" / "cases.json").read_text())
    cases["model"]["sha256"] = hashlib.sha256(data).hexdigest()
    (root / "joined" / "cases.json").write_text(json.dumps(cases))
    return root


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def opened(pages: Path) -> Iterator[tuple[Browser, str]]:
    handler = functools.partial(Quiet, directory=str(pages))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        browser(*SOFTWARE) as made,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield made, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def outcomes(opened: tuple[Browser, str], page: str) -> dict[str, set[str]]:
    """Return the verdicts of a page by runtime."""
    shown, address = opened
    shown.open(f"{address}/{page}/index.html")
    shown.wait("return document.body.dataset.state === 'done'")
    found: dict[str, set[str]] = {}
    for case in shown.run("return window.conformance")["cases"]:
        found.setdefault(case["runtime"], set()).add(case["verdict"])
    if "onnxruntime-web:webgpu" not in found:
        pytest.skip("this Chromium has no WebGPU in software")
    return found


def test_our_file_is_right_on_webassembly_and_on_webgpu(opened: tuple[Browser, str]) -> None:
    assert outcomes(opened, "ours") == {
        "onnxruntime-web:wasm": {"PASS"},
        "onnxruntime-web:webgpu": {"PASS"},
    }


def test_what_webgpu_gets_wrong_in_one_concat_does_not_pass(opened: tuple[Browser, str]) -> None:
    found = outcomes(opened, "joined")
    # The file is right.
    assert found["onnxruntime-web:wasm"] == {"PASS"}
    assert found["onnxruntime-web:webgpu"] == {"FAIL"}
