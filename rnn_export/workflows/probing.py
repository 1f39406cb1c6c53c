"""Probing: how a runtime's activations and sums err, measured on cells that have nothing of the model under test."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import onnx

from rnn_export.builders.reference.rounding import rounded
from rnn_export.errors import ExportError, NetworkError, RuntimeCrashed, RuntimeRefused
from rnn_export.exporters import FORMS, export
from rnn_export.exporters.taps import CellTap, tap
from rnn_export.network import Activation, ArrayWeight, Draft, Network, Source
from rnn_export.network import activation as named
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.runtimes import Connection, OnnxFile
from rnn_export.verifier import Envelope
from rnn_export.verifier.bounds.envelope import SELECTIONS, measured, summing
from rnn_export.verifier.trail import Shown, Tread
from rnn_export.verifier.walk import walk
from rnn_export.workflows.observing import reading

ROWS, STEPS = 8191, 2
"""Arguments that are tried: a prime of rows, so that the last ones fall out of any vector's width, and two steps,
since a state that nobody reads again may be rounded elsewhere than one that a next step takes on."""

LARGEST = 128
"""Cells are probed up to this size: longer sums are cut in blocks, and err less of what the model allows."""

TIME = 32
T = TypeVar("T")

BATCHES = ((1, 6), (5, 2), (35, 1))
"""Rows, and runs of so many: one row runs other code than many, and rows that are left over than the body."""


class Probes:
    """The envelopes of one runtime, measured when first asked for and kept for as long as it is connected.

    Args:
        connection: to the runtime.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def envelope(self, network: Network, form: str) -> Envelope:
        """Return the envelope of every cell of a network, in a form; "" for the network itself.

        What cannot be measured keeps the default.
        """
        kinds: dict[tuple[Activation, str], None] = {}
        sizes: dict[tuple[int, int, str], None] = {}
        for call in network.recurrent():
            assert isinstance(call.op, Recurrent)
            for cell in call.op.cells:
                kinds[cell.activation, call.dtype] = None
                sizes[cell.features, cell.units, call.dtype] = None
        if form and form not in FORMS:
            return Envelope()
        found = []
        for kind, dtype in kinds:
            if kind.name not in SELECTIONS and not kind.function.vector:
                factors = self._once(self._measured, kind, form, dtype)
                if factors is not None:
                    found.append((str(kind), *factors))
        sums: dict[tuple[int, int], float] = {}
        for features, units, dtype in sizes:
            features_to, units_to = min(features, LARGEST), min(units, LARGEST)
            part = self._once(self._summing, features_to, units_to, form, dtype)
            sums[features, units] = max(part, sums.get((features, units), 0.0))
        return Envelope(tuple(found), sums=tuple((*size, part) for size, part in sums.items()))

    def _once(self, measure: Callable[..., T], *what: Hashable) -> T:
        """Return what was measured before, or measure it."""
        key = (measure.__name__, *what)
        if key not in self._connection.measured:
            self._connection.measured[key] = measure(*what)
        found: T = self._connection.measured[key]
        return found

    def _measured(
        self, activation: Activation, form: str, dtype: str
    ) -> tuple[float, float] | None:
        """Return the activation's factors, from states of a cell that does nothing else."""
        shown = self._shown(one_weight(activation, dtype), form, [arguments(dtype)])
        if not shown:
            return None
        (tread,) = shown
        z, after = tread.local.z.ravel(), tread.steps.after.ravel()
        return measured(activation, z, after, tread.case.arithmetic.unit)

    def _summing(self, features: int, units: int, form: str, dtype: str) -> float:
        """Return how a cell of this size sums, from states of a linear one with weights of its own."""
        network = linear(features, units, dtype)
        rng = np.random.default_rng(1)
        wanted = [batch for batch, runs in BATCHES for _ in range(runs)]
        feeds = [rounded(rng.standard_normal((batch, TIME, features)), dtype) for batch in wanted]
        shown = self._shown(network, form, feeds)
        parts = []
        for batch, _ in BATCHES:
            alike = [item for item in shown if item.case.order.batch == batch]
            if alike:
                errors = np.concatenate([item.steps.after - item.local.value for item in alike])
                sigma = np.concatenate([item.local.sigma for item in alike])
                parts.append(summing(errors, sigma))
        return max(parts, default=1.0)

    def _shown(self, network: Network, form: str, feeds: list[np.ndarray]) -> list[Tread]:
        """Return what the runtime shows of a network with one cell; nothing where it declines it."""
        with TemporaryDirectory(prefix="rnn_export-") as folder:
            try:
                model, cells = _subject(network, form, Path(folder), feeds[0].shape[1])
                with self._connection.open(model) as session:
                    seen = [session.run({"x": x}) for x in feeds]
                treads = []
                for x, outputs in zip(feeds, seen, strict=True):
                    readings = tuple(reading(tap, outputs) for tap in cells)
                    shown = Shown({"probe": outputs["probe"]}, readings)
                    treads += walk(network, {"x": x}, shown).treads
                return treads
            except (
                ExportError,
                NetworkError,
                RuntimeRefused,
                RuntimeCrashed,
                KeyError,
                ValueError,
            ):
                # What a runtime cannot run or show is not measured.
                return []


