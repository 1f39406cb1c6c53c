"""Fuzz the ways in for files of strangers, guided by coverage, and print how many runs it came to.

    .venv/bin/pip install -c scripts/constraints.txt -e '.[fuzz]'
    .venv/bin/python scripts/fuzz.py [keras config weights legacy onnx] [--runs 1000000] [--seconds 600]
    .venv/bin/python scripts/fuzz.py onnx --plain          without atheris: changes at random, repeatable by --seed
    .venv/bin/python scripts/fuzz.py onnx --again FILE     one file again

Each target is a process of its own. It ends at an error that is none of ours, a run of more than 5 s, or more than
1 GB; the file that did it is then tests/attacks/corpus/found/TARGET-..., where the tests find it from then on.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

FOUND = ROOT / "tests" / "attacks" / "corpus" / "found"
NAMES = ("keras", "config", "weights", "legacy", "onnx")
SECONDS, MEGABYTES = 5, 1024


def guided(target: str, runs: int, seconds: int) -> None:
    """Run libFuzzer on one target; it prints its own figures and ends the process."""
    import atheris

    with atheris.instrument_imports(include=["rnn_export", "zipfile", "json"]):
        from tests.attacks.fuzzing import TARGETS, seeds
    FOUND.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{target}-"))
    for number, data in enumerate(seeds(target)):
        (folder / f"seed-{number}").write_bytes(data)
    largest = max(map(len, seeds(target)))
    options = [
        sys.argv[0],
        str(folder),
        f"-runs={runs}",
        f"-max_total_time={seconds}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={2 * largest}",
        f"-artifact_prefix={FOUND}/{target}-",
        "-print_final_stats=1",
    ]
    atheris.Setup(options, TARGETS[target])
    atheris.Fuzz()


def plain(target: str, runs: int, seconds: int, seed: int) -> None:
    """Change the seeds at random; run ``number`` of a seed is the same each time."""
    from tests.attacks.fuzzing import TARGETS, mutated

    FOUND.mkdir(exist_ok=True)
    begun, slowest = time.monotonic(), 0.0
    number = 0
    last = FOUND / f"{target}-last"
    while number < runs and time.monotonic() - begun < seconds:
        data = mutated(target, Random(f"{seed} {number}"))
        # Before the run: a crash of native code leaves no time to say which file it was.
        last.write_bytes(data)
        started = time.monotonic()
        try:
            TARGETS[target](data)
        except BaseException:
            print(f"{target}: run {number} of seed {seed} failed: {last}", flush=True)
            raise
        taken = time.monotonic() - started
        slowest = max(slowest, taken)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if taken > SECONDS or peak > MEGABYTES:
            raise SystemExit(f"{target}: run {number} of seed {seed}: {taken:.1f} s, {peak:.0f} MB")
        number += 1
    last.unlink()
    print(
        f"{target}: {number:,} runs, no failure; slowest {slowest:.2f} s, peak {peak:.0f} MB",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the readers.")
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []], default=[])
    parser.add_argument("--runs", type=int, default=1_000_000, help="of each target")
    parser.add_argument("--seconds", type=int, default=600, help="for each target, at most")
    parser.add_argument("--seed", type=int, default=0, help="with --plain")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--again", type=Path, metavar="FILE", help="run one file")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    targets = asked.targets or NAMES
    if asked.again:
        from tests.attacks.fuzzing import TARGETS

        TARGETS[targets[0]](asked.again.read_bytes())
        return 0
    if asked.alone and asked.plain:
        plain(targets[0], asked.runs, asked.seconds, asked.seed)
        return 0
    if asked.alone:
        guided(targets[0], asked.runs, asked.seconds)
        return 0
    failed = []
    for target in targets:
        words = [
            "--runs",
            str(asked.runs),
            "--seconds",
            str(asked.seconds),
            "--seed",
            str(asked.seed),
        ]
        way = ["--plain"] if asked.plain else []
        command = [sys.executable, __file__, target, *words, *way, "--alone"]
        print(" ".join(command[1:]), flush=True)
        if subprocess.run(command, check=False).returncode:
            failed.append(target)
    print(f"failed: {', '.join(failed)}" if failed else "no failure")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
