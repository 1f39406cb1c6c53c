"""Print whether one weight that is off is found and named, in every weight tensor of every preset.

    .venv/bin/python scripts/one_weight.py [PRESET ...] [--form F ...] [--off 1e-4] [--seed N]

Each floating tensor of the exported file in turn has one entry moved; `verify` on onnxruntime has to end in
exit code 1 and name layer, row and column. Exit code 1 unless it does for every one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import numpy_helper

from rnn_export import presets
from rnn_export.builders.reference.rounding import rounded
from rnn_export.exporters import FORMS, export
from rnn_export.network import Network, op_weights
from rnn_export.runtimes import Connection, connect
from rnn_export.workflows.verification import verify

RUNTIME = "onnxruntime:cpu"


@dataclass(frozen=True)
class Moved:
    """A file with one weight off: which, and the text that names it."""

    model: onnx.ModelProto
    tensor: str
    wanted: str


def main() -> int:
    """Try every tensor and print a line for each."""
    parser = argparse.ArgumentParser(description="One weight off, in every tensor of every preset.")
    parser.add_argument("presets", nargs="*", default=presets.names())
    parser.add_argument("--form", action="append", choices=FORMS)
    parser.add_argument("--off", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tried, found = 0, 0
    with TemporaryDirectory() as folder, connect(RUNTIME) as connection:
        for name in options.presets:
            network = presets.network(name)
            for form in options.form or ["rnn"]:
                model = export(network, form=form).model
                rng = np.random.default_rng([options.seed, len(name)])
                for moved in _moved(network, model, rng, options.off):
                    tried += 1
                    found += _try(network, f"{name} {form}", moved, Path(folder), connection)
    print(
        f"\none weight off by {options.off:g}: found, placed and exit code 1 in {found} of {tried}"
    )
    return int(found < tried)


def _try(network: Network, title: str, moved: Moved, folder: Path, connection: Connection) -> bool:
    path = folder / "moved.onnx"
    path.write_bytes(moved.model.SerializeToString())
    report = verify(network, path, runtimes=[RUNTIME], connections={RUNTIME: connection})
    taken = sum(case.seconds for case in report.cases)
    texts = [
        f"{case.verdict.diagnosis or ''} {case.verdict.reason}"
        for case in report.cases
        if case.failed
    ]
    named = any(moved.wanted in text and " or " not in text for text in texts)
    good = report.exit_code == 1 and named
    said = next((text for text in texts if moved.wanted in text), texts[0] if texts else "PASS")
    print(
        f"{title:32} {moved.tensor:20} {'found' if good else 'MISSED':7} {taken:6.1f} s"
        f"  {len(texts)} of {len(report.cases)} inputs: {said}",
        flush=True,
    )
    return good


def _moved(
    network: Network, model: onnx.ModelProto, rng: np.random.Generator, off: float
) -> Iterator[Moved]:
    """Yield the file with one entry of each weight tensor moved, weights recognised by their values."""
    for at, tensor in enumerate(model.graph.initializer):
        if tensor.data_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE):
            continue
        values = numpy_helper.to_array(tensor).copy()
        for path, index, place in _entries(network, values, rng):
            moved = values.copy()
            moved[place] += values.dtype.type(off)
            made = onnx.ModelProto()
            made.CopyFrom(model)
            made.graph.initializer[at].CopyFrom(numpy_helper.from_array(moved, tensor.name))
            layer, _, kind = path.rpartition("/")
            yield Moved(made, tensor.name, f"{kind}[{', '.join(map(str, index))}] of {layer}")
            break


def _entries(
    network: Network, values: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Yield (path of a weight, index in it, place in the tensor) for the weights that the tensor holds."""
    for call in network.calls:
        for path, weight in op_weights(call.op, call.layer):
            own = rounded(weight.read(), call.dtype)
            index = tuple(int(rng.integers(size)) for size in own.shape)
            flat = values[0] if values.ndim == 3 else values
            lead = (0,) if values.ndim == 3 else ()
            if own.ndim == 1 and values.ndim == 2 and values.shape == (1, 2 * own.size):
                if np.array_equal(values[0, : own.size] + values[0, own.size :], own):
                    yield path, index, (0, index[0])
            elif np.array_equal(flat, own):
                yield path, index, (*lead, *index)
            elif own.ndim == 2 and np.array_equal(flat, own.T):
                yield path, index, (*lead, *index[::-1])


if __name__ == "__main__":
    sys.exit(main())
