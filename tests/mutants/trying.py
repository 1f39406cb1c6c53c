"""Trying a model: onnxruntime runs it and its tapped copy, the judge passes its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, numpy_helper

from rnn_export.exporters import export
from rnn_export.exporters.taps import tap
from rnn_export.exporters.writing import tables_of
from rnn_export.network import Network
from rnn_export.verifier import (
    Checks,
    Facts,
    InputSet,
    Observation,
    Outcome,
    Verdict,
    design,
    judge,
)
from rnn_export.verifier.static import check_weights
from rnn_export.workflows.observing import reading
from tests.mutants.mutant import STEPS, Mutant
from tests.mutants.worlds import WORLDS

ALONE = Checks(static=False, shipped=False)
"""The judge without the two checks that compare bytes: what the bounds and the regression see by themselves."""


EVERY = Checks(diagnosis=False)
"""With every check; what it is called has been settled without them."""

KILLED = (Outcome.FAIL, Outcome.PRECISION_DOWNGRADED)


@dataclass(frozen=True)
class Tried:
    """What came of a mutant.

    Args:
        verdict: of the input set that killed it, else of the last.
        killed: the verdict is a failure, by the bounds and the regression alone.
        killed_by_all: and with every check on.
        by: the check that spoke.
        named: the diagnosis holds the right name.
        unique: and no other.
        located: the verdict points at the layer at fault.
        static: the static check sees it too.
    """

    verdict: Verdict
    killed: bool
    killed_by_all: bool
    by: str
    named: bool
    unique: bool
    located: bool
    static: bool


@lru_cache(maxsize=64)
def world(
    name: str, seed: int, form: str = "rnn"
) -> tuple[Network, ModelProto, tuple[InputSet, ...]]:
    """Return a world's network, its right model in a form, and the two most telling input sets."""
    network = WORLDS[name](seed)
    time = STEPS if form == "unrolled" else None
    fixed = {} if time is None else {"time": time}
    sets = design(network, seed=seed, pinned=fixed, kinds=("odd", "long"))
    if form == "loop":
        return network, onnx.load(Path(__file__).with_name("loop.onnx")), sets
    return network, export(network, form=form, time=time).model, sets


def observe(
    model: ModelProto, feeds: Mapping[str, np.ndarray], network: Network, seed: int = 0
) -> Observation:
    """Return what onnxruntime shows of a model and of its tapped copy."""
    tapped = tap(model)
    shipped, everything = _run(model, feeds), _run(tapped.model, feeds)
    return Observation(
        feeds,
        shipped,
        Facts("onnxruntime:cpu", onnxruntime.__version__, "rnn"),
        {name: everything[name] for name in shipped},
        tuple(reading(item, everything) for item in tapped.cells),
        static=check_weights(network, _weights(model), tables_of(model)),
        seed=seed,
    )


def try_model(
    name: str, seed: int, model: ModelProto, checks: Checks, form: str = "rnn"
) -> Verdict:
    """Return the first verdict that names a fault, else the first that fails, else the last."""
    network, _, sets = world(name, seed, form)
    return _told(
        judge(network, observe(model, inputs.feeds, network, seed), checks) for inputs in sets
    )


def _told(verdicts: Iterable[Verdict]) -> Verdict:
    failed: Verdict | None = None
    for verdict in verdicts:
        if verdict.outcome != Outcome.PASS:
            failed = failed or verdict
            if verdict.diagnosis and " or " not in verdict.diagnosis:
                return verdict
    return failed or verdict


@cache
def attempt(mutant: Mutant, seed: int) -> Tried:
    """Make a mutant with one seed, and judge it: without the checks that compare bytes, and with them."""
    network, right, sets = world(mutant.world, seed, mutant.form)
    model = mutant.made(network, right, np.random.default_rng([seed, sum(mutant.name.encode())]))
    seen = [observe(model, inputs.feeds, network, seed) for inputs in sets]
    verdict = _told(judge(network, item, ALONE) for item in seen)
    killed = verdict.outcome in KILLED
    layer = verdict.where.layer.replace("#0", "") if verdict.where else ""
    names = (verdict.diagnosis or "").split(" or ")
    right_names = [text for text in names if _is_right(text, mutant.named)]
    return Tried(
        verdict,
        killed,
        any(judge(network, item, EVERY).outcome in KILLED for item in seen),
        _by(verdict) if killed else "",
        bool(right_names),
        bool(right_names) and len(names) == 1,
        f"{layer}/".startswith(f"{mutant.layer.replace('#0', '')}/"),
        bool(seen[0].static and seen[0].static.faults),
    )


def _is_right(text: str, named: str) -> bool:
    """Tell whether a name is the right one; that of a single entry begins with its weight."""
    return bool(named) and (text.startswith(named) if named.endswith("[") else named in text)


def _by(verdict: Verdict) -> str:
    if verdict.reason.startswith("the errors of"):
        return "regression"
    if verdict.reason.startswith("weight "):
        return "static"
    return {"rigorous": "local, rigorous", "probabilistic": "local"}.get(
        verdict.model, verdict.model
    )


def _run(model: ModelProto, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [item.name for item in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def _weights(model: ModelProto) -> dict[str, np.ndarray]:
    made = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    return {name: values for name, values in made.items() if values.dtype.kind == "f"}
