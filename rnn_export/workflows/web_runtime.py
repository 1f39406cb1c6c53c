"""onnxruntime-web for a page: the files that it needs, checked against those of the pinned version."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rnn_export.errors import RuntimeUnavailable
from rnn_export.runtimes.node import PINNED
from rnn_export.workflows.npm import ensure, installed

PACKAGE = "onnxruntime-web"

DIGESTS = {
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    "ort.webgpu.bundle.min.mjs": "0730816731ce2cdfb06f273da065d4a1c7091eb9d1756a83b2916c8a89d015e2",
    "ort-wasm-simd-threaded.asyncify.wasm": "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da",
}
"""The files of the package that a page needs, for WebAssembly and for WebGPU, and their sha256."""


def web_runtime() -> dict[str, Path]:
    """Return the files that a page needs of onnxruntime-web, by name; it is installed if it is not there.

    Raises:
        RuntimeUnavailable: npm is missing or failed, or the files are not those of the pinned version.
        StoreError: the cache folder cannot be written.
    """
    package = ensure(PACKAGE)
    found = {name: package / "dist" / name for name in DIGESTS}
    for name, path in found.items():
        if not path.is_file() or _sha256(path) != DIGESTS[name]:
            raise RuntimeUnavailable(
                str(package),
                expected=f"{name} of version {PINNED}",
                got=f"another one (version {installed(PACKAGE)})",
                advice=f"Remove {package}; the next run installs it anew.",
            )
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
