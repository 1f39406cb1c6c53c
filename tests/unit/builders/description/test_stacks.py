"""Single and stacked networks in one line of Python."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.builders import sequential, simple_rnn, stacked
from rnn_export.builders.reference import run
from rnn_export.errors import NetworkError
from rnn_export.network import Network, activation
from rnn_export.network.ops import Recurrent


def ops(network: Network) -> list[Recurrent]:
    return [call.op for call in network.recurrent() if isinstance(call.op, Recurrent)]


def test_one_layer_has_the_notebooks_parameters() -> None:
    network = simple_rnn(units=64, features=32)
    assert network.parameters == 6_208
    assert network.spec(network.inputs[0].tensor).shape == ("batch", "time", 32)
    assert network.spec(network.outputs[0].tensor).shape == ("batch", 64)


def test_a_stack_returns_sequences_between_its_layers() -> None:
    network = stacked(units=[64, 48, 16], features=8)
    assert [op.emits for op in ops(network)] == [("sequence",), ("sequence",), ("output",)]
    assert [op.cells[0].kernel.shape for op in ops(network)] == [(8, 64), (64, 48), (48, 16)]
    assert [port.name for port in network.outputs] == ["simple_rnn_2"]


def test_returns_speak_of_the_last_layer_alone() -> None:
    network = stacked([4, 5], 3, return_sequences=True, return_state=True)
    assert [op.emits for op in ops(network)] == [("sequence",), ("sequence", "state")]
    assert [port.name for port in network.outputs] == ["simple_rnn_1", "simple_rnn_1_1"]


def test_other_options_speak_of_every_layer() -> None:
    network = stacked([4, 5], 3, activation="relu", use_bias=False, go_backwards=True)
    for op in ops(network):
        assert op.go_backwards
        assert op.cells[0].activation == activation("relu")
        assert op.cells[0].bias is None


def test_an_activation_may_be_given_with_its_parameters() -> None:
    act = activation("leaky_relu", negative_slope=0.3)
    assert ops(simple_rnn(4, 3, activation=act))[0].cells[0].activation == act


def test_two_directions_double_the_features() -> None:
    network = stacked([4, 5], 3, bidirectional="concat")
    assert network.spec(network.outputs[0].tensor).shape == ("batch", 10)
    forward, backward, *_ = ops(network)
    assert (forward.go_backwards, forward.time_order) == (False, False)
    assert (backward.go_backwards, backward.time_order) == (True, True)
    assert forward.cells[0].kernel.digest != backward.cells[0].kernel.digest


def test_tokens_and_their_padding() -> None:
    network = simple_rnn(4, 3, input_dim=9, mask_zero=True, time=6)
    made = run(network, {"tokens": np.array([[1, 2, 3, 0, 0, 0], [4, 5, 6, 0, 0, 0]])})
    short = simple_rnn(4, 3, input_dim=9, mask_zero=True, time=3)
    # The same operations on the same numbers, in arrays of the same shape.
    whole = run(short, {"tokens": np.array([[1, 2, 3], [4, 5, 6]])})
    np.testing.assert_array_equal(made["simple_rnn"], whole["simple_rnn"])


def test_equal_seeds_give_equal_networks_and_others_do_not() -> None:
    assert stacked([4, 5], 3, seed=1).digest == stacked([4, 5], 3, seed=1).digest
    assert stacked([4, 5], 3, seed=1).digest != stacked([4, 5], 3, seed=2).digest


def test_a_layers_weights_do_not_depend_on_the_layers_around_it() -> None:
    one, two = ops(stacked([4], 3))[0], ops(stacked([4, 5], 3))[0]
    assert one.cells[0].kernel.digest == two.cells[0].kernel.digest


@pytest.mark.parametrize("initializer", ["uniform", "random_uniform", "ones"])
def test_a_bias_need_not_be_zero(initializer: str) -> None:
    cell = ops(simple_rnn(4, 3, bias_initializer=initializer))[0].cells[0]
    assert cell.bias is not None
    assert (cell.bias.read() != 0).all()


def test_masked_halves_of_a_bidirectional_zero_their_sequences_and_not_their_last_outputs() -> None:
    for sequences in (True, False):
        both = simple_rnn(
            4, 3, input_dim=9, mask_zero=True, bidirectional="sum", return_sequences=sequences
        )
        assert [op.zero_output_for_mask for op in ops(both)] == [sequences, sequences]


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(NetworkError, match=r"got 'use_bais'\. Did you mean 'use_bias'\?"):
        simple_rnn(4, 3, use_bais=False)


def test_no_layers_are_refused() -> None:
    with pytest.raises(NetworkError, match="expected at least one layer that computes, got 0"):
        stacked([], 3)


def test_an_input_may_be_a_first_layer() -> None:
    rnn = {"class": "SimpleRNN", "units": 4}
    one = sequential([{"class": "Input", "shape": ["time", 3], "name": "x"}, rnn])
    assert one.digest == sequential([rnn], input={"shape": ("time", 3), "name": "x"}).digest
