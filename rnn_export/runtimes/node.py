"""onnxruntime in JavaScript, run by Node: its native addon (onnxruntime-node) and WebAssembly (onnxruntime-web).

The npm packages are looked for in RNN_EXPORT_NPM, or else in the user's cache folder; `doctor --install` puts
them there. Node is a child of the worker and answers in the worker's own language of frames.

Source: https://onnxruntime.ai/docs/api/js
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import Any

from rnn_export.runtimes import feeds as inputs_check
from rnn_export.runtimes import frames
from rnn_export.runtimes.contract import (
    Available,
    Feeds,
    Kind,
    Model,
    OnnxFile,
    Options,
    Results,
    RunFacts,
    Session,
    Unavailable,
)
from rnn_export.runtimes.failures import Refused
from rnn_export.runtimes.onnx_slots import load_slots

SERVER = Path(__file__).with_name("node_server.js")
PINNED = "1.30.0"


def folder() -> Path:
    """Return the folder whose node_modules hold the packages."""
    pointed = os.environ.get("RNN_EXPORT_NPM")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(pointed) if pointed else Path(cache) / "rnn_export" / "npm"


def command(package: str) -> list[str]:
    """Return the command that installs a package in its pinned version."""
    # --ignore-scripts: onnxruntime-node holds its CPU library; its script would fetch the CUDA one.
    options = ["--ignore-scripts", "--save-exact", "--no-audit", "--no-fund"]
    return ["npm", "install", *options, "--prefix", str(folder()), f"{package}@{PINNED}"]


@dataclass(frozen=True)
class NodeRuntime:
    """One npm package on one execution provider."""

    name: str
    package: str
    provider: str
    accepts: tuple[Kind, ...] = ("onnx",)
    precisions: tuple[str, ...] = ("float32", "default")

    def probe(self) -> Available | Unavailable:
        node = shutil.which("node")
        if node is None:
            return Unavailable("no node on the PATH", "apt-get install nodejs")
        described = folder() / "node_modules" / self.package / "package.json"
        if not described.is_file():
            install = f"rnn-export doctor --install {self.name}"
            return Unavailable(f"no {self.package} in {folder()}", install)
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        details = {"node": version.stdout.strip(), "provider": self.provider}
        return Available(json.loads(described.read_text())["version"], details)

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, OnnxFile):
            raise TypeError(f"expected an OnnxFile, got {model!r}")
        found = self.probe()
        version = found.version if isinstance(found, Available) else ""
        return NodeSession(self, version, self._server, model, options)

    @cached_property
    def _server(self) -> NodeServer:
        return NodeServer(self.name, folder() / "node_modules" / self.package)


class NodeServer:
    """One Node process for all sessions of a worker; it dies with the worker's process group."""

    def __init__(self, name: str, package: Path) -> None:
        self._name = name
        from_us, to_node = os.pipe()
        from_node, to_us = os.pipe()
        # Pipes of its own, since anything in Node may print to stdout. Its stdout is our stderr already.
        self._process = subprocess.Popen(
            ["node", str(SERVER), str(package), str(from_us), str(to_us)],
            pass_fds=(from_us, to_us),
            stdin=subprocess.DEVNULL,
        )
        os.close(from_us)
        os.close(to_us)
        self._to, self._from = FileIO(to_node, "w"), FileIO(from_node, "r")

    def ask(self, request: frames.Header, feeds: Feeds) -> tuple[frames.Header, Results]:
        """Send a request to Node and return its answer.

        Raises:
            Refused: it answered with an error.
        """
        try:
            frames.write(self._to, request, feeds)
            header, arrays = frames.read(self._from)
        except (EOFError, BrokenPipeError):
            # Node died: so does this worker, of the same signal, for that is what the caller has to learn.
            status = self._process.wait()
            if status < 0:
                os.kill(os.getpid(), -status)
            os._exit(status)
        if "error" in header:
            refusal = Refused(
                f"runtime {self._name}",
                expected=f"it to {request['ask']} the model",
                got=header["error"],
            )
            refusal.text = header["stack"]
            raise refusal
        return header, arrays


class NodeSession:
    """An InferenceSession in Node."""

    def __init__(
        self,
        runtime: NodeRuntime,
        version: str,
        server: NodeServer,
        model: OnnxFile,
        options: Options,
    ) -> None:
        self._name = runtime.name
        self._server = server
        self.inputs, self.outputs = load_slots(model.path)
        settings: dict[str, Any] = {"provider": runtime.provider, "threads": options.threads}
        header, _ = server.ask({"ask": "open", "path": str(model.path), **settings}, {})
        self._number = header["session"]
        details = {"provider": runtime.provider, "threads": str(options.threads)}
        self.facts = RunFacts(runtime.name, version, "float32", details=details)

    def run(self, feeds: Feeds) -> Results:
        inputs_check.check(self._name, self.inputs, feeds)
        _, results = self._server.ask({"ask": "run", "session": self._number}, feeds)
        return {slot.name: results[slot.name] for slot in self.outputs}

    def close(self) -> None:
        self._server.ask({"ask": "close", "session": self._number}, {})


node = NodeRuntime("onnxruntime-node", "onnxruntime-node", "cpu")
wasm = NodeRuntime("onnxruntime-web:wasm", "onnxruntime-web", "wasm")
