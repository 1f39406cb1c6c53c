"""Print the verifier's figures: false alarms, tightness, what the regression finds, what a verdict costs.

    .venv/bin/python scripts/verifier_figures.py [--elements 1e8] [--seconds S] [--runtime R ...] [PART ...]

Parts: alarms, tightness, regression, cost; all by default. Exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

os.environ.setdefault(
    "KERAS_BACKEND", "tensorflow"
)  # Builds the models here; runtimes choose their own.


from rnn_export.errors import RuntimeCrashed, RuntimeRefused
from rnn_export.network import FUNCTIONS, ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.runtimes import Available, Connection, KerasFile, OnnxFile, connect
from rnn_export.verifier import Observation, Outcome, judge
from rnn_export.verifier.inputs.designing import InputSet
from rnn_export.verifier.trail import Shown
from rnn_export.verifier.walk import walk
from rnn_export.workflows import subjects
from rnn_export.workflows.observing import observe
from rnn_export.workflows.probing import Probes

RESULTS = Path(__file__).resolve().parents[1] / "artifacts" / "verifier" / "figures.json"
"""What the campaign has counted, on which machine; each piece adds to it."""

SOURCES = ("numpy", "keras:tensorflow", "keras:jax", "keras:torch")
RUNTIMES = (
    "numpy",
    "keras:tensorflow",
    "onnxruntime:cpu",
    "openvino:cpu",
    "tract",
    "mnn",
    "onnx-reference",
)
FORMS_TRIED = ("rnn", "rnn", "scan", "unrolled")
RADII = (0.9, 1.0, 1.5, 3.0)
SIZES = (
    (1, 4, 50, 64),
    (32, 64, 100, 40),
    (8, 16, 1000, 16),
    (128, 96, 60, 32),
    (5, 7, 333, 64),
    (300, 200, 20, 16),
)
"""Features, units, time, batch."""

BOUNDED = frozenset(
    [
        "tanh",
        "sigmoid",
        "softsign",
        "hard_sigmoid",
        "hard_tanh",
        "sparse_sigmoid",
        "relu6",
        "softmax",
        "sparsemax",
    ]
)
RIGHTLY = {
    # ReferenceEvaluator's RNN has no clip.
    "onnx-reference": ("hard_tanh", "relu6"),
    # Its softplus is 2^-17 where it should be 0, from about -60 down; log_sigmoid is made of it.
    "openvino:cpu": ("softplus", "log_sigmoid"),
    # log(1 + exp(z)), infinite from 88 on; tract's tanh (and celu of it) is 0.9999994, off by 10 u, from 8 on.
    "tract": ("softplus", "log_sigmoid", "tanh", "celu"),
    # The same log(1 + exp(z)); its tanh is off by 3.4 u near 0, which is all that z - tanh(z) shows there.
    "mnn": ("softplus", "log_sigmoid", "tanh_shrink"),
}
"""Activations that a runtime computes wrongly, looked into by hand: a FAIL is then no false alarm."""

COARSER = ("openvino:cpu",)
"""Runtimes that compute some dtypes in a coarser one."""

ALWAYS_TANH = ("tract", "mnn")
"""Runtimes that compute tanh in an RNN node, whatever it says: right to fail, and asked for another form."""

EXPLOSIVE = frozenset({"exponential", "log_softmax"})
"""Activations that leave the range of any dtype where the recurrent weights are large."""


def network(
    features: int, units: int, kind: str, radius: float, seed: int, dtype: str = "float32"
) -> Network:
    """Return one layer that shows all its states; recurrent weights of a spectral radius."""
    rng = np.random.default_rng(seed)
    square = rng.standard_normal((units, units))
    square *= radius / np.abs(np.linalg.eigvals(square)).max()
    limit = np.sqrt(6 / (features + units))
    stored = np.dtype("float64" if dtype == "float64" else "float32")
    parts = [
        rng.uniform(-limit, limit, (features, units)),
        square,
        0.1 * rng.standard_normal(units),
    ]
    kernel, recurrent, bias = (ArrayWeight(part.astype(stored)) for part in parts)
    draft = Draft()
    x = draft.input("x", ("batch", "time", features), dtype)
    op = Recurrent((Cell("", kernel, recurrent, bias, activation(kind)),), ("sequence",))
    (y,) = draft.call("rnn", op, [x], dtype=dtype)
    draft.output("rnn", y)
    return draft.finish(Source("python", "figures"))


def inputs(net: Network, batch: int, time_: int, amplitude: float, seed: int) -> InputSet:
    """Return feeds of a size and amplitude."""
    rng = np.random.default_rng([seed, 7])
    spec = net.spec(net.inputs[0].tensor)
    shape = (batch, time_, int(spec.shape[2]))
    x = (amplitude * rng.standard_normal(shape)).astype(numpy_dtype(spec.dtype))
    return InputSet("figures", {"x": x}, batch, time_, seed, 1.0)


def machine() -> str:
    """Return the processor, in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    cpu = next(named, platform.processor())
    return f"{cpu}, {os.cpu_count()} processors, Python {platform.python_version()}, NumPy {np.__version__}"


