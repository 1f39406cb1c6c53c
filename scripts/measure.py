#!/usr/bin/env python3
"""Prints what the program costs: scripts/measure.py [export] [help] [build] [--rounds N].

export   a whole process that exports a 3-layer .keras file, against one that imports onnx and h5py
         and stops; run in turns, medians; peak memory; what was imported
help     a whole process that prints --help
build    a whole `build` of every preset into a new folder, and how much of it is Keras

Run it with the project's Python: .venv/bin/python scripts/measure.py
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PROGRAM = [sys.executable, "-m", "rnn_export"]
FLOOR = [sys.executable, "-c", "import onnx, h5py"]
# As it is once installed: with byte code, which this variable keeps Python from writing.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}
MUST_NOT = ("tensorflow", "keras", "onnxruntime", "torch", "jax", "rich")


@dataclass(frozen=True)
class Run:
    """One whole process: seconds by the clock and of CPU, peak resident bytes."""

    seconds: float
    cpu: float
    peak: int


def run(command: list[str]) -> Run:
    """Run a command with its output thrown away; its failure ends the measurement."""
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {child.returncode}")
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def in_turns(commands: dict[str, list[str]], rounds: int) -> dict[str, list[Run]]:
    """Run each command ``rounds`` times, in turns (A B A B), after one round that does not count."""
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            taken = run(command)
            if number:
                found[name].append(taken)
    return found


def told(name: str, runs: list[Run]) -> None:
    """Print the median and spread of some runs."""
    seconds = sorted(item.seconds for item in runs)
    middle = statistics.median(seconds)
    cpu = statistics.median(item.cpu for item in runs)
    peak = max(item.peak for item in runs) / 1e6
    print(
        f"  {name:<24} {middle:6.3f} s  ({seconds[0]:.3f} to {seconds[-1]:.3f}), "
        f"{cpu:.3f} s of CPU, {peak:.0f} MB"
    )


def imported(command: list[str]) -> set[str]:
    """Return the top-level modules that a Python command imports."""
    timed = [command[0], "-X", "importtime", *command[1:]]
    done = subprocess.run(timed, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    names = {line.rsplit("|", 1)[-1].strip() for line in lines}
    return {name.partition(".")[0] for name in names}


def model(folder: Path) -> Path:
    """Make the 3-layer .keras file, in a process of its own, since that needs Keras."""
    file = folder / "three.keras"
    code = (
        "import sys; from pathlib import Path; from rnn_export import builders\n"
        "from rnn_export.workflows.keras_process import KerasProcess\n"
        "network = builders.stacked(units=[64, 64, 32], features=32)\n"
        "KerasProcess().save(network, Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, env=ENVIRONMENT)
    return file


def measure_export(folder: Path, rounds: int) -> None:
    """Print what `export` costs against the floor."""
    export = [*PROGRAM, "export", str(model(folder)), "-o", str(folder / "three.onnx")]
    print(f"export of a 3-layer .keras file, whole process, medians of {rounds}:")
    found = in_turns({"import onnx, h5py": FLOOR, "export": export}, rounds)
    for name, runs in found.items():
        told(name, runs)
    floor, taken = (statistics.median(item.seconds for item in runs) for runs in found.values())
    peak = max(item.peak for item in found["export"]) / 1e6
    print(f"  ratio {taken / floor:.2f} (at most 1.5), peak {peak:.0f} MB (at most 120)")
    heavy = sorted(imported(export).intersection(MUST_NOT))
    print(f"  imported of {', '.join(MUST_NOT)}: {', '.join(heavy) or 'none'}")


def measure_help(rounds: int) -> None:
    """Print what `--help` costs."""
    print(f"python -m rnn_export --help, whole process, medians of {rounds} (at most 0.2 s):")
    for name, runs in in_turns({"--help": [*PROGRAM, "--help"]}, rounds).items():
        told(name, runs)


def measure_build(folder: Path) -> None:
    """Print what `build` of every preset costs, and Keras' part of it."""
    print("build of every preset into a new folder (at most 90 s on 2 cores):")
    result = folder / "build.json"
    command = [*PROGRAM, "build", "--out", str(folder / "artifacts"), "--json", str(result)]
    taken = run(command)
    built = json.loads(result.read_text())
    size = sum(path.stat().st_size for path in (folder / "artifacts").rglob("*") if path.is_file())
    print(
        f"  {len(built['artifacts'])} artifacts, {size / 1e6:.1f} MB: {taken.seconds:.1f} s, "
        f"{taken.cpu:.1f} s of CPU. Over all processes together, by the clock:"
    )
    for name, part in built["seconds"].items():
        print(f"  {name:<24} {part:6.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints what the program costs.")
    parser.add_argument("what", nargs="*", choices=["export", "help", "build", []], default=[])
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    what = asked.what or ["help", "export", "build"]
    with tempfile.TemporaryDirectory() as folder:
        if "help" in what:
            measure_help(asked.rounds)
        if "export" in what:
            measure_export(Path(folder), asked.rounds)
        if "build" in what:
            measure_build(Path(folder))


if __name__ == "__main__":
    main()
