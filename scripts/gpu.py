#!/usr/bin/env python3
"""Measures onnxruntime on a CUDA device, in one command: scripts/gpu.py [--json FILE] [--page FILE] [--rehearse].

Every form of networks with tanh, relu, both directions, masks and float16: on which provider each operator ran,
the verdict against the float64 reference with TF32 off and on, and how long rnn and scan take beside the CPU.

Needs numpy, onnx and onnxruntime-gpu (whose CUDA and cuDNN it finds in the wheels of NVIDIA or of PyTorch); neither
Keras nor an installed rnn_export. Without a CUDA device it says that nothing was run, and ends with exit code 3.
--rehearse has the CPU stand in for the device, to try the script; every table then says so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rnn_export.builders import stacked
from rnn_export.exporters import FORMS
from rnn_export.reports.console import plain
from rnn_export.reports.documents import document
from rnn_export.reports.markdown import markdown
from rnn_export.reports.table import Cell, Column, Line, Page, Table, row
from rnn_export.runtimes import OnnxFile, Options, Unavailable, connect
from rnn_export.workflows.keras_process import KerasProcess
from rnn_export.workflows.matrix.files import Files
from rnn_export.workflows.matrix.result import Fit, Tried
from rnn_export.workflows.matrix.samples import Sample
from rnn_export.workflows.matrix.trying import Inputs, Trials
from rnn_export.workflows.subjects import NoSubject

CUDA, CPU = "onnxruntime:cuda", "onnxruntime:cpu"
NOT_RUN = 3
REHEARSED = "REHEARSAL: the CPU in the place of a CUDA device, of which this says nothing"
BATCH, TIME, FEATURES, UNITS = 3, 17, 24, 40
"""All different; and products long enough for TF32 to show."""

LARGE = (1, 128), (2, 256), (1, 512)
"""Layers and units that are timed."""

SIZES = (1, 100), (32, 100), (256, 100)
"""Batch and time that are timed."""

RECURRENT = ("RNN", "Scan", "Gemm", "FusedGemm", "MatMul")
"""Operators whose place is shown."""

# To watch memory takes psutil, which is not among the packages above.
LIMITS = Options(time_limit=240.0, memory_limit=None)


@dataclass(frozen=True)
class Judged:
    """One network in one form, with TF32 off or on."""

    network: str
    form: str
    tf32: str
    tried: Tried


@dataclass(frozen=True)
class Timed:
    """One network in one form at one size: seconds by who ran it; None where it was refused."""

    network: str
    form: str
    batch: int
    time: int
    seconds: dict[str, float | None]


def samples() -> Iterator[Sample]:
    yield _sample("tanh", return_sequences=True, return_state=True)
    yield _sample("relu", activation="relu", return_sequences=True)
    yield _sample("stack", [UNITS, UNITS + 8], return_sequences=True)
    yield _sample("reverse", go_backwards=True, return_sequences=True)
    yield _sample("bidirectional", bidirectional="concat", return_sequences=True)
    tokens: dict[str, Any] = {"input_dim": 61, "mask_zero": True, "return_sequences": True}
    yield _sample("sequence_lens", padding="right", **tokens)
    yield _sample("mask", **tokens)
    # Other activations leave the GPU, and the table shows it.
    yield _sample("sigmoid", activation="sigmoid", return_sequences=True)
    yield _sample("float16", dtype="float16", return_sequences=True)
    yield _sample("float16 relu", dtype="float16", activation="relu", return_sequences=True)
    yield _sample("float64", dtype="float64", return_sequences=True)


def large() -> Iterator[Sample]:
    for layers, units in LARGE:
        yield _sample(f"{layers}x{units}", [units] * layers, features=units // 2)


def _sample(
    name: str,
    units: list[int] | None = None,
    padding: str = "any",
    features: int = FEATURES,
    **options: object,
) -> Sample:
    def make() -> object:
        return stacked(units or [UNITS], features, name=name, bias_initializer="uniform", **options)  # type: ignore[arg-type]

    return Sample(name, "trait", BATCH, TIME, make, padding, keras=False)  # type: ignore[arg-type]


def judge(files: Files, inputs: Inputs, trials: Trials) -> Iterator[Judged]:
    """Try every form of a network with TF32 off, then on."""
    for form in FORMS:
        subject = files.made(form, Fit())
        if isinstance(subject, NoSubject) or files.same_graph(form, Fit()):
            continue  # the same graph under another name, for a network without a stack
        sizes = files.fixed_sizes(form, Fit())
        for word, precision in (("off", "float32"), ("on", "tf32")):
            options = replace(LIMITS, precision=precision)
            tried = trials.attempt(OnnxFile(subject.path), subject, inputs, sizes, options=options)
            yield Judged(files.sample.name, form, word, tried)


def time_it(files: Files, gpu: Trials, cpu: Trials) -> Iterator[Timed]:
    """Time rnn and scan on the GPU, TF32 off and on, and on the CPU."""
    tf32 = replace(LIMITS, precision="tf32")
    for form in ("rnn", "scan"):
        subject = files.made(form, Fit())
        if isinstance(subject, NoSubject):
            continue
        model = OnnxFile(subject.path)
        for size in SIZES:
            seconds = {}
            for who, trials, options in (
                ("GPU", gpu, None),
                ("GPU, TF32", gpu, tf32),
                ("CPU", cpu, None),
            ):
                seconds[who] = trials.seconds(model, files.network, *size, options)
            yield Timed(files.sample.name, form, *size, seconds)


def page_of(version: str, device: str, judged: list[Judged], timed: list[Timed]) -> Page:
    title = "Verdicts against the float64 reference"
    return (
        Line(f"onnxruntime {version}, {device}"),
        Table(VERDICTS, tuple(_verdict_row(item) for item in judged), title),
        Table(
            (*SPEEDS, *(Column(f"{name}, ms", True) for name in timed[0].seconds)),
            tuple(_speed_row(item) for item in timed),
            "Medians of one run, copies to and from the device included",
        ),
    )


VERDICTS = (
    Column("network"),
    Column("form"),
    Column("TF32"),
    Column("where"),
    Column("verdict"),
    Column("bits", right=True),
    Column("error/bound", right=True),
    Column("why"),
)
SPEEDS = Column("layers x units"), Column("form"), Column("batch x time")


def _verdict_row(item: Judged) -> tuple[Cell, ...]:
    tried = item.tried
    places = {
        name: place.replace("ExecutionProvider", "") for name, place in tried.placement.items()
    }
    return row(
        item.network,
        item.form,
        item.tf32,
        ", ".join(f"{name} {places[name]}" for name in RECURRENT if name in places),
        str(tried.outcome),
        "-" if tried.effective_bits is None else f"{tried.effective_bits:.1f}",
        "-" if tried.max_ratio is None else f"{tried.max_ratio:.2g}",
        "" if tried.agrees else (tried.diagnosis or tried.reason)[:70],
    )


def _speed_row(item: Timed) -> tuple[Cell, ...]:
    seconds = ("-" if value is None else f"{value * 1e3:.3f}" for value in item.seconds.values())
    return row(item.network, item.form, f"{item.batch}x{item.time}", *seconds)


def device_name() -> str:
    """Return what the driver calls the device, and its own version."""
    asked = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "a CUDA device"
    return done.stdout.splitlines()[0].replace(", ", ", driver ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write everything as JSON")
    parser.add_argument("--page", type=Path, help="write the tables as Markdown")
    parser.add_argument("--rehearse", action="store_true", help="run on the CPU in its place")
    arguments = parser.parse_args()
    with connect(CPU if arguments.rehearse else CUDA, LIMITS) as gpu, connect(CPU, LIMITS) as cpu:
        found = gpu.probe()
        if isinstance(found, Unavailable):
            print(f"{CUDA}: not run: {found.reason}. {found.install}")
            return NOT_RUN
        judged, timed = measure(Trials(gpu), Trials(cpu))
    device = REHEARSED if arguments.rehearse else device_name()
    page = page_of(found.version, device, judged, timed)
    print(plain(page), end="")
    if arguments.page:
        arguments.page.write_text("# onnxruntime on CUDA\n\n" + markdown(page))
    if arguments.json:
        held = {"version": found.version, "device": device, "judged": judged, "timed": timed}
        arguments.json.write_bytes(document(held))
    return 0


def measure(gpu: Trials, cpu: Trials) -> tuple[list[Judged], list[Timed]]:
    """Return the verdicts and the times."""
    judged: list[Judged] = []
    timed: list[Timed] = []
    with TemporaryDirectory(prefix="rnn_export-") as folder:
        for files in _files(samples(), Path(folder) / "judged"):
            judged += judge(files, Inputs(files.network, files.sample.padding), gpu)
        for files in _files(large(), Path(folder) / "timed"):
            timed += time_it(files, gpu, cpu)
    return judged, timed


def _files(wanted: Iterator[Sample], folder: Path) -> Iterator[Files]:
    keras = KerasProcess()  # never started: no sample asks for a Keras file
    for sample in wanted:
        print(f"{sample.name} ...", file=sys.stderr, flush=True)
        place = folder / sample.name
        place.mkdir(parents=True)
        yield Files(sample, place, keras)


if __name__ == "__main__":
    sys.exit(main())
