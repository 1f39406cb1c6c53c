"""Peers compute what the network says, each in its own way, or say why they cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rnn_export.builders import reference, simple_rnn, stacked
from rnn_export.network import Network
from rnn_export.network.ops import Recurrent
from rnn_export.network.tensor import Port
from rnn_export.runtimes.failures import Refused
from rnn_export.workflows.benchmarks.benching import bench
from rnn_export.workflows.benchmarks.inmemory import in_memory
from rnn_export.workflows.benchmarks.peers.following import check
from rnn_export.workflows.benchmarks.peers.merging import alike, merged
from rnn_export.workflows.benchmarks.peers.table import peer_names
from rnn_export.workflows.examples import example

NETWORKS = {
    "one layer": simple_rnn(5, 3, bias_initializer="uniform"),
    "alike layers": stacked([5, 5, 5], 3, bias_initializer="uniform"),
    "unlike layers": stacked([5, 4, 4, 6], 3, bias_initializer="uniform"),
    "both directions": stacked([5, 4], 3, bidirectional="concat", bias_initializer="uniform"),
    "backwards": simple_rnn(5, 3, go_backwards=True, return_sequences=True),
    "tokens": simple_rnn(5, 3, input_dim=11),
}


def run(network: Network) -> list[np.ndarray]:
    feeds = example(network, 2, 7)
    return list(reference.run(network, feeds, np.float64).values())


@pytest.mark.parametrize("name", NETWORKS)
def test_merging_stacked_calls_changes_no_bit(name: str) -> None:
    network = NETWORKS[name]
    for before, after in zip(run(network), run(merged(network)), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_stack_becomes_one_call() -> None:
    (call,) = merged(NETWORKS["unlike layers"]).recurrent()
    assert isinstance(call.op, Recurrent)
    assert [[cell.units for cell in group] for group in alike(call.op.cells)] == [[5], [4, 4], [6]]


def test_a_call_that_somebody_else_reads_stays() -> None:
    network = NETWORKS["alike layers"]
    middle = Port("middle", network.calls[1].outputs[0])
    network = replace(network, outputs=(*network.outputs, middle))
    assert len(merged(network).recurrent()) == 2
    for before, after in zip(run(network), run(merged(network)), strict=True):
        np.testing.assert_array_equal(before, after)


def test_directions_are_not_merged() -> None:
    network = NETWORKS["both directions"]
    assert len(merged(network).recurrent()) == len(network.recurrent())


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_in_memory_are_the_same_network(name: str) -> None:
    assert in_memory(NETWORKS[name]).digest == NETWORKS[name].digest


def test_a_mask_is_refused_by_the_name_of_its_call() -> None:
    network = simple_rnn(5, 3, input_dim=11, mask_zero=True)
    with pytest.raises(Refused, match="embedding/mask#0"):
        check(network, "torch:eager", ("tanh",))


def test_an_activation_that_the_product_lacks_is_refused() -> None:
    with pytest.raises(Refused, match="activation gelu"):
        check(simple_rnn(5, 3, activation="gelu"), "torch:eager", ("tanh", "relu"))


def test_another_dtype_is_refused() -> None:
    with pytest.raises(Refused, match="dtype float16"):
        check(simple_rnn(5, 3, dtype="float16"), "torch:eager", ("tanh",))


@pytest.mark.nightly
def test_every_peer_agrees_with_the_reference_or_says_how_to_get_it() -> None:
    network = stacked([5, 4], 3, bias_initializer="uniform")
    (point,) = bench(
        network, peers=peer_names(), sizes=((2, 7),), rounds=1, slice_seconds=0.0
    ).points
    assert {entry.name for entry in point.entries} == set(peer_names())
    for entry in point.entries:
        if entry.seconds is None:
            missing = entry.reason.startswith("UNAVAILABLE: ") and "pip install" in entry.reason
            # OpenVINO does not read the Loop of Keras' export: "canonical inputs size (12)".
            refused = entry.name == "loop@openvino:cpu" and entry.reason.startswith("UNSUPPORTED: ")
            assert missing or refused, entry
        else:
            assert entry.max_difference is not None
            assert entry.max_difference <= error_bound(network, 2, 7), entry


def error_bound(network: Network, batch: int, time: int) -> float:
    """Return how far float32 can be from the exact last state, for layers of tanh.

    An inner product of n terms is off by at most n u times the sum of the terms' sizes, to first order; tanh
    shrinks errors and adds at most 8 u of its own (the worst implementation known is off by 5.4).
    """
    u = 2.0**-24
    (x,) = example(network, batch, time).values()
    error = np.zeros_like(x, np.float64)
    for call in network.recurrent():
        assert isinstance(call.op, Recurrent)
        (cell,) = call.op.cells
        assert cell.bias is not None
        w, r, b = (
            np.abs(item.read().astype(np.float64))
            for item in (cell.kernel, cell.recurrent_kernel, cell.bias)
        )
        rounding = (cell.features + cell.units + 2) * u
        state, after = np.zeros((batch, cell.units)), []
        for t in range(time):
            size = np.abs(x[:, t]) @ w + np.ones_like(state) @ r + b
            state = error[:, t] @ w + state @ r + rounding * size + 8 * u
            after.append(state)
        # The layer above takes states, none of which is larger than 1.
        error, x = np.stack(after, 1), np.ones((batch, time, cell.units))
    return float(error[:, -1].max())
