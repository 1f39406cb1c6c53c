"""SimpleRNN, RNN over cells, and Bidirectional, lowered as a reader lowers them."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_export.builders.description.cells import cell, training_options
from rnn_export.builders.description.chain import Chain, Policy
from rnn_export.builders.description.options import Options
from rnn_export.errors import NetworkError
from rnn_export.network import TensorId
from rnn_export.network.ops import Cell, Concatenate, Merge, Recurrent

MODES = ("concat", "sum", "mul", "ave")


@dataclass(frozen=True)
class Described:
    """A recurrent layer before it is called: its op and its hints."""

    op: Recurrent
    hints: dict[str, object]


def recurrent(chain: Chain, options: Options, layer: str) -> None:
    """Add a SimpleRNN or an RNN."""
    policy = chain.policy_of(options)
    described = _described(chain, options, layer, policy)
    x = chain.cast(layer, policy)
    made = chain.call(layer, described.op, [x], policy, mask=chain.mask, hints=described.hints)
    _hand_on(chain, made[0], made[1:], sequences="sequence" in described.op.emits)


def bidirectional(chain: Chain, options: Options, layer: str) -> None:
    """Add two recurrent layers in both directions and the merge of their outputs."""
    policy = chain.policy_of(options)
    mode = options.text("merge_mode", "concat", among=MODES)
    one, name = _inner(chain, options, "layer", layer, policy, backward=False)
    if "backward_layer" in options:
        two, other = _inner(chain, options, "backward_layer", layer, policy, backward=True)
    else:
        options.raw("backward_layer")
        other = f"backward_{name.removeprefix('backward_')}"
        two, _ = _inner(chain, options, "layer", layer, policy, backward=True, part=other)
    if one.op.emits != two.op.emits:
        raise NetworkError(
            options.subject,
            expected="the same return_sequences and return_state in both layers",
            got="two values",
        )
    x = chain.cast(layer, policy)
    made: list[tuple[TensorId, ...]] = []
    for part, half in ((f"forward_{name.removeprefix('forward_')}", one), (other, two)):
        path = f"{layer}/{part}"
        made.append(chain.part(path, half.op, [x], policy, mask=chain.mask, hints=half.hints))
    merges = {"sum": Merge("add"), "mul": Merge("multiply"), "ave": Merge("average")}
    merge = merges.get(mode, Concatenate(-1))
    pair = [made[0][0], made[1][0]]
    (y,) = chain.call(layer, merge, pair, policy, hints={"class": "Bidirectional"})
    _hand_on(chain, y, made[0][1:] + made[1][1:], sequences="sequence" in one.op.emits)


def _hand_on(chain: Chain, y: TensorId, states: tuple[TensorId, ...], *, sequences: bool) -> None:
    chain.tensor, chain.states = y, states
    chain.mask = chain.mask if sequences else None


def _inner(
    chain: Chain,
    options: Options,
    key: str,
    layer: str,
    policy: Policy,
    *,
    backward: bool,
    part: str = "",
) -> tuple[Described, str]:
    """Return one half of a Bidirectional and the name of the layer it was described by."""
    (table,) = options.tables(key)[:1]
    inside = Options(table, f"{options.subject}, {key}")
    kind = inside.text("class", "SimpleRNN", among=("SimpleRNN", "RNN"))
    automatic = "simple_rnn" if kind == "SimpleRNN" else "rnn"
    name = inside.text("name", automatic if key == "layer" else f"backward_{automatic}")
    inside.text("dtype", policy.name, among=(policy.name,))
    own = part or (name if backward else f"forward_{name.removeprefix('forward_')}")
    described = _described(chain, inside, f"{layer}/{own}", policy, in_both=True, backward=backward)
    return described, name


def _described(
    chain: Chain,
    options: Options,
    path: str,
    policy: Policy,
    *,
    in_both: bool = False,
    backward: bool = False,
) -> Described:
    """Return a layer's op and hints; inside a Bidirectional, Keras zeroes the masked steps of sequences."""
    kind = options.text("class", "SimpleRNN")
    features = chain.spec.fixed(-1, options.subject, "features")
    sequences = options.flag("return_sequences", False)
    states = options.flag("return_state", False)
    backwards = options.flag("go_backwards", False)
    zero = options.flag("zero_output_for_mask", False)
    hints: dict[str, object] = {"class": kind}
    if options.flag("unroll", False):
        chain.spec.fixed(1, f"{options.subject}, unroll", "time steps")
        hints["unroll"] = True
    hints |= training_options(options, ["activity_regularizer"])
    if kind == "SimpleRNN":
        made, own = cell(chain, options, path, features, policy)
        cells: tuple[Cell, ...] = (made,)
        hints |= own
    else:
        cells, own = _cells(chain, options, path, features, policy)
        hints |= own
    options.finish()
    if in_both and backwards and not backward:
        raise options.wrong("go_backwards", "false in the forward layer", True)
    emits = ("sequence" if sequences else "output", *(("state",) if states else ()))
    runs_back = backward if in_both else backwards
    op = Recurrent(cells, emits, runs_back, in_both and runs_back, sequences if in_both else zero)
    return Described(op, hints)


def _cells(
    chain: Chain, options: Options, path: str, features: int, policy: Policy
) -> tuple[tuple[Cell, ...], dict[str, object]]:
    """Return the cells of option ``cell``, one table or a list, and the hints of all."""
    tables = options.tables("cell")
    alone = len(tables) == 1
    made: list[Cell] = []
    hints: list[dict[str, object]] = []
    for index, table in enumerate(tables):
        inside = Options(table, f"{options.subject}, cell {index}")
        inside.text("class", "SimpleRNNCell", among=("SimpleRNNCell",))
        name = inside.text("name", f"simple_rnn_cell_{index}" if index else "simple_rnn_cell")
        place = path if alone else f"{path}/{name}"
        one, own = cell(chain, inside, place, features, policy, "" if alone else name)
        inside.finish()
        made.append(one)
        hints.append(own | {"cell": name})
        features = one.units
    if len({one.name for one in made}) < len(made):
        raise NetworkError(
            options.subject, expected="cells with names of their own", got="a repeated name"
        )
    return tuple(made), hints[0] if alone else {"cells": tuple(hints)}