class Bench:
    """The runtimes that work here."""

    def __init__(self, names: list[str], stack: ExitStack) -> None:
        self.folder = Path(stack.enter_context(TemporaryDirectory(prefix="rnn_export-")))
        self.connections: dict[str, Connection] = {}
        self.versions: dict[str, str] = {}
        self.probes: dict[str, Probes] = {}
        for name in names:
            connection = stack.enter_context(connect(name))
            probed = connection.probe()
            if isinstance(probed, Available):
                self.connections[name] = connection
                self.versions[name] = probed.version
                self.probes[name] = Probes(connection)

    def observation(
        self, name: str, net: Network, given: InputSet, form: str = "rnn"
    ) -> Observation | None:
        """Return what a runtime shows; None where it has no such file.

        Raises:
            RuntimeRefused, RuntimeCrashed: it declines the model.
        """
        connection = self.connections[name]
        if name == "numpy":
            envelope = self.probes[name].envelope(net, "")
            with connection.open(net) as session:
                return observe(net, session, None, None, given, envelope)
        with TemporaryDirectory(dir=self.folder) as folder:
            if name in SOURCES:
                from rnn_export.builders import keras_model

                path = Path(folder) / "model.keras"
                keras_model(net).save(path)
                with connection.open(KerasFile(path)) as session:
                    return observe(net, session, None, None, given)
            options = {"time": given.time} if form == "unrolled" else {}
            subject = subjects.made(net, None, form, Path(folder), options)
            if not isinstance(subject, subjects.Subject) or subject.tapped is None:
                return None
            envelope = self.probes[name].envelope(net, form)
            shipped, copy = OnnxFile(subject.path), OnnxFile(subject.tapped)
            with connection.open(shipped) as session, connection.open(copy) as tapped:
                return observe(net, session, tapped, subject, given, envelope)

    def observations(
        self, net: Network, given: InputSet, form: str = "rnn"
    ) -> Iterator[tuple[str, Observation]]:
        """Yield what every runtime shows."""
        for name in self.connections:
            seen = self.observation(name, net, given, form)
            if seen is not None:
                yield name, seen


@dataclass(frozen=True)
class Run:
    """One case of the campaign."""

    kind: str
    dtype: str
    form: str
    radius: float
    size: tuple[int, int, int, int]
    amplitude: float
    seed: int

    def made(self) -> tuple[Network, InputSet]:
        """Return network and feeds; one that grows along time is cut before it leaves the dtype's range."""
        features, units, steps, batch = self.size
        radius = self.radius
        if self.kind not in BOUNDED:
            if self.kind in EXPLOSIVE:
                radius = 0.3
            # squareplus squares: Keras and the file overflow where float64 does not.
            decades = 2 if self.dtype == "float16" else 17 if self.kind == "squareplus" else 28
            if radius > 1:
                steps = min(steps, max(2, int(decades / np.log10(radius))))
        if self.form == "unrolled":
            steps = min(steps, 60)
        net = network(features, units, self.kind, radius, self.seed, self.dtype)
        amplitude = 0.1 if self.kind in EXPLOSIVE else self.amplitude
        return net, inputs(net, batch, steps, amplitude, self.seed)


def campaign(number: int) -> Run:
    """Return the campaign's case of a number: all of them in an order of their own, then again with new seeds."""
    cases = list(
        itertools.product(
            FUNCTIONS,
            ("float32", "float32", "float64", "float16", "bfloat16"),
            RADII,
            SIZES,
            (0.1, 1.0),
        )
    )
    seed, at = divmod(number, len(cases))
    order = np.random.default_rng(seed).permutation(len(cases))
    kind, dtype, radius, size, amplitude = cases[order[at]]
    form = FORMS_TRIED[number % len(FORMS_TRIED)] if dtype == "float32" else "scan"
    return Run(kind, dtype, form, radius, size, amplitude, seed)