def _subject(
    network: Network, form: str, folder: Path, time: int
) -> tuple[OnnxFile | Network, tuple[CellTap, ...]]:
    """Return what shows a probe's states: a tapped file, or the network itself."""
    if not form:
        return network, ()
    options = {"time": time} if form == "unrolled" else {}
    tapped = tap(export(network, form=form, **options).model)  # type: ignore[arg-type]
    path = folder / "probe.onnx"
    onnx.save(tapped.model, path)
    return OnnxFile(path), tapped.cells


def arguments(dtype: str) -> np.ndarray:
    """Return the arguments of a probe, (ROWS, STEPS, 1): of every size from 1e-6 to 20, and both signs."""
    rng = np.random.default_rng(0)
    spread = np.exp(rng.uniform(np.log(1e-6), np.log(20), ROWS))
    sizes = np.stack([spread, rng.uniform(0, 8, ROWS)], axis=-1)
    sizes = rng.permuted(sizes, axis=-1) * rng.choice([-1.0, 1.0], sizes.shape)
    return rounded(sizes[:, :, None], dtype)


def one_weight(activation: Activation, dtype: str) -> Network:
    """Return the network whose state after one step is activation(x): kernel 1, recurrent kernel 0, no bias."""
    return _cell(np.ones((1, 1)), np.zeros((1, 1)), None, activation, dtype)


def linear(features: int, units: int, dtype: str) -> Network:
    """Return a linear cell; from its first unit to its last, the input comes to outweigh the state."""
    rng = np.random.default_rng(0)
    mine, others = np.geomspace(0.1, 1, units), np.geomspace(0.9, 0.01, units)
    kernel = mine * rng.standard_normal((features, units)) / np.sqrt(features)
    recurrent = others * rng.standard_normal((units, units)) / np.sqrt(units)
    return _cell(kernel, recurrent, 0.1 * rng.standard_normal(units), named("linear"), dtype)


def _cell(
    kernel: np.ndarray,
    recurrent: np.ndarray,
    bias: np.ndarray | None,
    activation: Activation,
    dtype: str,
) -> Network:
    stored = np.float64 if dtype == "float64" else np.float32
    draft = Draft()
    x = draft.input("x", ("batch", "time", kernel.shape[0]), dtype)
    cell = Cell(
        "",
        ArrayWeight(kernel.astype(stored)),
        ArrayWeight(recurrent.astype(stored)),
        None if bias is None else ArrayWeight(bias.astype(stored)),
        activation,
    )
    (y,) = draft.call("probe", Recurrent((cell,), ("sequence",)), [x], dtype=dtype)
    draft.output("probe", y)
    return draft.finish(Source("python", "probe"))
