"""npm packages that runtimes need, at one pinned version, installed on demand into the user's cache folder."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

from rnn_export.errors import RuntimeUnavailable
from rnn_export.runtimes.node import PINNED, command, folder, node, wasm
from rnn_export.store.writing import storing

TIME_LIMIT = 600.0

PACKAGES = {runtime.name: runtime.package for runtime in (node, wasm)}
"""Runtime to the package that it needs."""


def ensure(package: str) -> Path:
    """Return the folder of a package, of whatever version is there; if none is, it is installed.

    Raises:
        RuntimeUnavailable: npm is missing or failed.
        StoreError: the cache folder cannot be written.
    """
    return _place(package) if installed(package) else install(package)


def install(package: str) -> Path:
    """Return the folder of a package, which is there in the pinned version afterwards.

    Raises:
        RuntimeUnavailable: npm is missing or failed.
        StoreError: the cache folder cannot be written.
    """
    with storing(folder()):
        folder().mkdir(parents=True, exist_ok=True)
        with (folder() / ".rnn_export.lock").open("w") as lock:
            # Two at once would write the same files; the second one finds them.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if installed(package) != PINNED:
                _install(package)
    return _place(package)


def installed(package: str) -> str | None:
    """Return the version of a package in the cache folder, or None."""
    described = _place(package) / "package.json"
    if not described.is_file():
        return None
    return str(json.loads(described.read_text()).get("version"))


def _place(package: str) -> Path:
    return folder() / "node_modules" / package


def _install(package: str) -> None:
    words = command(package)
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeUnavailable(
            package,
            expected="npm, to install it",
            got="no npm on the PATH",
            advice=f"apt-get install npm, or on another machine: {' '.join(words)}",
        )
    try:
        done = subprocess.run(
            [npm, *words[1:]], capture_output=True, text=True, check=False, timeout=TIME_LIMIT
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeUnavailable(
            package,
            expected=f"npm to install it within {TIME_LIMIT:.0f} s",
            got="nothing",
            advice=f"Try it by hand: {' '.join(words)}",
        ) from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        errors = [line for line in lines if "error" in line.lower()]
        raise RuntimeUnavailable(
            f"{package}@{PINNED}",
            expected="npm to install it",
            got=f"exit code {done.returncode}: {(errors or lines)[0]}",
            advice=f"Try it by hand: {' '.join(words)}",
        )
