"""Print the verifier's figures: false alarms, tightness, what the regression finds, what a verdict costs.

    .venv/bin/python scripts/verifier_figures.py [--elements 1e8] [--runtime R ...] [PART ...]

Parts: alarms, tightness, regression, cost; all by default. Exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rnn_export.network import FUNCTIONS, ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.runtimes import Available, Connection, OnnxFile, connect
from rnn_export.verifier import Observation, Outcome, judge
from rnn_export.verifier.inputs.designing import InputSet
from rnn_export.verifier.trail import Shown
from rnn_export.verifier.walk import walk
from rnn_export.workflows import subjects
from rnn_export.workflows.observing import observe
from rnn_export.workflows.probing import Probes

ONNX = ("onnxruntime:cpu", "openvino:cpu", "tract", "onnx-reference", "mnn")
SOURCES = ("numpy",)
RADII = (0.9, 1.0, 1.5, 3.0)
UNBOUNDED = (
    "linear",
    "relu",
    "leaky_relu",
    "exponential",
    "selu",
    "elu",
    "softplus",
    "gelu",
    "silu",
    "mish",
)


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
    x = (amplitude * rng.standard_normal(shape)).astype(_numpy(spec.dtype))
    return InputSet("figures", {"x": x}, batch, time_, seed, 1.0)


def _numpy(dtype: str) -> np.dtype:
    if dtype == "bfloat16":
        import ml_dtypes

        made: np.dtype = np.dtype(ml_dtypes.bfloat16)
        return made
    return np.dtype(dtype)


class Bench:
    """The runtimes that work here."""

    def __init__(self, names: list[str], stack: ExitStack) -> None:
        self.folder = Path(stack.enter_context(TemporaryDirectory(prefix="rnn_export-")))
        self.connections: dict[str, Connection] = {}
        self.probes: dict[str, Probes] = {}
        for name in names:
            connection = stack.enter_context(connect(name))
            if isinstance(connection.probe(), Available):
                self.connections[name] = connection
                self.probes[name] = Probes(connection)
        self.count = 0

    def observations(
        self, net: Network, given: InputSet, form: str = "rnn"
    ) -> Iterator[tuple[str, Observation]]:
        """Yield what every runtime shows."""
        self.count += 1
        place = self.folder / str(self.count)
        place.mkdir()
        subject = subjects.made(net, None, form, place, {})
        for name, connection in self.connections.items():
            if name in SOURCES:
                with connection.open(net) as session:
                    yield name, observe(net, session, None, None, given)
            elif isinstance(subject, subjects.Subject) and subject.tapped is not None:
                envelope = self.probes[name].envelope(net, form)
                shipped, copy = OnnxFile(subject.path), OnnxFile(subject.tapped)
                with connection.open(shipped) as session, connection.open(copy) as tapped:
                    yield name, observe(net, session, tapped, subject, given, envelope)


def alarms(bench: Bench, elements: float) -> bool:
    """Judge right runs until so many elements are compared; print every one that does not pass."""
    kinds = [name for name, item in FUNCTIONS.items() if not item.vector]
    sizes = (
        (1, 4, 50, 64),
        (32, 64, 100, 40),
        (8, 16, 1000, 16),
        (128, 96, 60, 32),
        (5, 7, 333, 64),
    )
    compared: dict[str, int] = dict.fromkeys(bench.connections, 0)
    worst: dict[str, float] = dict.fromkeys(bench.connections, 0.0)
    bad = 0
    started = time.perf_counter()
    cases = list(itertools.product(kinds, RADII, sizes, (0.1, 1.0)))
    order = np.random.default_rng(0).permutation(len(cases))
    for seed in itertools.count():
        for at in order:
            kind, radius, (features, units, steps, batch), amplitude = cases[at]
            if kind in UNBOUNDED and (radius > 1 or steps > 400):
                radius = min(radius, 0.9)  # It would leave the range of float32.
            net = network(features, units, kind, radius, seed)
            given = inputs(net, batch, steps, amplitude, seed)
            for name, seen in bench.observations(net, given):
                verdict = judge(net, seen)
                compared[name] += batch * steps * units
                worst[name] = max(worst[name], verdict.max_ratio or 0.0)
                if verdict.outcome != Outcome.PASS:
                    bad += 1
                    print(
                        f"  {name}: {kind}, radius {radius}, {given.batch} x {steps} x {units}, seed {seed}:"
                    )
                    print(f"    {verdict.outcome} {verdict.reason}")
            if sum(compared.values()) >= elements:
                break
        if sum(compared.values()) >= elements:
            break
    for name, count in compared.items():
        print(f"  {name:18} {count:>14,} elements, largest error / bound {worst[name]:.2f}")
    print(
        f"  {bad} false alarms in {sum(compared.values()):,} elements. {time.perf_counter() - started:.0f} s"
    )
    return bad == 0


def tightness(bench: Bench) -> bool:
    """Print bound / error for each activation and dtype, medians over the steps.

    "nearest": where the error comes nearest to its bound; "largest": the largest bound of the step over its
    largest error, wherever they are, as the prototype measured it.
    """
    fine = True
    kinds = (
        "tanh",
        "relu",
        "sigmoid",
        "linear",
        "softsign",
        "elu",
        "selu",
        "softplus",
        "gelu",
        "silu",
    )
    print(f"  {'dtype':9} {'activation':10} {'runtime':18} {'nearest':>8} {'largest':>8}")
    for dtype, kind in itertools.product(("float32", "float64", "float16", "bfloat16"), kinds):
        net = network(32, 64, kind, 0.9, 1, dtype)
        given = inputs(net, 8, 100, 0.5, 1)
        for name, seen in bench.observations(net, given, "rnn" if dtype == "float32" else "scan"):
            if dtype == "float64" and name in SOURCES:
                continue  # The reference in float64 is the oracle itself.
            figures = _tight(net, seen)
            if figures is None:
                continue
            nearest, largest = figures
            fine = fine and nearest <= 3.0
            mark = "   above 3" if nearest > 3.0 else ""
            print(f"  {dtype:9} {kind:10} {name:18} {nearest:8.2f} {largest:8.2f}{mark}")
    return fine


def _tight(net: Network, seen: Observation) -> tuple[float, float] | None:
    outputs = seen.tapped if seen.tapped is not None else seen.shipped
    treads = walk(net, seen.feeds, Shown(outputs, seen.cells, seen.envelope)).treads
    if not treads:
        return None
    tread = treads[0]
    error, bound = np.abs(tread.steps.after - tread.local.value), tread.local.bound
    with np.errstate(divide="ignore", invalid="ignore"):
        nearest = 1 / np.nanmax(error / bound, axis=(1, 2))
    largest = bound.max(axis=(1, 2)) / error.max(axis=(1, 2))
    return float(np.median(nearest)), float(np.median(largest))


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


def cost(bench: Bench) -> bool:
    """Print what a verdict costs beyond the runs, and that it grows with time and batch alone."""
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
            seconds = []
            for _ in range(5):
                begun = time.perf_counter()
                verdict = judge(net, seen)
                seconds.append(time.perf_counter() - begun)
            assert verdict.outcome == Outcome.PASS, verdict
            figures[f"H={units} B={batch} T={steps}"] = min(seconds)
            print(
                f"  H={units}, batch {batch:3}, time {steps:4}: {1000 * min(seconds):6.1f} ms ({name})"
            )
            break
    first = figures.get("H=256 B=8 T=100", 0.0)
    return first < 0.1


PARTS: dict[str, Callable[[Bench], bool]] = {
    "alarms": lambda bench: alarms(bench, 1e8),
    "tightness": tightness,
    "regression": regression,
    "cost": cost,
}


def main() -> int:
    """Print the parts that were asked for."""
    parser = argparse.ArgumentParser(description="The verifier's figures.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--elements", type=float, default=1e8)
    parser.add_argument("--runtime", action="append", dest="runtimes", default=[])
    options = parser.parse_args()
    fine = True
    with ExitStack() as stack:
        bench = Bench(options.runtimes or [*SOURCES, *ONNX], stack)
        for name in options.parts or PARTS:
            print(f"{name}:")
            good = alarms(bench, options.elements) if name == "alarms" else PARTS[name](bench)
            print(f"  {'reached' if good else 'MISSED'}\n", flush=True)
            fine = fine and good
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
