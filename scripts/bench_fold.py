#!/usr/bin/env python3
"""Times folded files beside unfolded ones, in turns: scripts/bench_fold.py [--form F] [--rounds N].

For each shape of docs/performance.md: the medians of both, and the ratio of paired rounds with its 95 % interval.
One thread, onnxruntime, 100 steps, 10,000 tokens. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rnn_export.builders import stacked
from rnn_export.exporters import export
from rnn_export.runtimes import OnnxFile, Options, connect
from rnn_export.workflows.benchmarks.contenders import Fed
from rnn_export.workflows.benchmarks.figures import paired_ratio, spread
from rnn_export.workflows.benchmarks.rounds import calmest, fair_share, rounds

SHAPES = ((32, 64, 1), (32, 64, 32), (64, 64, 32), (256, 64, 32))
"""Embedding's width, units, batch."""

TOKENS, TIME = 10_000, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--form", default="scan", choices=("scan", "wavefront", "unrolled"))
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    fixed = TIME if asked.form == "unrolled" else None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        connection = stack.enter_context(connect("onnxruntime:cpu", Options(threads=1)))
        for features, units, batch in SHAPES:
            network = stacked([units], features, input_dim=TOKENS, bias_initializer="uniform")
            (port,) = network.inputs
            dtype = network.spec(port.tensor).dtype
            tokens = np.random.default_rng(0).integers(0, TOKENS, (batch, TIME)).astype(dtype)
            contenders = {}
            for fold in (False, True):
                path = folder / f"{features}-{units}-{fold}.onnx"
                export(network, form=asked.form, fold=fold, time=fixed).save(path)
                session = stack.enter_context(connection.open(OnnxFile(path)))
                contenders[str(fold)] = Fed(session, {port.name: tokens})
            found = rounds(contenders, asked.rounds, fair_share(1))
            kept = [found[number] for number in calmest(found, asked.rounds)]
            plain, folded = ([each.seconds[str(fold)] for each in kept] for fold in (False, True))
            ratio, middle = paired_ratio(folded, plain), (spread(plain), spread(folded))
            times = " ".join(
                f"{1e3 * each.median:.3f} [{1e3 * each.lower:.3f}, {1e3 * each.upper:.3f}]"
                for each in middle
            )
            print(
                f"{features} to {units}, B = {batch}: ms {times}; "
                f"ratio {ratio.median:.2f} [{ratio.lower:.2f}, {ratio.upper:.2f}]",
                flush=True,
            )


if __name__ == "__main__":
    main()