def alarms(bench: Bench, elements: float, seconds: float, place: Path = RESULTS) -> bool:
    """Judge right runs, from where the last piece stopped; every one that does not pass is a false alarm.

    The counts are added to a file after every case: the campaign can be cut anywhere.
    """
    results = json.loads(place.read_text()) if place.exists() else {}
    results["machine"] = machine()
    table = results.setdefault("alarms", {})
    started = time.perf_counter()
    for name in itertools.cycle(bench.connections):
        blank = {"next": 0, "elements": {}, "outcomes": {}, "largest": 0.0, "alarms": []}
        held = table.setdefault(name, blank)
        held["version"] = bench.versions[name]
        number = held["next"]
        run = campaign(number)
        if name in ALWAYS_TANH and run.form == "rnn" and run.kind != "tanh":
            run = replace(run, form="unrolled")
        net, given = run.made()
        try:
            seen = bench.observation(name, net, given, run.form)
        except (RuntimeRefused, RuntimeCrashed):
            seen = None
        held["next"] += 1
        verdict = None if seen is None else judge(net, seen)
        outcome = "declined" if verdict is None else str(verdict.outcome)
        if outcome == "FAIL" and run.kind in RIGHTLY.get(name, ()):
            outcome = "FAIL, rightly"
        if outcome == "PRECISION-DOWNGRADED" and name not in COARSER:
            outcome = "FAIL"
        if seen is not None and verdict is not None and outcome in ("PASS", "FAIL"):
            count = next(iter(seen.shipped.values())).size
            held["elements"][run.dtype] = held["elements"].get(run.dtype, 0) + count
            if outcome == "PASS":
                held["largest"] = max(held["largest"], round(verdict.max_ratio or 0.0, 3))
            else:
                text = f"{number}: {run}: {verdict.reason}"
                held["alarms"].append(text)
                print(f"  {name}: case {text}", flush=True)
        held["outcomes"][outcome] = held["outcomes"].get(outcome, 0) + 1
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(results, indent=1) + "\n")
        total = sum(sum(item["elements"].values()) for item in table.values())
        if total >= elements or time.perf_counter() - started > seconds:
            break
    return alarm_table(table)


def alarm_table(table: dict[str, Any]) -> bool:
    """Print what the campaign has counted so far."""
    total = bad = 0
    for name, held in table.items():
        count = sum(held["elements"].values())
        total, bad = total + count, bad + len(held["alarms"])
        outcomes = ", ".join(f"{word} {times}" for word, times in sorted(held["outcomes"].items()))
        print(
            f"  {name:18} {held['version']:10} {count:>13,} elements, largest error / bound"
            f" {held['largest']:.2f}; {outcomes}"
        )
    print(f"  {bad} false alarms in {total:,} elements.")
    return bad == 0


def tightness(bench: Bench, place: Path = RESULTS) -> bool:
    """Print bound / error for each activation and dtype.

    "step": where the error comes nearest to its bound among a step's 512 elements, the median over the steps;
    "run": the same over all 51,200 elements of the run.
    """
    kinds = [name for name, item in FUNCTIONS.items() if not item.vector]
    rows: dict[str, dict[str, dict[str, list[float]]]] = {}
    print(f"  {'dtype':9} {'activation':14} {'runtime':18} {'step':>6} {'run':>6}")
    for dtype, kind in itertools.product(("float32", "float64", "float16", "bfloat16"), kinds):
        net = network(32, 64, kind, 0.3 if kind in EXPLOSIVE else 0.9, 1, dtype)
        given = inputs(net, 8, 100, 0.5, 1)
        for name, seen in bench.observations(net, given, "rnn" if dtype == "float32" else "scan"):
            figures = None if dtype == "float64" and name in SOURCES else _tight(net, seen)
            if figures is not None:
                step, run = figures
                rows.setdefault(name, {}).setdefault(dtype, {})[kind] = [
                    round(step, 2),
                    round(run, 2),
                ]
                mark = "   above 3" if run > 3.0 else ""
                print(f"  {dtype:9} {kind:14} {name:18} {step:6.2f} {run:6.2f}{mark}")
    fine = True
    for name, dtypes in rows.items():
        for dtype, found in dtypes.items():
            step, run = np.median(list(found.values()), axis=0)
            fine = fine and run <= 3.0
            print(f"  {name} {dtype}: median over {len(found)} activations {step:.2f} {run:.2f}")
    _add(place, "tightness", rows)
    return fine


def _add(place: Path, name: str, found: object) -> None:
    """Put a part's figures into the file of results."""
    results = json.loads(place.read_text()) if place.exists() else {}
    results |= {"machine": machine(), name: found}
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(results, indent=1) + "\n")


