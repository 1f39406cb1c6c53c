"""Folded files: the right one passes, and a table or a recurrent kernel that is off by little fails by its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper

from rnn_export.exporters import export
from rnn_export.network import Draft, Network, Source, TensorId, activation
from rnn_export.network.ops import Concatenate, Embedding, Recurrent, TokenMask
from rnn_export.verifier import Checks, InputSet, Outcome, Verdict, design, judge
from rnn_export.workflows.packing import packed, unpacked
from tests.mutants import worlds
from tests.mutants.surgery import copied
from tests.mutants.trying import ALONE, observe

FORMS = ("scan", "wavefront", "unrolled")
STEPS = 11
Change = Callable[[np.ndarray], np.ndarray]


def both(seed: int) -> Network:
    """Masked float tokens, read both ways from initial states."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "float32")
    (mask,) = draft.call("mask", TokenMask(), [tokens])
    (x,) = draft.call("embedding", Embedding(worlds._array(rng, 13, 5)), [tokens])
    made: list[TensorId] = []
    for name, back in (("both/forward", False), ("both/backward", True)):
        start = draft.input(f"{name}/h", ("batch", 7), "float32")
        op = Recurrent((worlds._cell(rng, 5, 7),), ("sequence",), back, back)
        made += draft.call(name, op, [x], mask=mask, initial=[start])
    draft.output("both", draft.call("both", Concatenate(-1), made)[0])
    return draft.finish(Source("python", "both"))


