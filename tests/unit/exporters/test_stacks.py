"""Which calls run as one wavefront, and that it is right in both directions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rnn_export.builders import reference
from rnn_export.exporters import export
from rnn_export.network import Activation, Draft, Network, Source, activation
from rnn_export.network.ops import Recurrent
from tests.unit.exporters.exact import cell, feeds, run

RANDOM = np.random.default_rng(13)
# (go_backwards, time_order) of each layer.
FORWARD, TURNED, ORDERED = (False, False), (True, False), (True, True)


def stack(
    *directions: tuple[bool, bool],
    kinds: tuple[Activation, ...] = (),
    starts: bool = False,
    masks: tuple[bool, ...] = (),
    shown: bool = False,
) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    mask = draft.input("mask", ("batch", "time"), "bool") if any(masks) else None
    features = 3
    for k, (back, ordered) in enumerate(directions):
        kind = kinds[k] if kinds else activation("relu")
        op = Recurrent((cell(RANDOM, features, 3 + k, kind),), ("sequence", "state"), back, ordered)
        initial = [draft.input(f"h{k}", ("batch", 3 + k), "float32")] if starts else []
        under = mask if masks and masks[k] else None
        x, state = draft.call(f"rnn_{k}", op, [x], mask=under, initial=initial)
        draft.output(f"state_{k}", state)
        if shown:
            draft.output(f"sequence_{k}", x)
        features = 3 + k
    draft.output("end", x)
    return draft.finish(Source("python", "stack"))


def scans(network: Network) -> int:
    model = export(network, form="wavefront").model
    return Counter(node.op_type for node in model.graph.node)["Scan"]


def same(network: Network) -> None:
    given = feeds(network, RANDOM, 2, 5)
    got = run(export(network, form="wavefront").model, given)
    for name, values in reference.run(network, given, np.float64).items():
        np.testing.assert_array_equal(got[name], values, err_msg=name)


@pytest.mark.parametrize(
    ("directions", "count"),
    [
        ((FORWARD, FORWARD, FORWARD), 1),
        # Its sequence comes out in the order of processing: what follows runs on with it.
        ((TURNED, FORWARD, FORWARD), 1),
        ((ORDERED, ORDERED), 1),
        ((ORDERED, TURNED, FORWARD), 1),
        # Against the order in which the layer below puts out: not one tick behind it.
        ((FORWARD, TURNED), 2),
        ((ORDERED, FORWARD), 2),
        ((TURNED, TURNED), 2),
        ((TURNED, ORDERED, ORDERED), 2),
        ((FORWARD, FORWARD, TURNED, FORWARD), 2),
    ],
)
@pytest.mark.parametrize("starts", [False, True])
def test_layers_that_work_in_one_order_are_one_scan(
    directions: tuple[tuple[bool, bool], ...], count: int, starts: bool
) -> None:
    network = stack(*directions, starts=starts, shown=True)
    assert scans(network) == count
    same(network)


@pytest.mark.parametrize(
    "kinds",
    [
        ("relu", "relu"),
        ("relu", "linear"),
        ("hard_tanh", "relu6"),
    ],
)
def test_activations_may_differ(kinds: tuple[str, ...]) -> None:
    network = stack(FORWARD, FORWARD, kinds=tuple(map(activation, kinds)))
    assert scans(network) == 1
    same(network)


def test_cells_whose_activation_is_not_0_at_0_are_held_before_they_begin() -> None:
    raised = activation("hard_sigmoid", slope=0.5, offset=0.5)
    network = stack(FORWARD, FORWARD, FORWARD, kinds=(raised, raised, raised), shown=True)
    assert scans(network) == 1
    same(network)


@pytest.mark.parametrize(("masks", "count"), [((True, True), 1), ((True, False), 2)])
def test_layers_under_one_mask_stay_together(masks: tuple[bool, ...], count: int) -> None:
    network = stack(FORWARD, FORWARD, masks=masks)
    assert scans(network) == count
    same(network)


def test_a_reader_in_between_ends_a_stack() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    (a,) = draft.call("low", Recurrent((cell(RANDOM, 3, 4),), ("sequence",)), [x])
    (b,) = draft.call("side", Recurrent((cell(RANDOM, 4, 2),)), [a])
    (c,) = draft.call("high", Recurrent((cell(RANDOM, 4, 5),)), [a], initial=[])
    draft.output("side", b)
    draft.output("high", c)
    network = draft.finish(Source("python", "fork"))
    assert scans(network) == 2
    same(network)


def test_a_stack_of_one_cell_is_a_plain_scan() -> None:
    network = stack(FORWARD)
    wave, scan = (export(network, form=form).model for form in ("wavefront", "scan"))
    assert wave.graph == scan.graph


def wide(layers: int, units: int) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    features = 3
    for k in range(layers):
        op = Recurrent((cell(RANDOM, features, units, activation("relu")),), ("sequence",))
        (x,) = draft.call(f"rnn_{k}", op, [x])
        features = units
    draft.output("end", x)
    return draft.finish(Source("python", "wide"))


@pytest.mark.parametrize(
    ("layers", "units", "batch", "scans", "products"),
    [
        # The products with the input are in the body, of one Scan, from 6144 states on.
        (3, 64, 32, 1, 0),
        (1, 192, 32, 1, 0),
        (3, 64, 31, 3, 3),
        (3, 63, 32, 3, 3),
        (3, 64, None, 3, 3),
    ],
)
def test_scan_is_chained_for_large_fixed_batches(
    layers: int, units: int, batch: int | None, scans: int, products: int
) -> None:
    network = wide(layers, units)
    model = export(network, form="scan", batch=batch).model
    kinds = Counter(node.op_type for node in model.graph.node)
    assert (kinds["Scan"], kinds["Gemm"] + kinds["MatMul"]) == (scans, products)
    given = feeds(network, RANDOM, batch or 2, 3)
    got, want = run(model, given), reference.run(network, given, np.float64)
    np.testing.assert_array_equal(got["end"], want["end"])


@pytest.mark.parametrize(
    ("layers", "units", "scans"), [(4, 32, 1), (4, 64, 2), (3, 64, 2), (2, 65, 2), (2, 300, 2)]
)
def test_a_wavefront_has_at_most_128_units(layers: int, units: int, scans: int) -> None:
    network = wide(layers, units)
    model = export(network, form="wavefront").model
    assert [node.op_type for node in model.graph.node].count("Scan") == scans
    given = feeds(network, RANDOM, 2, 5)
    got, want = run(model, given), reference.run(network, given, np.float64)
    np.testing.assert_array_equal(got["end"], want["end"])
