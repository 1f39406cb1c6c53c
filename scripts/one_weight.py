"""Print whether one weight that is off is found and named, in every weight tensor of every preset.

    .venv/bin/python scripts/one_weight.py [PRESET ...] [--form F ...] [--off 1e-4] [--seed N]
    .venv/bin/python scripts/one_weight.py --smallest

Each floating tensor of the exported file in turn has one entry moved; `verify` on onnxruntime has to end in
exit code 1 and name layer, row and column. Exit code 1 unless it does for every one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rnn_export import presets
from rnn_export.builders.reference.rounding import rounded
from rnn_export.exporters import FORMS, export
from rnn_export.network import Draft, Network, Source, op_weights
from rnn_export.network.ops import Recurrent
from rnn_export.runtimes import Connection, connect
from rnn_export.verifier import Outcome, design, judge
from rnn_export.workflows.verification import verify
from tests.mutants.anywhere import OfWeight
from tests.mutants.kinds import Choose
from tests.mutants.trying import ALONE, observe
from tests.mutants.worlds import tanh_cell

RUNTIME = "onnxruntime:cpu"
ERRORS = (1e-5, 1e-6, 3e-7, 1e-7, 3e-8)


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
    parser.add_argument(
        "--smallest", action="store_true", help="how small an error is found, by sizes, instead"
    )
    options = parser.parse_args()
    if options.smallest:
        return _smallest()
    tried, found = 0, 0
    with TemporaryDirectory() as folder, connect(RUNTIME) as connection:
        for name in options.presets:
            network = presets.network(name)
            for form in options.form or ["rnn"]:
                model = export(network, form=form).model
                rng = np.random.default_rng([options.seed, len(name)])
                moved = list(_moved(network, model, rng, options.off))
                good = _try(network, f"{name} {form}", moved, Path(folder), connection)
                tried, found = tried + len(moved), found + good
    print(
        f"\none weight off by {options.off:g}: found, placed and exit code 1 in {found} of {tried}"
    )
    return int(found < tried)


def _try(
    network: Network, title: str, moved: list[Moved], folder: Path, connection: Connection
) -> int:
    """Verify all files of one network at once, and return how many ended as they should."""
    files = [folder / f"{at}.onnx" for at in range(len(moved))]
    for path, one in zip(files, moved, strict=True):
        path.write_bytes(one.model.SerializeToString())
    report = verify(network, files, runtimes=[RUNTIME], connections={RUNTIME: connection})
    count = 0
    for path, one in zip(files, moved, strict=True):
        own = replace(
            report,
            cases=tuple(case for case in report.cases if case.file == str(path)),
            unproven=(),
        )
        failed = [case for case in own.cases if case.failed]
        named = [case.verdict.diagnosis or case.verdict.reason for case in failed]
        good = own.exit_code == 1 and any(
            one.wanted in text.replace("#0", "") and " or " not in text for text in named
        )
        count += good
        said = next((text for text in named if one.wanted in text.replace("#0", "")), "")
        seconds = [case.seconds for case in own.cases]
        print(
            f"{title:32} {one.tensor:20} {'found' if good else 'MISSED':7}"
            f" on {len(failed)} of {len(own.cases)} inputs, {sum(seconds):5.1f} s"
            f" (at most {max(seconds):.1f}): {said or named[:1] or 'PASS'}",
            flush=True,
        )
    return count


def _smallest() -> int:
    """Print how often one weight that is off is found and placed, by its error and the layer's size.

    By the bounds and the regression alone, on the long set of the designed inputs.
    """
    print(f"{'units':>5} {'features':>8} {'samples':>7}  found (and placed) in 9, by error")
    fine = True
    for units, features in ((8, 5), (32, 17), (64, 32), (128, 60), (256, 100)):
        cells, samples = [], 0
        for off in ERRORS:
            found = placed = 0
            for seed in range(3):
                rng = np.random.default_rng([units, seed])
                network = _layer(rng, features, units)
                (long,) = design(network, seed=seed, kinds=("long",))
                samples = long.batch * (long.time or 1)
                right = export(network).model
                for name in ("kernel", "recurrent_kernel", "bias"):
                    place, change = _one(rng, network, name, off)
                    model = OfWeight(f"rnn/{name}", change)(network, right, rng)
                    verdict = judge(network, observe(model, long.feeds, network, seed), ALONE)
                    found += verdict.outcome == Outcome.FAIL
                    placed += f"{name}[{place}] of rnn" in (verdict.diagnosis or "")
            cells.append(f"{off:g}: {found} ({placed})")
            fine = fine and (off < 1e-6 or found == 9)
        print(f"{units:5} {features:8} {samples:7}  {'  '.join(cells)}", flush=True)
    return int(not fine)


def _layer(rng: np.random.Generator, features: int, units: int) -> Network:
    """Return one tanh layer with all its states shown."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", features), "float32")
    (y,) = draft.call("rnn", Recurrent((tanh_cell(rng, features, units),), ("sequence",)), [x])
    draft.output("rnn", y)
    return draft.finish(Source("python", "one weight"))


def _one(rng: np.random.Generator, network: Network, name: str, off: float) -> tuple[str, Choose]:
    """Return a place in a weight, in words, and the change of its entry."""
    op = network.calls[0].op
    assert isinstance(op, Recurrent)
    shape = getattr(op.cells[0], name).shape
    place = tuple(int(rng.integers(size)) for size in shape)

    def change(values: np.ndarray, other: np.random.Generator) -> np.ndarray:
        values[place] += np.float32(off)
        return values

    return ", ".join(map(str, place)), change


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
