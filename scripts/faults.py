"""Kill builds at random points, and print how many artifacts were lost or half-written: none may be.

    .venv/bin/python scripts/faults.py [--kills 200] [--seed 0]

Two networks take turns in one artifact's place, so that every build has something to replace. Each round starts the
whole program, kills it (SIGKILL, with all that it started) after a random time, and looks: the artifact must be the
one from before or the new one, whole to the last byte. The next build must clear up what the killed ones have left.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rnn_export.store import check_folder

ROOT = Path(__file__).resolve().parent.parent

TOML = """
[[network]]
name = "turns"
seed = {seed}
layers = [{{class = "SimpleRNN", units = 3}}]
input = {{shape = ["time", 2]}}
"""
# The steps of a build as the program runs them, without Keras and the runtimes: those take seconds and write nothing.
STORING = """
import sys
from pathlib import Path
from rnn_export.builders import networks_from_toml
from rnn_export.exporters import export
from rnn_export.store import stage
from rnn_export.workflows import examples
(network,) = networks_from_toml(sys.argv[1])
while True:
    with stage(Path(sys.argv[2]), "turns", wait=20.0) as staging:
        for form in ("rnn", "scan", "wavefront"):
            export(network, form=form).save(staging.folder / f"{form}.onnx")
        examples.store_example(network, staging, 3, 5)
        staging.commit(network.digest, {"report.json": b"{}"})
    print("stored", flush=True)
    with stage(Path(sys.argv[2]), "turns", wait=20.0) as staging:
        (staging.folder / "other.onnx").write_bytes(b"another network's" * 1000)
        staging.commit("0" * 64, {"report.json": b"{}"})
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill builds at random points.")
    parser.add_argument("--kills", type=int, default=200, help="of the storing, again and again")
    parser.add_argument("--builds", type=int, default=5, help="kills of the whole program")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    random = Random(asked.seed)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        bad += _storing(Path(folder), asked.kills, random)
        bad += _building(Path(folder), asked.builds, random)
    return int(bad > 0)


def _storing(folder: Path, kills: int, random: Random) -> int:
    """Kill a process that stores two networks in turn; return how many artifacts were not whole."""
    described, out = folder / "net.toml", folder / "stored"
    described.write_text(TOML.format(seed=1))
    seen: Counter[str] = Counter()
    command = [sys.executable, "-c", STORING, str(described), str(out)]
    for _ in range(kills):
        process = _started(command)
        assert process.stdout is not None
        # Only after a first artifact: the import takes longer than all that follows.
        process.stdout.readline()
        time.sleep(random.uniform(0, 0.3))
        _kill(process)
        seen[_state(out / "turns")] += 1
    left = sorted(path.name for path in out.iterdir() if path.name != "turns")
    process = _started(command)
    assert process.stdout is not None
    process.stdout.readline()
    _kill(process)
    cleared = [path for path in out.iterdir() if path.name in left and "staged" in path.name]
    print(
        f"storing: {kills} kills; whole afterwards {seen['whole']}, missing {seen['missing']}, "
        f"damaged {seen['damaged']}; left by the last kill: {', '.join(left) or 'nothing'}; "
        f"of that after the next build: {len(cleared)}",
        flush=True,
    )
    return seen["missing"] + seen["damaged"] + len(cleared)


def _building(folder: Path, kills: int, random: Random) -> int:
    """Kill the whole program; return how many artifacts were not whole."""
    described, out = folder / "net.toml", folder / "built"
    described.write_text(TOML.format(seed=1))
    command = [sys.executable, "-m", "rnn_export", "build", str(described), "--out", str(out)]
    begun = time.monotonic()
    subprocess.run([*command, "--jobs", "1"], check=True, cwd=ROOT, capture_output=True)
    usual = time.monotonic() - begun
    seen: Counter[str] = Counter()
    for number in range(kills):
        described.write_text(TOML.format(seed=number + 2))
        process = _started([*command, "--jobs", "1"])
        time.sleep(random.uniform(0, usual))
        _kill(process)
        seen[_state(out / "turns")] += 1
    subprocess.run([*command, "--jobs", "1"], check=True, cwd=ROOT, capture_output=True)
    seen[_state(out / "turns")] += 1
    left = [path.name for path in out.iterdir() if path.name != "turns"]
    print(
        f"build: {kills} kills within {usual:.0f} s; whole afterwards, and after the build that followed, "
        f"{seen['whole']}, missing {seen['missing']}, damaged {seen['damaged']}; left over: {len(left)}",
        flush=True,
    )
    return seen["missing"] + seen["damaged"] + len(left)


def _started(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it started, and wait for its end."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _state(folder: Path) -> str:
    if not folder.is_dir():
        return "missing"
    checked = check_folder(folder)
    strange = [file for file in checked.files if file.state != "same"]
    return "damaged" if strange else "whole"


if __name__ == "__main__":
    sys.exit(main())
