"""Masks on the native operator: shared indices, both paddings, no steps at all."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rnn_export.builders import reference
from rnn_export.exporters import export
from rnn_export.network import Draft, Network, Source, activation
from rnn_export.network.ops import Recurrent
from tests.unit.exporters.exact import cell, feeds, run

RANDOM = np.random.default_rng(12)


def masked(
    layers: int = 1,
    emits: tuple[str, ...] = ("sequence", "state"),
    *,
    starts: bool = True,
    **options: bool,
) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    mask = draft.input("mask", ("batch", "time"), "bool")
    features = 3
    for k in range(layers):
        initial = [draft.input(f"h{k}", ("batch", 4 + k), "float32")] if starts else []
        op = Recurrent((cell(RANDOM, features, 4 + k),), emits, **options)
        x, *rest = draft.call(f"rnn_{k}", op, [x], mask=mask, initial=initial)
        for tensor in rest:
            draft.output(f"rnn_{k}_state", tensor)
        features = 4 + k
    draft.output("end", x)
    return draft.finish(Source("python", "masked"))


def kinds(network: Network, padding: str = "any") -> Counter[str]:
    graph = export(network, padding=padding).model.graph
    return Counter(node.op_type for node in graph.node)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("padding", ["any", "right"])
def test_no_steps_at_all_leave_the_initial_state(
    backwards: bool, ordered: bool, zeros: bool, padding: str
) -> None:
    network = masked(
        go_backwards=backwards, time_order=backwards and ordered, zero_output_for_mask=zeros
    )
    given = feeds(network, RANDOM, 2, 0)
    got = run(export(network, padding=padding).model, given)
    np.testing.assert_array_equal(got["rnn_0_state"], given["h0"])
    assert got["end"].shape == (2, 0, 4)


def test_the_indices_of_a_mask_are_written_once() -> None:
    one, three = kinds(masked(1, starts=False)), kinds(masked(3, starts=False))
    for kind in ("TopK", "CumSum", "Range", "Where"):
        assert three[kind] == one[kind]


def test_layers_under_the_same_mask_hand_on_their_steps_without_spreading_them() -> None:
    """One Gather of the input, then per layer one for the state; the sequence is spread once, at the end."""
    assert kinds(masked(3, ("sequence",), starts=False))["Pad"] == 1


def test_no_sequence_lens_is_needed_for_any_mask() -> None:
    model = export(masked(2)).model
    for node in model.graph.node:
        if node.op_type == "RNN":
            assert not node.input[4]


def test_right_padding_takes_sequence_lens_and_no_reordering() -> None:
    network = masked(2)
    assert kinds(network, "right")["TopK"] == 0
    for node in export(network, padding="right").model.graph.node:
        if node.op_type == "RNN":
            assert node.input[4]


def test_right_padding_makes_a_shorter_graph() -> None:
    network = masked(1, ("sequence",), starts=False, zero_output_for_mask=True)
    assert kinds(network, "right").total() < kinds(network).total()


@pytest.mark.parametrize("emits", [("sequence", "state"), ("output", "state")])
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize(
    "rows",
    [
        [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]],
        [[1, 0, 0, 1], [0, 1, 1, 0], [0, 0, 1, 1]],
        [[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]],
    ],
    ids=["all or nothing", "interior and left", "right"],
)
def test_masks_of_every_kind(
    emits: tuple[str, ...], zeros: bool, backwards: bool, starts: bool, rows: list[list[int]]
) -> None:
    network = masked(1, emits, starts=starts, zero_output_for_mask=zeros, go_backwards=backwards)
    given = feeds(network, RANDOM, 3, 4)
    given["mask"] = np.array(rows, bool)
    want = reference.run(network, given, np.float64)
    for form in ("rnn", "scan", "wavefront", "unrolled"):
        model = export(network, form=form, time=4 if form == "unrolled" else None).model
        for name, values in run(model, given).items():
            np.testing.assert_array_equal(values, want[name], err_msg=f"{form} {name}")


def test_other_activations_under_a_mask_take_a_scan() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    mask = draft.input("mask", ("batch", "time"), "bool")
    op = Recurrent((cell(RANDOM, 3, 4, activation("softmax")),))
    (y,) = draft.call("rnn", op, [x], mask=mask)
    draft.output("rnn", y)
    assert kinds(draft.finish(Source("python", "softmax")))["Scan"] == 1
