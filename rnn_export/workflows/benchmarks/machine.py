"""The machine that a benchmark ran on, as far as its figures depend on it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

PACKAGES = ("rnn-export", "onnxruntime", "onnx", "numpy", "keras", "tensorflow", "tf2onnx")
INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_vnni", "amx_tile", "asimd", "sve")


@dataclass(frozen=True)
class Machine:
    """What a reader has to know of the machine.

    Args:
        processor: its name.
        cores: that this process may use.
        instructions: those that numeric libraries pick their code by.
        memory: bytes.
        system: kernel and architecture.
        python: version.
        packages: versions of what is installed beside this program.
        load: average number of busy processes over the minute before.
    """

    processor: str
    cores: int
    instructions: tuple[str, ...]
    memory: int
    system: str
    python: str
    packages: Mapping[str, str]
    load: float


def describe_machine() -> Machine:
    """Return the machine that this runs on."""
    info = _processor()
    flags = info.get("flags", info.get("Features", "")).split()
    affinity = getattr(os, "sched_getaffinity", None)
    return Machine(
        processor=info.get("model name") or platform.processor() or platform.machine(),
        cores=len(affinity(0)) if affinity else os.cpu_count() or 1,
        instructions=tuple(name for name in INSTRUCTIONS if name in flags),
        memory=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        packages={name: found for name in PACKAGES if (found := _version(name))},
        load=psutil.getloadavg()[0],
    )


def _processor() -> dict[str, str]:
    """Return what Linux says of the first processor; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
