"""onnxruntime-web for a page: one pinned version from npm, installed on demand into the user's cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from rnn_export.errors import RuntimeUnavailable
from rnn_export.runtimes.node import PINNED, folder
from rnn_export.store.writing import storing

PACKAGE = "onnxruntime-web"
TIME_LIMIT = 600.0

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
    """
    place = folder()
    with storing(place):
        place.mkdir(parents=True, exist_ok=True)
        with (place / ".rnn_export.lock").open("w") as lock:
            # Two at once would write the same files; the second one finds them.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _installed(place) is None:
                _install(place)
    found = {name: place / "node_modules" / PACKAGE / "dist" / name for name in DIGESTS}
    for name, path in found.items():
        if not path.is_file() or _sha256(path) != DIGESTS[name]:
            raise RuntimeUnavailable(
                f"{PACKAGE} in {place}",
                expected=f"{name} of version {PINNED}",
                got=f"another one (version {_installed(place)})",
                advice=f"Remove {place / 'node_modules' / PACKAGE}; the next run installs it anew.",
            )
    return found


def _installed(place: Path) -> str | None:
    described = place / "node_modules" / PACKAGE / "package.json"
    if not described.is_file():
        return None
    return str(json.loads(described.read_text()).get("version"))


def _install(place: Path) -> None:
    npm = shutil.which("npm")
    wanted = f"{PACKAGE}@{PINNED}"
    command = [
        "npm",
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefix",
        str(place),
        wanted,
    ]
    if npm is None:
        raise RuntimeUnavailable(
            PACKAGE,
            expected="npm, to install it",
            got="no npm on the PATH",
            advice=f"apt-get install npm, or on another machine: {' '.join(command)}",
        )
    try:
        done = subprocess.run(
            [npm, *command[1:]], capture_output=True, text=True, check=False, timeout=TIME_LIMIT
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeUnavailable(
            PACKAGE,
            expected=f"npm to install it within {TIME_LIMIT:.0f} s",
            got="nothing",
            advice=f"Try it by hand: {' '.join(command)}",
        ) from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise RuntimeUnavailable(
            PACKAGE,
            expected="npm to install it",
            got=f"exit code {done.returncode}: {lines[0]}",
            advice=f"Try it by hand: {' '.join(command)}",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
