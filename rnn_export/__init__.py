"""One Keras recurrent model in, ONNX files that are proven equal to it out.

    import rnn_export

    network = rnn_export.read("model.keras")  # or a keras.Model
    exported = rnn_export.export(network, form="rnn")
    exported.save("model.onnx")
    report = rnn_export.verify(
        "model.keras", "model.onnx", runtimes=["keras:tensorflow", "onnxruntime:cpu"]
    )
    report.raise_for_verdict()

Nothing is imported until it is used (PEP 562), so that this import costs milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from rnn_export._version import __version__

if TYPE_CHECKING:
    from rnn_export import builders as builders
    from rnn_export import errors as errors
    from rnn_export import presets as presets
    from rnn_export.errors import (
        ExportError,
        NetworkError,
        ReadError,
        RnnExportError,
        RuntimeCrashed,
        RuntimeRefused,
        RuntimeUnavailable,
        StoreError,
    )
    from rnn_export.exporters import Exported, export
    from rnn_export.network import Network
    from rnn_export.readers import read
    from rnn_export.verifier import judge
    from rnn_export.workflows.building import build
    from rnn_export.workflows.checking import check
    from rnn_export.workflows.inspecting import inspect
    from rnn_export.workflows.parallel_session import ParallelSession
    from rnn_export.workflows.streaming_session import StreamingSession
    from rnn_export.workflows.verification import verify

__all__ = [
    "ExportError",
    "Exported",
    "Network",
    "NetworkError",
    "ParallelSession",
    "ReadError",
    "RnnExportError",
    "RuntimeCrashed",
    "RuntimeRefused",
    "RuntimeUnavailable",
    "StoreError",
    "StreamingSession",
    "__version__",
    "build",
    "builders",
    "check",
    "errors",
    "export",
    "inspect",
    "judge",
    "presets",
    "read",
    "verify",
]

_PLACES = {
    "ExportError": "rnn_export.errors",
    "Exported": "rnn_export.exporters",
    "Network": "rnn_export.network",
    "NetworkError": "rnn_export.errors",
    "ParallelSession": "rnn_export.workflows.parallel_session",
    "ReadError": "rnn_export.errors",
    "RnnExportError": "rnn_export.errors",
    "RuntimeCrashed": "rnn_export.errors",
    "RuntimeRefused": "rnn_export.errors",
    "RuntimeUnavailable": "rnn_export.errors",
    "StoreError": "rnn_export.errors",
    "StreamingSession": "rnn_export.workflows.streaming_session",
    "build": "rnn_export.workflows.building",
    "check": "rnn_export.workflows.checking",
    "export": "rnn_export.exporters",
    "inspect": "rnn_export.workflows.inspecting",
    "judge": "rnn_export.verifier",
    "read": "rnn_export.readers",
    "verify": "rnn_export.workflows.verification",
}
"""Public name to the module that holds it."""

_MODULES = {"builders", "errors", "presets"}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"rnn_export.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module 'rnn_export' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_PLACES[name]), name)
    # Kept, so that the next use costs no call.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
