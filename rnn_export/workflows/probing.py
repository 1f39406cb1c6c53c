"""Probing: how far a runtime's activations lie from the true ones, measured on a network of one weight."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rnn_export.errors import ExportError, RuntimeCrashed, RuntimeRefused
from rnn_export.exporters import FORMS, export
from rnn_export.network import Activation, ArrayWeight, Draft, Network, Source
from rnn_export.network.ops import Cell, Recurrent
from rnn_export.runtimes import Connection, OnnxFile
from rnn_export.verifier import Envelope
from rnn_export.verifier.bounds.envelope import SELECTIONS, measured

POINTS = 4093
"""Arguments that are tried: a prime, so that the last ones fall out of any vector's width."""


class Probes:
    """The envelopes of one runtime, measured when first asked for.

    Args:
        connection: to the runtime.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # One for each runtime, so that it ends with the connection.
        self._measure = lru_cache(maxsize=None)(self._measured)

    def envelope(self, network: Network, form: str) -> Envelope:
        """Return the envelope of every activation that a network's cells use, in a form.

        What cannot be measured keeps the default.
        """
        kinds = {
            (cell.activation, call.dtype)
            for call in network.recurrent()
            if isinstance(call.op, Recurrent)
            for cell in call.op.cells
        }
        found = []
        for activation, dtype in sorted(kinds, key=str):
            if dtype == "float32" and activation.name not in SELECTIONS and form in FORMS:
                factors = None if activation.function.vector else self._measure(activation, form)
                if factors is not None:
                    found.append((str(activation), *factors))
        return Envelope(tuple(found))

    def _measured(self, activation: Activation, form: str) -> tuple[float, float] | None:
        z = arguments()
        with TemporaryDirectory(prefix="rnn_export-") as folder:
            path = Path(folder) / "probe.onnx"
            try:
                options = {"time": 1} if form == "unrolled" else {}
                export(one_weight(activation), form=form, **options).save(path)  # type: ignore[arg-type]
                with self._connection.open(OnnxFile(path)) as session:
                    shown = session.run({"z": z.reshape(-1, 1, 1)})["probe"]
            except (ExportError, RuntimeRefused, RuntimeCrashed):
                return None
        return measured(activation, z.astype(np.float64), shown.ravel().astype(np.float64))


def arguments() -> np.ndarray:
    """Return the arguments of a probe, float32: of every size from 1e-6 to 20, and both signs."""
    rng = np.random.default_rng(0)
    sizes = np.concatenate(
        [
            np.exp(rng.uniform(np.log(1e-6), np.log(20), POINTS // 2)),
            rng.uniform(0, 8, POINTS - POINTS // 2),
        ]
    )
    return np.asarray(sizes * rng.choice([-1.0, 1.0], POINTS), np.float32)


def one_weight(activation: Activation) -> Network:
    """Return the network whose state after one step is activation(z): kernel 1, recurrent kernel 0, no bias."""
    draft = Draft()
    z = draft.input("z", ("batch", "time", 1), "float32")
    one, zero = ArrayWeight(np.ones((1, 1), np.float32)), ArrayWeight(np.zeros((1, 1), np.float32))
    (y,) = draft.call(
        "probe", Recurrent((Cell("", one, zero, None, activation),), ("output",)), [z]
    )
    draft.output("probe", y)
    return draft.finish(Source("python", "probe"))
