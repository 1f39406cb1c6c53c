"""Notebooks 1 and 2: SimpleRNNCell, one step and all of them, two cells by time and by layer, unrolled layers."""

from __future__ import annotations

from rnn_export.network import Draft, Network
from rnn_export.network.ops import Recurrent
from rnn_export.presets.parts import FUNCTIONAL, SEQUENTIAL, cell, source
from rnn_export.presets.preset import Preset


def _step(name: str, features: int, units: int) -> Network:
    """One call of a cell, ``out, [h1] = cell(x_t, [h0])``: RNN(cell) over one step, its state an input."""
    draft = Draft()
    x = draft.input("x", ("batch", 1, features), "float32")
    h0 = draft.input("h0", ("batch", units), "float32")
    hints = {"class": "RNN", "cell": "cell"}
    op = Recurrent((cell(name, features, units),), ("output", "state"))
    out, h1 = draft.call("rnn", op, [x], initial=[h0], hints=hints)
    draft.output("rnn", out)
    draft.output("rnn", h1)
    return draft.finish(source(name, FUNCTIONAL))


def _loop() -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 100), "float32")
    op = Recurrent((cell("cell-loop", 100, 64),))
    (y,) = draft.call("rnn", op, [x], hints={"class": "RNN", "cell": "cell"})
    draft.output("rnn", y)
    return draft.finish(source("cell-loop", SEQUENTIAL))


def _by_time() -> Network:
    """Both cells advance together, step by step."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", 100), "float32")
    cells = (
        cell("cell-stack2/cell0", 100, 64, name="cell0"),
        cell("cell-stack2/cell1", 64, 64, name="cell1"),
    )
    (y,) = draft.call("rnn", Recurrent(cells), [x], hints={"class": "RNN"})
    draft.output("rnn", y)
    return draft.finish(source("cell-stack2-by-time", SEQUENTIAL))


def _by_layer() -> Network:
    """The same two cells; the first goes over all steps before the second begins."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", 100), "float32")
    first = Recurrent((cell("cell-stack2/cell0", 100, 64),), ("sequence",))
    (x,) = draft.call("rnn0", first, [x], hints={"class": "RNN", "cell": "cell0"})
    second = Recurrent((cell("cell-stack2/cell1", 64, 64),))
    (y,) = draft.call("rnn1", second, [x], hints={"class": "RNN", "cell": "cell1"})
    draft.output("rnn1", y)
    return draft.finish(source("cell-stack2-by-layer", SEQUENTIAL))


def _dropout_unrolled() -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", 80, 100), "float32")
    hints = {"class": "SimpleRNN", "dropout": 0.5, "unroll": True}
    first = Recurrent((cell("dropout-unrolled-stack/0", 100, 64),), ("sequence",))
    (x,) = draft.call("simple_rnn", first, [x], hints=hints)
    second = Recurrent((cell("dropout-unrolled-stack/1", 64, 64),))
    (y,) = draft.call("simple_rnn_1", second, [x], hints=hints)
    draft.output("simple_rnn_1", y)
    return draft.finish(source("dropout-unrolled-stack", SEQUENTIAL))


CELLS = (
    Preset(
        "cell",
        1,
        "SimpleRNNCell(3) on 4 features, one step, the state an input (batch chosen)",
        batch=2,
        time=1,
        parameters=4 * 3 + 3 * 3 + 3,
        make=lambda: _step("cell", 4, 3),
    ),
    Preset(
        "cell-step",
        1,
        "SimpleRNNCell(64) on 100 features, one step of 80, the state an input",
        batch=4,
        time=1,
        parameters=100 * 64 + 64 * 64 + 64,
        make=lambda: _step("cell-step", 100, 64),
    ),
    Preset(
        "cell-loop",
        2,
        "the same cell over all 80 steps, as RNN(cell)",
        batch=4,
        time=80,
        parameters=100 * 64 + 64 * 64 + 64,
        make=_loop,
    ),
    Preset(
        "cell-stack2-by-time",
        2,
        "two cells that advance together, RNN([cell0, cell1])",
        batch=4,
        time=80,
        parameters=100 * 64 + 64 * 64 + 64 + 2 * 64 * 64 + 64,
        make=_by_time,
    ),
    Preset(
        "cell-stack2-by-layer",
        2,
        "the same two cells one after the other, RNN(cell0), RNN(cell1)",
        batch=4,
        time=80,
        parameters=100 * 64 + 64 * 64 + 64 + 2 * 64 * 64 + 64,
        make=_by_layer,
    ),
    Preset(
        "dropout-unrolled-stack",
        1,
        "two SimpleRNN(64, dropout=0.5, unroll=True) on 80 steps",
        batch=4,
        time=80,
        parameters=100 * 64 + 64 * 64 + 64 + 2 * 64 * 64 + 64,
        make=_dropout_unrolled,
    ),
)