def cells(seed: int) -> Network:
    """Two cells in one layer that runs backwards, a stack above: the first cell alone reads the table."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int64")
    (x,) = draft.call("embedding", Embedding(worlds._array(rng, 11, 6)), [tokens])
    inner = (
        worlds._cell(rng, 6, 5, "selu", name="one"),
        worlds._cell(rng, 5, 8, "sigmoid", name="two"),
    )
    (y,) = draft.call("rnn", Recurrent(inner, ("sequence",), go_backwards=True), [x])
    (y,) = draft.call("top", Recurrent((worlds._cell(rng, 8, 4),), ("sequence",)), [y])
    draft.output("top", y)
    return draft.finish(Source("python", "cells"))


def narrow(seed: int, dtype: str) -> Network:
    """One layer in another dtype."""
    rng = np.random.default_rng(seed)
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    op = Embedding(worlds._array(rng, 17, 6))
    (x,) = draft.call("embedding", op, [tokens], dtype=dtype)
    (y,) = draft.call("rnn", Recurrent((worlds._cell(rng, 6, 8),), ("sequence",)), [x], dtype=dtype)
    draft.output("rnn", y)
    return draft.finish(Source("python", dtype))


WORLDS: dict[str, Callable[[int], Network]] = {
    "tokens": worlds.tokens,
    "stack": worlds.stack,
    "both": both,
    "cells": cells,
    "float64": partial(narrow, dtype="float64"),
    "float16": partial(narrow, dtype="float16"),
}


@lru_cache
def world(name: str, form: str) -> tuple[Network, ModelProto, tuple[InputSet, ...]]:
    network = WORLDS[name](0)
    time = STEPS if form == "unrolled" else None
    model = export(network, form=form, time=time, fold=True).model
    pinned = {} if time is None else {"time": time}
    return network, model, design(network, seed=0, pinned=pinned, kinds=("odd", "long"))


def verdicts(name: str, form: str, model: ModelProto, checks: Checks) -> list[Verdict]:
    network, _, sets = world(name, form)
    return [judge(network, observe(model, given.feeds, network), checks) for given in sets]


def changed(model: ModelProto, name: str, change: Change) -> ModelProto:
    made = copied(model)
    (tensor,) = [item for item in made.graph.initializer if item.name == name]
    values = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(change(values).astype(values.dtype), name))
    return made


def nudged(by: float) -> Change:
    def change(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[3, 4] += by
        return values

    return change


def bias_of(network: Network) -> np.ndarray:
    op = network.recurrent()[0].op
    assert isinstance(op, Recurrent)
    assert op.cells[0].bias is not None
    return op.cells[0].bias.read()


def looked_up(network: Network) -> set[str]:
    """The weights that a table stands for."""
    call = network.recurrent()[0]
    assert isinstance(call.op, Recurrent)
    first = call.op.cells[0]
    layer = f"{call.layer}/{first.name}" if first.name else call.layer
    return {"embedding/table", f"{layer}/kernel", f"{layer}/bias"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", WORLDS)
def test_the_right_file_passes_and_every_weight_is_accounted_for(name: str, form: str) -> None:
    network, model, sets = world(name, form)
    for given in sets:
        seen = observe(model, given.feeds, network)
        assert seen.static is not None
        assert seen.static.faults == ()
        # As without fold: biases over time in a wavefront are no block that the static check knows.
        assert seen.static.skipped == () or form == "wavefront"
        assert looked_up(network) <= set(seen.static.checked)
        assert any(cell.added is not None for cell in seen.cells)
        verdict = judge(network, seen)
        assert verdict.outcome == Outcome.PASS, verdict


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "held", "layer"),
    [
        ("tokens", "rnn/table", "rnn"),
        ("stack", "rnn0/table", "rnn0"),
        ("both", "both/forward/table", "both/forward"),
        ("both", "both/backward/table", "both/backward"),
        ("cells", "rnn/one/table", "rnn"),
        ("float64", "rnn/table", "rnn"),
        ("float16", "rnn/table", "rnn"),
    ],
)
def test_one_entry_of_a_table_is_found_and_named(
    name: str, held: str, layer: str, form: str
) -> None:
    model = changed(world(name, form)[1], held, nudged(1e-4))
    found = verdicts(name, form, model, ALONE)
    assert all(verdict.outcome == Outcome.FAIL for verdict in found)
    assert f"table[3, 4] of {layer} is off by 0.0001" in [verdict.diagnosis for verdict in found]


@pytest.mark.parametrize("name", ["tokens", "stack", "both", "cells"])
def test_the_least_change_of_an_entry_is_found_by_the_static_check(name: str) -> None:
    network, model, sets = world(name, "scan")
    table = next(item.name for item in model.graph.initializer if item.name.endswith("table"))

    def change(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[3, 4] = np.nextafter(values[3, 4], np.float32(9))
        return values

    seen = observe(changed(model, table, change), sets[0].feeds, network)
    verdict = judge(network, seen)
    assert verdict.outcome == Outcome.FAIL
    assert f"in the file's {table}: expected" in (verdict.reason or "")
    assert "at [3, 4]" in (verdict.reason or "")


@pytest.mark.parametrize("form", ["scan", "unrolled"])
@pytest.mark.parametrize("name", ["tokens", "stack"])
def test_a_recurrent_weight_is_found_and_named(name: str, form: str) -> None:
    layer = world(name, form)[0].recurrent()[0].layer
    model = changed(world(name, form)[1], f"{layer}/R", nudged(1e-4))
    found = verdicts(name, form, model, ALONE)
    assert all(verdict.outcome == Outcome.FAIL for verdict in found)
    wanted = f"recurrent_kernel[3, 4] of {layer}#0 is off by 0.0001"
    assert wanted in [verdict.diagnosis for verdict in found]


@pytest.mark.parametrize("form", FORMS)
def test_bugs_of_a_table_have_their_names(form: str) -> None:
    network, model, _ = world("tokens", form)
    bias = bias_of(network)
    changes: dict[str, Change] = {
        "bias dropped": lambda values: values - bias,
        "bias doubled": lambda values: values + bias,
        "rows shifted by one in embedding": lambda values: np.roll(values, 1, axis=0),
        "rows reversed in embedding": lambda values: values[::-1],
    }
    for named, change in changes.items():
        found = verdicts("tokens", form, changed(model, "rnn/table", change), ALONE)
        assert all(verdict.outcome == Outcome.FAIL for verdict in found), named
        assert any(verdict.diagnosis == named for verdict in found), (named, found)


def test_a_table_in_a_lower_precision_is_no_pass() -> None:
    _, model, _ = world("tokens", "scan")
    coarse = changed(model, "rnn/table", lambda values: values.astype(np.float16))
    for checks in (ALONE, Checks()):
        for verdict in verdicts("tokens", "scan", coarse, checks):
            assert verdict.outcome in (Outcome.FAIL, Outcome.PRECISION_DOWNGRADED)


def test_a_file_that_does_not_say_that_it_is_folded_is_judged_by_what_it_looks_up() -> None:
    network, model, sets = world("stack", "scan")
    silent = copied(model)
    del silent.metadata_props[:]
    for given in sets:
        seen = observe(silent, given.feeds, network)
        assert seen.static is not None
        assert "rnn0/kernel" in seen.static.skipped
        assert judge(network, seen).outcome == Outcome.PASS
    wrong = changed(silent, "rnn0/table", nudged(1e-6))
    found = [judge(network, observe(wrong, given.feeds, network)) for given in sets]
    assert all(verdict.outcome == Outcome.FAIL for verdict in found)


def test_evidence_of_a_folded_file_is_judged_alike() -> None:
    network, model, sets = world("both", "wavefront")
    for seen in (
        observe(model, sets[0].feeds, network),
        observe(changed(model, "both/forward/table", nudged(1e-4)), sets[0].feeds, network),
    ):
        assert judge(network, unpacked(*packed(seen))) == judge(network, seen)


@pytest.mark.parametrize("tokens", [2, 17])
def test_rounding_that_repeats_with_a_token_is_no_direction(tokens: int) -> None:
    """Few tokens, many steps: each entry's own rounding is met hundreds of times."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        draft = Draft()
        given = draft.input("tokens", ("batch", "time"), "int32")
        (x,) = draft.call("embedding", Embedding(worlds._array(rng, tokens, 3)), [given])
        op = Recurrent((worlds._cell(rng, 3, 24),), ("sequence",))
        draft.output("rnn", draft.call("rnn", op, [x])[0])
        network = draft.finish(Source("python", "few"))
        model = export(network, form="scan", fold=True).model
        feeds = {"tokens": rng.integers(0, tokens, (4, 500)).astype(np.int32)}
        assert judge(network, observe(model, feeds, network)).outcome == Outcome.PASS


def test_a_linear_layer_is_told_apart_from_its_table() -> None:
    rng = np.random.default_rng(2)
    draft = Draft()
    given = draft.input("tokens", ("batch", "time"), "int32")
    (x,) = draft.call("embedding", Embedding(worlds._array(rng, 9, 4)), [given])
    inner = worlds._cell(rng, 4, 5, "linear")
    assert inner.activation == activation("linear")
    draft.output("rnn", draft.call("rnn", Recurrent((inner,), ("sequence",)), [x])[0])
    network = draft.finish(Source("python", "linear"))
    for form in FORMS:
        time = STEPS if form == "unrolled" else None
        model = export(network, form=form, time=time, fold=True).model
        feeds = {"tokens": rng.integers(0, 9, (3, STEPS)).astype(np.int32)}
        seen = observe(model, feeds, network)
        assert len(seen.cells) == 1
        assert judge(network, seen).outcome == Outcome.PASS
