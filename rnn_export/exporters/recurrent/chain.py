"""A recurrent call on native RNN nodes, one per cell, with or without a mask."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rnn_export.errors import ExportError
from rnn_export.exporters.compaction import Compaction, compacted, compaction, padded
from rnn_export.exporters.lowering import Lowering, Value, named
from rnn_export.exporters.plan import Layout
from rnn_export.exporters.recurrent.activations import Native, native
from rnn_export.exporters.recurrent.masks import Masked
from rnn_export.exporters.recurrent.native import Direction, rnn_track
from rnn_export.exporters.recurrent.tracks import Demand, Track, cell_path
from rnn_export.network import Call
from rnn_export.network.ops import Cell, Recurrent

RIGHT = "masked steps only follow the valid steps of each row"


def native_tracks(
    low: Lowering,
    call: Call,
    op: Recurrent,
    initial: Sequence[str | None],
    demands: Sequence[Demand],
    masked: Masked | None,
) -> list[Track]:
    """Write a call as RNN nodes and return the states of its cells."""
    if masked is None:
        x = low.get(call.inputs[0], Layout.TIME)
        return run(low, call, op, x, initial, demands, None, op.go_backwards)
    if low.options.padding == "right":
        return _right_padded(low, call, op, initial, demands, masked)
    return _compacted(low, call, op, initial, demands, masked)


def run(
    low: Lowering,
    call: Call,
    op: Recurrent,
    x: str,
    initial: Sequence[str | None],
    demands: Sequence[Demand],
    lengths: str | None,
    reverse: bool,
) -> list[Track]:
    """Write the cells one after another, each fed by the one before it."""
    tracks: list[Track] = []
    for cell, start, demand in zip(op.cells, initial, demands, strict=True):
        direction = Direction(call, cell, reverse, start)
        track = rnn_track(low, x, direction, kind_of(call, cell), demand, lengths)
        tracks.append(track)
        x = x if track.sequence is None else named(track.sequence)
    return tracks


def kind_of(call: Call, cell: Cell) -> Native:
    """Return how the operator writes the cell's activation; `choosing` sends only such cells here."""
    kind = native(cell.activation)
    if kind is None:
        raise ExportError(
            f"layer {call.layer!r}",
            expected="an activation of the RNN operator",
            got=str(cell.activation),
            advice="Use form scan.",
        )
    return kind


def _right_padded(
    low: Lowering,
    call: Call,
    op: Recurrent,
    initial: Sequence[str | None],
    demands: Sequence[Demand],
    masked: Masked,
) -> list[Track]:
    """Run with sequence_lens, then put kept states where the operator leaves zeros."""
    low.assume(RIGHT)
    wanted = [Demand(d.sequence, d.last or (d.sequence and not op.go_backwards)) for d in demands]
    x = low.get(call.inputs[0], Layout.TIME)
    raw = run(low, call, op, x, initial, wanted, masked.lengths(), op.go_backwards)
    parts = zip(op.cells, raw, initial, strict=True)
    return [right_padded(low, call, cell, track, start, masked) for cell, track, start in parts]


def right_padded(
    low: Lowering, call: Call, cell: Cell, track: Track, initial: str | None, masked: Masked
) -> Track:
    """Return a cell's states after a run with sequence_lens, kept at masked steps.

    The operator leaves open what it puts out past a row's length and for rows of length 0.
    """
    graph = low.graph
    states, state = track.sequence, track.last

    def last(value: Value) -> str:
        name = named(value)
        return name if initial is None else graph.add("Where", [masked.any(), name, initial])

    def final(value: Value) -> str:
        return low.once(("final", cell_path(call, cell)), lambda: last(value))

    def sequence(value: Value) -> str:
        kept = initial or masked.zero(call.dtype)
        if not masked.reverse and state is not None:
            kept = final(state)
        return graph.add("Where", [masked.wide(), named(value), kept])

    return Track(
        None if states is None else lambda: sequence(states),
        None if state is None else lambda: final(state),
    )


def _compacted(
    low: Lowering,
    call: Call,
    op: Recurrent,
    initial: Sequence[str | None],
    demands: Sequence[Demand],
    masked: Masked,
) -> list[Track]:
    """Run on the valid steps alone, then read the states back to their places."""
    places = _places(low, masked)
    x = _input(low, call, op, places)
    wanted = [Demand(d.sequence or d.last, last=False) for d in demands]
    raw = run(low, call, op, x, initial, wanted, None, reverse=False)
    made = raw[-1].sequence
    if made is not None and "sequence" in op.emits and (op.time_order or not op.go_backwards):
        low.shared["compact", call.outputs[0], call.mask, op.go_backwards] = named(made)
    return [
        _spread(low, cell, track, start, demand, places)
        for cell, track, start, demand in zip(op.cells, raw, initial, demands, strict=True)
    ]


def _places(low: Lowering, masked: Masked) -> Compaction:
    """Return the indices of a mask and direction, written once."""
    key = (masked.mask, masked.reverse)
    if key not in low.compactions:
        low.compactions[key] = compaction(low.graph, masked.mask, masked.reverse)
    return low.compactions[key]


def _input(low: Lowering, call: Call, op: Recurrent, places: Compaction) -> str:
    """Return the call's input with valid steps together: as the layer before left it, if under the same mask."""
    tensor = call.inputs[0]
    held = low.shared.get(("compact", tensor, call.mask, op.go_backwards))
    if held is not None:
        return held
    x = low.get(tensor, Layout.TIME)
    return low.once(
        ("compact", tensor, call.mask, op.go_backwards),
        lambda: compacted(low.graph, x, op.cells[0].features, places),
    )


def _spread(
    low: Lowering, cell: Cell, track: Track, initial: str | None, demand: Demand, places: Compaction
) -> Track:
    """Return a cell's states where they belong in time."""
    if track.sequence is None:
        return track
    y = named(track.sequence)

    def read(index: str) -> str:
        make = partial(padded, low.graph, y, initial, cell.units)
        rows = low.once(("padded", y, initial), make)
        return low.graph.add("Gather", [rows, index], axis=0)

    return Track(
        (lambda: read(places.slot)) if demand.sequence else None,
        (lambda: read(places.final)) if demand.last else None,
    )
