"""When the halves of a Bidirectional become one node, and what is made of its outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnn_export.builders import reference
from rnn_export.exporters import export
from rnn_export.network import Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Concatenate, Merge, Recurrent
from tests.unit.exporters.exact import cell, feeds, run

RANDOM = np.random.default_rng(7)
RELU = activation("relu")


def both(
    forward: Cell | None = None,
    backward: Cell | None = None,
    *,
    emit: str = "sequence",
    mode: str = "concat",
    masked: bool = False,
    starts: tuple[bool, bool] = (False, False),
) -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    mask = draft.input("mask", ("batch", "time"), "bool") if masked else None
    made: list[str] = []
    for back, held in ((False, forward), (True, backward)):
        held = held or cell(RANDOM, 3, 4, RELU, bias=True)
        name = "backward" if back else "forward"
        initial = (
            [draft.input(f"{name}_h", ("batch", held.units), "float32")] if starts[back] else []
        )
        op = Recurrent((held,), (emit,), back, back)
        made += draft.call(f"both/{name}", op, [x], mask=mask, initial=initial)
    if mode == "none":
        draft.output("forward", made[0])
        draft.output("backward", made[1])
    else:
        op_merge = Concatenate(-1) if mode == "concat" else Merge(mode)  # type: ignore[arg-type]
        draft.output("both", draft.call("both", op_merge, made)[0])
    return draft.finish(Source("python", "both"))


def kinds(network: Network, **options: str) -> Counter[str]:
    graph = export(network, padding=options.get("padding", "any")).model.graph
    return Counter(node.op_type for node in graph.node)


@pytest.mark.parametrize("emit", ["sequence", "output"])
@pytest.mark.parametrize(
    "mode", ["concat", "add", "multiply", "average", "maximum", "minimum", "subtract", "none"]
)
@pytest.mark.parametrize("opset", [14, 17, 18, 26])
def test_every_merge_mode_is_right_from_one_node(emit: str, mode: str, opset: int) -> None:
    network = both(emit=emit, mode=mode)
    model = export(network, opset=opset).model
    assert [node.op_type for node in model.graph.node].count("RNN") == 1
    given = feeds(network, RANDOM, 2, 5)
    got, want = run(model, given), reference.run(network, given, np.float64)
    for name, values in want.items():
        np.testing.assert_array_equal(got[name], values)


def test_concatenation_takes_a_transpose_and_a_reshape() -> None:
    assert kinds(both()) == {"Transpose": 2, "RNN": 1, "Reshape": 1}


def test_a_sum_takes_one_reduction() -> None:
    assert kinds(both(mode="add")) == {"Transpose": 2, "RNN": 1, "ReduceSum": 1}


@pytest.mark.parametrize(
    "network",
    [
        both(backward=cell(RANDOM, 3, 5, RELU), mode="none"),
        both(backward=cell(RANDOM, 3, 4, activation("linear"))),
        both(
            forward=cell(RANDOM, 3, 4, RELU, bias=True),
            backward=cell(RANDOM, 3, 4, RELU, bias=False),
        ),
        both(starts=(True, False)),
        both(masked=True),
    ],
    ids=["units", "activation", "bias", "one initial state", "mask of any shape"],
)
def test_halves_that_differ_stay_two_nodes(network: Network) -> None:
    assert kinds(network)["RNN"] == 2
    given = feeds(network, RANDOM, 3, 5)
    got, want = run(export(network).model, given), reference.run(network, given, np.float64)
    for name, values in want.items():
        np.testing.assert_array_equal(got[name], values)


def test_right_padding_keeps_them_one_node() -> None:
    assert kinds(both(masked=True), padding="right")["RNN"] == 1


def test_initial_states_of_both_are_joined() -> None:
    assert kinds(both(starts=(True, True)))["Unsqueeze"] == 2


def test_a_reader_of_the_forward_half_between_them_keeps_them_apart() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    (a,) = draft.call("forward", Recurrent((cell(RANDOM, 3, 3, RELU),), ("sequence",)), [x])
    (h,) = draft.call("state", Recurrent((cell(RANDOM, 3, 3, RELU),), ("output",)), [a])
    backward = Recurrent((cell(RANDOM, 3, 3, RELU),), ("sequence",), True, True)
    (b,) = draft.call("backward", backward, [x], initial=[h])
    draft.output("a", a)
    draft.output("b", b)
    network = draft.finish(Source("python", "between"))
    given = feeds(network, RANDOM, 2, 4)
    got, want = run(export(network).model, given), reference.run(network, given, np.float64)
    for name, values in want.items():
        np.testing.assert_array_equal(got[name], values)


def test_a_half_that_nobody_reads_is_not_written() -> None:
    network = both(mode="none")
    network = replace(network, outputs=network.outputs[:1])
    assert kinds(network) == {"Transpose": 2, "RNN": 1, "Squeeze": 1}


@pytest.mark.parametrize("form", ["scan", "wavefront"])
@pytest.mark.parametrize("emit", ["sequence", "output"])
@pytest.mark.parametrize(
    ("network", "count"),
    [
        (lambda emit: both(emit=emit), 1),
        # In a Scan they may differ.
        (lambda emit: both(backward=cell(RANDOM, 3, 5, RELU), mode="none", emit=emit), 1),
        (lambda emit: both(backward=cell(RANDOM, 3, 4, activation("linear")), emit=emit), 1),
        (lambda emit: both(starts=(True, False), emit=emit), 1),
        (lambda emit: both(masked=True, emit=emit), 2),
    ],
    ids=["equal", "units", "activation", "one initial state", "mask"],
)
def test_both_directions_are_one_scan(
    form: str, emit: str, network: Callable[[str], Network], count: int
) -> None:
    made = network(emit)
    model = export(made, form=form).model
    assert [node.op_type for node in model.graph.node].count("Scan") == count
    given = feeds(made, RANDOM, 3, 5)
    got = run(model, given)
    for name, values in reference.run(made, given, np.float64).items():
        np.testing.assert_array_equal(got[name], values)


@pytest.mark.parametrize("form", ["scan", "wavefront"])
def test_a_direction_that_stands_in_a_stack_is_written_there_alone(form: str) -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    (a,) = draft.call("forward", Recurrent((cell(RANDOM, 3, 4, RELU),), ("sequence",)), [x])
    (b,) = draft.call("above", Recurrent((cell(RANDOM, 4, 5, RELU),), ("sequence",)), [a])
    backward = Recurrent((cell(RANDOM, 3, 4, RELU),), ("sequence",), True, True)
    (c,) = draft.call("backward", backward, [x])
    draft.output("above", b)
    draft.output("backward", c)
    network = draft.finish(Source("python", "fork"))
    given = feeds(network, RANDOM, 2, 4)
    got = run(export(network, form=form).model, given)
    for name, values in reference.run(network, given, np.float64).items():
        np.testing.assert_array_equal(got[name], values)
