"""Load: many exports and verifications in one process, sessions used by threads, and a thousand models through `build`.

    .venv/bin/python scripts/load.py curve [--count 10000]     memory and file handles over exports and verifications
    .venv/bin/python scripts/load.py threads [--count 2000]    one session, 8 threads
    .venv/bin/python scripts/load.py models [--count 1000]     build --jobs 2, one in fifty broken; --resume; --shard
    .venv/bin/python scripts/load.py cluster [--count 100]     the same on a Dask scheduler here, a worker killed midway

Each prints its figures, and ends with exit code 1 where something grew, differed or was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil

from rnn_export.exporters import export
from rnn_export.readers import read
from rnn_export.runtimes import OnnxFile, connect
from rnn_export.store import check_folder
from rnn_export.workflows.shards import Shard
from rnn_export.workflows.verification import verify

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "tests" / "attacks" / "corpus" / "tiny.keras"
GROWTH = 0.05
"""Of resident memory between the first tenth and the end: what Python's allocator keeps in reserve comes and goes."""
BROKEN = 50
LAYERS = '{{class = "SimpleRNN", units = {units}}}'


def curve(count: int, seconds: float) -> int:
    """Export and verify again and again in this process; print memory and handles on the way."""
    own = psutil.Process()
    connections = {name: connect(name) for name in ("numpy", "onnxruntime:cpu")}
    points: list[tuple[int, int, int]] = []
    begun, done = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rnn.onnx"
        while done < count and time.monotonic() - begun < seconds:
            export(read(MODEL)).save(file)
            report = verify(MODEL, file, runtimes=tuple(connections), connections=connections)
            if report.exit_code:
                print(f"run {done}: exit code {report.exit_code}")
                return 1
            done += 1
            if done % min(max(1, count // 10), 20) == 0 or done == count:
                all_of = [own, *own.children(recursive=True)]
                memory = sum(one.memory_info().rss for one in all_of)
                points.append((done, memory, sum(one.num_fds() for one in all_of)))
                print(
                    f"{done:6} runs  {memory / 1e6:7.1f} MB  {points[-1][2]:4} file handles",
                    flush=True,
                )
    for connection in connections.values():
        connection.close()
    # What the first tenth takes is caches that fill.
    first, last = points[len(points) // 10], points[-1]
    grown = (last[1] - first[1]) / first[1]
    print(
        f"{done:,} exports and verifications (caller and 2 workers): memory {grown:+.1%} "
        f"after the first tenth, file handles {last[2] - first[2]:+}; {time.monotonic() - begun:.0f} s"
    )
    return int(grown > GROWTH or last[2] > first[2])


def threads(count: int) -> int:
    """Have 8 threads run one session; every answer must be that of the same input alone."""
    with tempfile.TemporaryDirectory() as folder, connect("onnxruntime:cpu") as connection:
        file = Path(folder) / "rnn.onnx"
        export(read(MODEL)).save(file)
        random = np.random.default_rng(0)
        with connection.open(OnnxFile(file)) as session:
            (slot,) = session.inputs
            feeds = [
                {slot.name: random.standard_normal((1 + k % 3, 2 + k % 5, 2), np.float32)}
                for k in range(32)
            ]
            alone = [session.run(feed) for feed in feeds]

            def differs(k: int) -> bool:
                found = session.run(feeds[k % 32])
                return any(
                    not np.array_equal(found[key], value) for key, value in alone[k % 32].items()
                )

            begun = time.monotonic()
            with ThreadPoolExecutor(8) as pool:
                wrong = sum(pool.map(differs, range(count)))
    print(
        f"8 threads, one session: {count:,} runs in {time.monotonic() - begun:.0f} s, {wrong} differ"
    )
    return int(wrong > 0)


def cluster(count: int) -> int:
    """Have a Dask scheduler and two worker processes build; kill one of them once the first artifacts are there."""
    from distributed import Client

    with tempfile.TemporaryDirectory(prefix="cluster-") as name:
        file = Path(name) / "scheduler.json"
        own = ["--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", str(file)]
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", *own]
        running = [_quiet(command)]
        try:
            command = [sys.executable, "-m", "distributed.cli.dask_worker", *own]
            running += [_quiet([*command, "--no-nanny", "--nthreads", "1"]) for _ in range(2)]
            while not file.exists():
                time.sleep(0.1)
            with Client(scheduler_file=str(file), set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
                address = client.scheduler.address
            return models(count, 2, address, running[1])
        finally:
            for process in running:
                process.kill()
                process.wait()


def _quiet(command: list[str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    silent = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=silent, stderr=silent, env=environment)


def _kill_midway(out: Path, victim: subprocess.Popen[bytes], most: int) -> None:
    """Kill a process when there are artifacts, but not all."""
    while victim.poll() is None:
        made = [path for path in out.glob("*") if not path.name.startswith(".")]
        if made:
            victim.kill()
            print(f"a worker killed after {len(made)} of {most} artifacts", flush=True)
            return
        time.sleep(0.05)


def models(
    count: int,
    jobs: int,
    scheduler: str | None = None,
    victim: subprocess.Popen[bytes] | None = None,
) -> int:
    """Build many networks, some of them broken; build the rest again with --resume, then one shard of all."""
    with tempfile.TemporaryDirectory(prefix="load-") as name:
        folder = Path(name)
        good, broken = _written(folder, count)
        hands = ["--scheduler", scheduler] if scheduler else ["--jobs", str(jobs)]
        words = ["build", "nets.toml", *(path.name for path in broken), "--out", "out", *hands]
        begun = time.monotonic()
        if victim is not None:
            threading.Thread(
                target=_kill_midway, args=(folder / "out", victim, len(good)), daemon=True
            ).start()
        first = _ran(folder, words, "first.json")
        taken = time.monotonic() - begun
        made = {item["name"] for item in first["artifacts"] if item["verdict"] == "PASS"}
        failed = {item["name"] for item in first["artifacts"] if item["error"]}
        whole = sum(not check_folder(folder / "out" / item).damaged for item in good)
        if len(first["artifacts"]) != count:
            print(f"{len(first['artifacts'])} answers for {count} models")
            return 1
        print(
            f"{count:,} models in {taken:.0f} s: {len(made)} built, {whole} whole, {len(failed)} failed "
            f"({'those that are broken' if failed == {path.stem for path in broken} else 'not the broken ones'}), "
            f"exit code {first['exit_code']}",
            flush=True,
        )
        # One is mended, another's artifact gets a changed byte: those alone are to be built again.
        mended, changed = broken[0], sorted(good)[0]
        shutil.copyfile(MODEL, mended)
        file = folder / "out" / changed / "rnn.onnx"
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        again = _ran(folder, [*words, "--resume"], "again.json")
        anew = {item["name"] for item in again["artifacts"] if item["verdict"] and not item["kept"]}
        kept = sum(item["kept"] for item in again["artifacts"])
        print(
            f"--resume: {len(anew)} built anew ({', '.join(sorted(anew))}), {kept} kept", flush=True
        )
        part = _ran(folder, [*words, "--resume", "--shard", "3/16"], "part.json")
        # In the order of the command line.
        order = [item["name"] for item in first["artifacts"]]
        shard = [item["name"] for item in part["artifacts"]] == Shard(3, 16).of(order)
        print(
            f"--shard 3/16: {len(part['artifacts'])} models, {'the right ones' if shard else 'others'}"
        )
        right = made == good and whole == len(good) and failed == {path.stem for path in broken}
        return int(not right or anew != {mended.stem, changed} or not shard)


def _written(folder: Path, count: int) -> tuple[set[str], list[Path]]:
    """Write so many sources, one in fifty broken; return the names of the others, and the broken files."""
    few = max(2, count // BROKEN)
    broken = [folder / f"broken-{k:03}.keras" for k in range(few)]
    for path in broken:
        path.write_bytes(b"no model")
    names = [f"net-{k:04}" for k in range(count - few)]
    text = "".join(
        f'[[network]]\nname = "{name}"\nseed = {k}\nlayers = [{LAYERS.format(units=2 + k % 7)}]\n'
        'input = {shape = ["time", 3]}\n\n'
        for k, name in enumerate(names)
    )
    (folder / "nets.toml").write_text(text)
    return set(names), broken


def _ran(folder: Path, words: list[str], report: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "rnn_export", *words, "--json", report]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=False, cwd=folder, capture_output=True, env=environment)
    found: dict[str, Any] = json.loads((folder / report).read_text())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Load.")
    parser.add_argument("what", choices=("curve", "threads", "models", "cluster"))
    parser.add_argument("--count", type=int, help="runs, or models")
    parser.add_argument("--seconds", type=float, default=1e9, help="curve: at most")
    parser.add_argument("--jobs", type=int, default=2, help="models: processes")
    parser.add_argument(
        "--scheduler", help="models: address of a Dask scheduler, in place of processes"
    )
    asked = parser.parse_args()
    if asked.what == "curve":
        return curve(asked.count or 10_000, asked.seconds)
    if asked.what == "threads":
        return threads(asked.count or 2000)
    if asked.what == "cluster":
        return cluster(asked.count or 100)
    return models(asked.count or 1000, asked.jobs)


if __name__ == "__main__":
    sys.exit(main())
