"""Files of another network: what a translation gets wrong that takes an attribute for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rnn_export.network import Call, Network, activation
from rnn_export.network.ops import Recurrent
from tests.mutants.anywhere import OfNetwork
from tests.mutants.mutant import Mutant

Turn = Callable[[Call, Recurrent], Call]


def networks() -> Iterator[Mutant]:
    """Yield every such fault, in more than one form."""
    for form in ("rnn", "scan", "unrolled"):
        for world, layer, name, turn, named in (
            ("smooth", "rnn0", "gelu approximated by tanh", _kind("gelu", approximate=1.0), "approximate=1"),
            ("smooth", "rnn1", "slope 0.01", _kind("leaky_relu", negative_slope=0.01), "negative_slope=0.01"),
            ("smooth", "rnn1", "slope 0.25", _kind("leaky_relu", negative_slope=0.25), "negative_slope=0.25"),
            ("smooth", "rnn2", "gelu for silu", _kind("gelu"), "activation gelu"),
            ("kinds", "rnn1", "hard_sigmoid of Keras 2", _kind("hard_sigmoid", slope=0.2), "slope=0.2"),
            ("both", "both/backward", "sequence not turned back", _unturned, "order of processing"),
            ("both", "both/backward", "runs forwards", _forwards, "time"),
            ("masked", "front", "mask dropped", _unmasked, "mask ignored"),
            ("masked", "back", "mask dropped", _unmasked, "mask ignored"),
            ("masked", "front", "held for zero", _held, "at masked steps"),
            ("masked", "back", "initial state dropped", _stateless, "initial state lost"),
            ("masked", "back", "runs forwards", _forwards, "the other way"),
            ("tokens", "rnn", "mask dropped", _unmasked, "mask ignored"),
            ("stateful", "rnn", "both states dropped", _stateless, "initial state lost"),
        ):  # fmt: skip
            yield Mutant(f"{layer} {name}", world, _at(layer, turn), layer, named, form)
    for world, layer in (("masked", "back"), ("tokens", "rnn")):
        right = OfNetwork(lambda network: network, padding="right")
        yield Mutant("right padding taken for granted", world, right, layer, "on the right")


def _at(layer: str, turn: Turn) -> OfNetwork:
    """Return the export of the network with another call of a recurrent layer."""

    def change(network: Network) -> Network:
        calls = tuple(
            turn(call, call.op) if call.layer == layer and isinstance(call.op, Recurrent) else call
            for call in network.calls
        )
        return replace(network, calls=calls)

    return OfNetwork(change)


def _held(call: Call, op: Recurrent) -> Call:
    return replace(call, op=replace(op, zero_output_for_mask=False))


def _unturned(call: Call, op: Recurrent) -> Call:
    return replace(call, op=replace(op, time_order=False))


def _forwards(call: Call, op: Recurrent) -> Call:
    return replace(call, op=replace(op, go_backwards=False, time_order=False))


def _unmasked(call: Call, op: Recurrent) -> Call:
    return replace(call, mask=None)


def _stateless(call: Call, op: Recurrent) -> Call:
    return replace(call, initial=())


def _kind(name: str, **options: float) -> Turn:
    def turn(call: Call, op: Recurrent) -> Call:
        (cell,) = op.cells
        other = replace(cell, activation=activation(name, **options))
        return replace(call, op=replace(op, cells=(other,)))

    return turn
