"""Kill builds at random points, fill their disk, and print how many artifacts were lost or half-written: none may be.

    .venv/bin/python scripts/faults.py [--kills 200] [--builds 5] [--disks 64] [--seed 0]

Two networks take turns in one artifact's place, so that there is always something to replace. Each round kills
(SIGKILL) a process that stores, after a random time, and looks: the artifact must be the one from before or the new
one, whole to the last byte. The next build must clear up what the killed ones have left. The same then with the whole
program, and all that it started. Last, on a small disk of memory of its own, where this process may mount one: stores
with less and less room left, and on the disk turned read-only.
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

from rnn_export.builders import networks_from_toml
from rnn_export.errors import RnnExportError
from rnn_export.exporters import export
from rnn_export.network import Network
from rnn_export.store import check_folder, stage
from rnn_export.store.folder import STAGED
from rnn_export.store.writing import write_bytes
from rnn_export.workflows import examples

ROOT = Path(__file__).resolve().parent.parent

ROOM = 2**18
"""Bytes of the disk that is filled; an artifact here takes some 30,000."""

TOML = """
[[network]]
name = "turns"
seed = {seed}
layers = [{{class = "SimpleRNN", units = 3}}]
input = {{shape = ["time", 2]}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill builds at random points.")
    parser.add_argument("--kills", type=int, default=200, help="of the storing, again and again")
    parser.add_argument("--builds", type=int, default=5, help="kills of the whole program")
    parser.add_argument(
        "--disks", type=int, default=64, help="stores on a disk that is nearly full"
    )
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    random = Random(asked.seed)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        bad += _storing(Path(folder), asked.kills, random)
        bad += _building(Path(folder), asked.builds, random)
        bad += _filling(Path(folder), asked.disks)
    return int(bad > 0)


def _storing(folder: Path, kills: int, random: Random) -> int:
    """Kill processes that store two networks in turn; return how many artifacts were not whole.

    They are forked from this one, which has imported all they need: a kill of the program as it starts says nothing.
    """
    described, out = folder / "net.toml", folder / "stored"
    described.write_text(TOML.format(seed=1))
    (network,) = networks_from_toml(described)
    _store(network, out, 0)
    seen: Counter[str] = Counter()
    for number in range(kills):
        child = os.fork()
        if not child:
            turn = number
            while True:
                _store(network, out, turn)
                turn += 1
        # Long enough for some artifacts, and for a part of the next.
        time.sleep(random.uniform(0, 0.5))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen[_state(out / "turns")] += 1
        seen["interrupted"] += any(path.name.endswith(STAGED) for path in out.iterdir())
    _store(network, out, kills)
    told = f"storing: {kills} kills, {seen['interrupted']} of them in the midst of an artifact; whole afterwards"
    return _counted(told, seen, _left(out))


def _store(network: Network, out: Path, turn: int) -> None:
    """Store what `build` stores of a network, or other files in the same place."""
    with stage(out, "turns", wait=20.0) as staging:
        if turn % 2:
            write_bytes(staging.folder / "other.onnx", b"another network's" * 1000)
            staging.commit("0" * 64, {"report.json": b"{}"})
            return
        for form in ("rnn", "scan", "wavefront"):
            export(network, form=form).save(staging.folder / f"{form}.onnx")
        examples.store_example(network, staging, 3, 5)
        staging.commit(network.digest, {"report.json": b"{}"})


def _building(folder: Path, kills: int, random: Random) -> int:
    """Kill the whole program; return how many artifacts were not whole."""
    described, out = folder / "net.toml", folder / "built"
    described.write_text(TOML.format(seed=1))
    command = [sys.executable, "-m", "rnn_export", "build", str(described), "--out", str(out)]
    if not kills:
        return 0
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
    told = f"build: {kills} kills within {usual:.0f} s; whole afterwards, and after the build that followed,"
    return _counted(told, seen, _left(out))


def _filling(folder: Path, disks: int) -> int:
    """Store with less and less room, then with a disk that is read-only; return how many artifacts were not whole."""
    disk, described = folder / "disk", folder / "net.toml"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(disk)]
    if not disks or subprocess.run(mount, check=False, capture_output=True).returncode:
        print("disk: not tried; mounting one takes more rights than this process has", flush=True)
        return 0
    try:
        described.write_text(TOML.format(seed=1))
        (network,) = networks_from_toml(described)
        out, seen = disk / "stored", Counter[str]()
        _store(network, out, 0)
        for number in range(disks):
            used = sum(path.stat().st_blocks * 512 for path in disk.rglob("*") if path.is_file())
            free = (ROOM - used) * (disks - 1 - number) // disks
            (disk / "full").write_bytes(bytes(ROOM - used - free))
            seen[_stored(network, out, number + 1)] += 1
            (disk / "full").unlink()
            seen[_state(out / "turns")] += 1
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        seen[_stored(network, out, 1)] += 1
        seen[_state(out / "turns")] += 1
        left = _left(out)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    told = (
        f"disk: {disks} stores with less and less room, one read-only: {seen['stored']} stored, "
        f"{seen['refused']} refused by name; whole afterwards"
    )
    return _counted(told, seen, left)


def _counted(told: str, seen: Counter[str], left: list[str]) -> int:
    """Print what became of the artifacts, and what is left beside them; return how many are not as they should be."""
    print(
        f"{told} {seen['whole']}, missing {seen['missing']}, damaged {seen['damaged']}; "
        f"left over: {len(left)}",
        flush=True,
    )
    return seen["missing"] + seen["damaged"] + len(left)


def _stored(network: Network, out: Path, turn: int) -> str:
    try:
        _store(network, out, turn)
    except RnnExportError:
        return "refused"
    return "stored"


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
    return "damaged" if check_folder(folder).damaged else "whole"


def _left(out: Path) -> list[str]:
    """Return what is there beside the artifact, and in it beside its own files."""
    strange = [file.name for file in check_folder(out / "turns").files if file.state != "same"]
    return [*strange, *(path.name for path in out.iterdir() if path.name != "turns")]


if __name__ == "__main__":
    sys.exit(main())
