"""`doctor`: what is installed, what is missing and the command that installs it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from rnn_export._version import __version__
from rnn_export.errors import RnnExportError, RuntimeCrashed
from rnn_export.runtimes import Available, connect, names

CORE = ("numpy", "onnx", "h5py", "ml_dtypes", "click", "rich", "jinja2", "psutil")
EXTRAS = {
    "tf2onnx": "peers",  # the form loop
    "matplotlib": "reports",  # bench --plot
}
"""Packages beside the core and the runtimes, with the extra that brings them."""

OLDEST, NEWEST = (3, 11), (3, 13)


@dataclass(frozen=True)
class PackageFacts:
    """A package of the core or of an extra.

    Args:
        name: as pip knows it.
        version: None when it is missing.
        needed: nothing works without it.
        install: the command that gets it.
    """

    name: str
    version: str | None
    needed: bool
    install: str


@dataclass(frozen=True)
class RuntimeFacts:
    """A runtime as it is here.

    Args:
        name: as `--runtime` takes it.
        version: of the product; None when it cannot be used.
        details: what else it says of itself.
        reason: why it cannot be used; "" when it can.
        install: the command (or what else to do) that gets it; "" when it is here.
    """

    name: str
    version: str | None
    details: Mapping[str, str]
    reason: str
    install: str


@dataclass(frozen=True)
class Diagnosis:
    """Everything that `doctor` found.

    Args:
        program, python, system: versions.
        packages: those of the core, then those of extras that are no runtime.
        runtimes: every known one.
        problems: what is wrong with this installation, each with what to do.
    """

    program: str
    python: str
    system: str
    packages: tuple[PackageFacts, ...]
    runtimes: tuple[RuntimeFacts, ...]
    problems: tuple[RnnExportError, ...]


def examine(tell: Callable[[str, int, int], None] = lambda name, done, of: None) -> Diagnosis:
    """Look at this installation; every runtime is asked in a worker of its own.

    Args:
        tell: called with the name of a runtime that has answered, how many have, and how many there are.
    """
    asked = names()
    found: dict[str, RuntimeFacts] = {}
    # Two at a time: most of it is one product's import, which keeps a core busy.
    with ThreadPoolExecutor(max_workers=2) as pool:
        for facts in pool.map(_runtime, asked):
            found[facts.name] = facts
            tell(facts.name, len(found), len(asked))
    return Diagnosis(
        program=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        packages=tuple(_packages()),
        runtimes=tuple(found[name] for name in asked),
        problems=tuple(_problems()),
    )


def installed(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _packages() -> Iterator[PackageFacts]:
    for name in CORE:
        yield PackageFacts(name, installed(name), True, f"pip install {name}")
    for name, extra in EXTRAS.items():
        yield PackageFacts(name, installed(name), False, f"pip install 'rnn-export[{extra}]'")


def _runtime(name: str) -> RuntimeFacts:
    with connect(name) as runtime:
        try:
            answer = runtime.probe()
        except RuntimeCrashed as crash:
            return RuntimeFacts(
                name, None, {}, crash.got, crash.advice or "Repair its installation."
            )
    if isinstance(answer, Available):
        return RuntimeFacts(name, answer.version, dict(answer.details), "", "")
    return RuntimeFacts(name, None, {}, answer.reason, answer.install)


def _problems() -> list[RnnExportError]:
    problems = []
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        problems.append(
            RnnExportError(
                "Python",
                expected=f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}",
                got=platform.python_version(),
                advice="Use one of these; others are not tested.",
            )
        )
    plain, gpu = installed("onnxruntime"), installed("onnxruntime-gpu")
    if plain and gpu:
        problems.append(
            RnnExportError(
                "onnxruntime",
                expected="one of the packages onnxruntime and onnxruntime-gpu, which share a module",
                got=f"both ({plain} and {gpu})",
                advice="Uninstall both, then install the one you want: "
                "pip uninstall -y onnxruntime onnxruntime-gpu; pip install 'rnn-export[gpu]'",
            )
        )
    return problems
