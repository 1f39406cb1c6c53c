"""Fuzz the ways in for files of strangers and print how many runs it came to.

    .venv/bin/python scripts/fuzz.py [keras config weights legacy pair onnx] [--runs 170000] [--seconds 86400]
    .venv/bin/python scripts/fuzz.py onnx --guided         by coverage, with atheris: pip install -e '.[fuzz]'
    .venv/bin/python scripts/fuzz.py onnx --again FILE     one file again

Run N of a target changes the same things each time, for each --seed. Each target is a process of its own. It ends at
an error that is none of ours, a run of more than 5 s, or more than 1 GB; the file that did it is then
tests/attacks/corpus/found/TARGET-..., where the tests find it from then on.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
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
NAMES = ("keras", "config", "weights", "legacy", "pair", "onnx")
SECONDS, MEGABYTES = 5, 1024


def guided(target: str, runs: int, seconds: int, seed: int) -> None:
    """Run libFuzzer on one target; it prints its own figures and ends the process."""
    import atheris

    with atheris.instrument_imports(include=["rnn_export", "zipfile", "json"]):
        from tests.attacks.fuzzing import TARGETS, seeds
    from tests.attacks.mutating import mutated

    def changed(data: bytes, most: int, number: int) -> bytes:
        way = Random(number)
        if way.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        return mutated(target, way, data)[:most]

    FOUND.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{target}-"))
    for number, data in enumerate(seeds(target)):
        (folder / f"seed-{number}").write_bytes(data)
    largest = max(map(len, seeds(target)))
    options = [
        sys.argv[0],
        str(folder),
        f"-runs={runs}",
        f"-seed={seed + 1}",
        f"-max_total_time={seconds}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={2 * largest}",
        f"-artifact_prefix={FOUND}/{target}-",
        "-print_final_stats=1",
    ]
    atheris.Setup(options, TARGETS[target], custom_mutator=changed)
    atheris.Fuzz()


def plain(target: str, runs: int, seconds: int, seed: int, current: Path) -> None:
    """Change the seeds at random; the file of the run is ``current`` until it has ended."""
    from tests.attacks.fuzzing import TARGETS
    from tests.attacks.mutating import mutated

    begun, slowest, peak = time.monotonic(), 0.0, 0.0
    number = 0
    while number < runs and time.monotonic() - begun < seconds:
        data = mutated(target, Random(f"{seed} {number}"))
        # Before the run: neither a crash nor a hang of native code leaves time to say which file it was.
        current.write_bytes(data)
        faulthandler.dump_traceback_later(4 * SECONDS, exit=True)
        started, used = time.monotonic(), time.process_time()
        TARGETS[target](data)
        # Of the process, so that others on the machine do not count.
        taken = min(time.monotonic() - started, time.process_time() - used)
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, taken)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if taken > SECONDS or peak > MEGABYTES:
            raise SystemExit(f"{target}: run {number} of seed {seed}: {taken:.1f} s, {peak:.0f} MB")
        number += 1
    current.unlink()
    print(
        f"{target}: {number:,} runs of seed {seed}, no failure; slowest {slowest:.2f} s, peak {peak:.0f} MB",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the readers.")
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []], default=[])
    parser.add_argument("--runs", type=int, default=170_000, help="of each target")
    parser.add_argument("--seconds", type=int, default=86_400, help="for each target, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true", help="with atheris")
    parser.add_argument("--again", type=Path, metavar="FILE", help="run one file")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    targets = asked.targets or NAMES
    if asked.again:
        from tests.attacks.fuzzing import TARGETS

        TARGETS[targets[0]](asked.again.read_bytes())
        return 0
    if asked.alone and asked.guided:
        guided(targets[0], asked.runs, asked.seconds, asked.seed)
        return 0
    if asked.alone:
        plain(targets[0], asked.runs, asked.seconds, asked.seed, asked.alone)
        return 0
    failed = [target for target in targets if not _passes(target, asked)]
    print(f"failed: {', '.join(failed)}" if failed else "no failure")
    return int(bool(failed))


def _passes(target: str, asked: argparse.Namespace) -> bool:
    """Run one target in a process of its own; what it fails on is kept."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        current = Path(folder) / "current"
        words = [
            *("--runs", str(asked.runs), "--seconds", str(asked.seconds)),
            *("--seed", str(asked.seed), "--alone", str(current)),
            *(["--guided"] if asked.guided else []),
        ]
        done = subprocess.run([sys.executable, __file__, target, *words], check=False)
        if done.returncode and current.exists():
            data = current.read_bytes()
            FOUND.mkdir(exist_ok=True)
            kept = FOUND / f"{target}-{hashlib.sha256(data).hexdigest()[:12]}"
            kept.write_bytes(data)
            print(f"{target}: it failed on {kept}", flush=True)
        return not done.returncode


if __name__ == "__main__":
    sys.exit(main())