def _tight(net: Network, seen: Observation) -> tuple[float, float] | None:
    outputs = seen.tapped if seen.tapped is not None else seen.shipped
    treads = walk(net, seen.feeds, Shown(outputs, seen.cells, seen.envelope)).treads
    if not treads:
        return None
    tread = treads[0]
    error, bound = np.abs(tread.steps.after - tread.local.value), tread.local.bound
    ratio = np.divide(error, bound, out=np.zeros_like(error), where=error > 0)
    with np.errstate(divide="ignore"):
        return float(np.median(1 / ratio.max(axis=(1, 2)))), float(1 / ratio.max())


def regression(bench: Bench) -> bool:
    """Print how often one weight that is off is found and placed, and how well it is estimated."""
    fine = True
    for size in (1e-4, 1e-5, 1e-6, 3e-7, 1e-7):
        found, placed, estimates = 0, 0, []
        for seed in range(10):
            rng = np.random.default_rng(seed)
            net = network(32, 64, "tanh", 1.0, seed)
            given = inputs(net, 8, 100, 1.0, seed)
            row, column = int(rng.integers(64)), int(rng.integers(64))
            wrong, real = _nudged(net, row, column, size)
            for name, seen in bench.observations(wrong, given):
                if name in SOURCES:
                    continue
                verdict = judge(
                    net, replace(seen, facts=replace(seen.facts, network_digest=""), static=None)
                )
                found += verdict.outcome == Outcome.FAIL
                text = verdict.diagnosis or ""
                placed += f"recurrent_kernel[{row}, {column}]" in text
                if "off by" in text:
                    estimates.append(float(text.rsplit(" ", 1)[1]) / real)
                break
        mean = np.mean(estimates) if estimates else float("nan")
        print(
            f"  one R +{size:g}: found {found}/10, placed {placed}/10, estimate / true {mean:.2f}"
        )
        fine = fine and found == 10
    return fine


def _nudged(net: Network, row: int, column: int, size: float) -> tuple[Network, float]:
    call = net.calls[0]
    op = call.op
    assert isinstance(op, Recurrent)
    values = op.cells[0].recurrent_kernel.read().copy()
    before = float(values[row, column])
    values[row, column] += np.float32(size)
    cell = replace(op.cells[0], recurrent_kernel=ArrayWeight(values))
    wrong = replace(net, calls=(replace(call, op=replace(op, cells=(cell,))),))
    return wrong, float(values[row, column]) - before


def cost(bench: Bench, place: Path = RESULTS) -> bool:
    """Print what a verdict costs beyond the runs, the shortest of nine, and that it grows with time and batch alone.

    By the clock, and in processor time, which counts BLAS' threads as they wait for one another.
    """
    figures: dict[str, float] = {}
    for units, batch, steps in (
        (256, 8, 100),
        (256, 8, 200),
        (256, 8, 400),
        (256, 16, 100),
        (256, 32, 100),
    ):
        net = network(128, units, "tanh", 1.0, 0)
        given = inputs(net, batch, steps, 1.0, 0)
        for name, seen in bench.observations(net, given):
            if name in SOURCES:
                continue
            seconds, busy = [], []
            for _ in range(9):
                begun, used = time.perf_counter(), time.process_time()
                verdict = judge(net, seen)
                seconds.append(time.perf_counter() - begun)
                busy.append(time.process_time() - used)
            assert verdict.outcome == Outcome.PASS, verdict
            figures[f"H={units} B={batch} T={steps}"] = min(seconds)
            print(
                f"  H={units}, batch {batch:3}, time {steps:4}: {1000 * min(seconds):6.1f} ms,"
                f" {1000 * min(busy):6.1f} of processors ({name})"
            )
            break
    _add(place, "cost_ms", {name: round(1000 * seconds, 1) for name, seconds in figures.items()})
    return figures.get("H=256 B=8 T=100", 0.0) < 0.1


PARTS = ("alarms", "tightness", "regression", "cost")


def main() -> int:
    """Print the parts that were asked for."""
    parser = argparse.ArgumentParser(description="The verifier's figures.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--elements", type=float, default=1e8, help="of alarms, all pieces together"
    )
    parser.add_argument("--seconds", type=float, default=1e9, help="of one piece of alarms")
    parser.add_argument("--results", type=Path, default=RESULTS, help="counts of alarms, added to")
    parser.add_argument("--runtime", action="append", dest="runtimes", default=[])
    options = parser.parse_args()
    fine = True
    with ExitStack() as stack:
        bench = Bench(options.runtimes or [*RUNTIMES], stack)
        for name in options.parts or PARTS:
            print(f"{name}:")
            if name == "alarms":
                good = alarms(bench, options.elements, options.seconds, options.results)
            elif name == "tightness":
                good = tightness(bench, options.results)
            else:
                good = regression(bench) if name == "regression" else cost(bench, options.results)
            print(f"  {'reached' if good else 'MISSED'}\n", flush=True)
            fine = fine and good
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
