"""A recurrent call on its way into the graph: input, cells in the chosen form, then what Keras puts out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rnn_export.exporters.elements import carrier
from rnn_export.exporters.lowering import Lowering, Value, lower, named
from rnn_export.exporters.ops.arrange import flipped
from rnn_export.exporters.pairs import Pair, half
from rnn_export.exporters.plan import Layout
from rnn_export.exporters.recurrent.chain import RIGHT, kind_of, native_tracks, right_padded
from rnn_export.exporters.recurrent.choosing import choose
from rnn_export.exporters.recurrent.masks import Masked
from rnn_export.exporters.recurrent.native import Direction, rnn_node, scaled
from rnn_export.exporters.recurrent.scan import entering, scan_tracks, turned
from rnn_export.exporters.recurrent.stack import Stack
from rnn_export.exporters.recurrent.together import beside, chained
from rnn_export.exporters.recurrent.tracks import Demand, Places, Track, weight_path
from rnn_export.exporters.recurrent.unrolled import unrolled_tracks
from rnn_export.exporters.recurrent.wavefront import crosswise, wavefront
from rnn_export.network import Call, TensorId
from rnn_export.network.ops import Recurrent

_TRACKS = {
    "rnn": native_tracks,
    "scan": scan_tracks,
    "wavefront": scan_tracks,
    "unrolled": unrolled_tracks,
}


@lower.register
def _(op: Recurrent, call: Call, low: Lowering) -> None:
    places = Places.of(call, op, low)
    masked = mask_of(call, op, low)
    form, reason = choose(call, op, low.options)
    if reason:
        low.note(reason)
    tracks = _TRACKS[form](
        low, call, op, starts(call, op, low), places.demands(low.options.taps), masked
    )
    place(low, call, op, places, tracks, masked)


def lower_stack(calls: Sequence[Call], low: Lowering) -> None:
    """Write calls that `stacking.stacks` found to be one stack as one Scan."""
    ops = [call.op for call in calls if isinstance(call.op, Recurrent)]
    places = [Places.of(call, op, low) for call, op in zip(calls, ops, strict=True)]
    first, backwards = calls[0], ops[0].go_backwards
    x = low.get(first.inputs[0], Layout.TIME)
    masked = mask_of(first, ops[0], low)
    ordered = masked
    if backwards:
        x = flipped(low, x)
        if masked is not None:
            ordered = Masked(low, flipped(low, masked.mask), False)
    stack = Stack(
        tuple((call, cell) for call, op in zip(calls, ops, strict=True) for cell in op.cells),
        tuple(h for call, op in zip(calls, ops, strict=True) for h in starts(call, op, low)),
        tuple(d for item in places for d in item.demands(low.options.taps, feeding=False)),
        ordered,
    )
    tracks = (wavefront if low.options.form == "wavefront" else chained)(low, stack, x)
    for call, op, item in zip(calls, ops, places, strict=True):
        own, tracks = tracks[: len(op.cells)], tracks[len(op.cells) :]
        if op.go_backwards:
            own = [turned(low, track) for track in own]
        place(low, call, op, item, own, mask_of(call, op, low))


def lower_pair(forward: Call, backward: Call, low: Lowering) -> None:
    """Write two calls that `pairing.pairs` found to belong together as one bidirectional node, or one Scan."""
    calls = (forward, backward)
    if low.options.form != "rnn":
        _lower_directions(calls, low)
        return
    ops = [call.op for call in calls if isinstance(call.op, Recurrent)]
    places = [Places.of(call, op, low) for call, op in zip(calls, ops, strict=True)]
    masks = [mask_of(call, op, low) for call, op in zip(calls, ops, strict=True)]
    demands = [item.demands(low.options.taps)[0] for item in places]
    sequence, last = (any(column) for column in zip(*demands, strict=True))
    lengths = None if masks[0] is None else masks[0].lengths()
    initial = [starts(call, op, low)[0] for call, op in zip(calls, ops, strict=True)]
    directions = [
        Direction(call, op.cells[0], op.go_backwards, start)
        for call, op, start in zip(calls, ops, initial, strict=True)
    ]
    kind, units = kind_of(forward, ops[0].cells[0]), ops[0].cells[0].units
    x = low.get(forward.inputs[0], Layout.TIME)
    demand = Demand(sequence, last or (sequence and lengths is not None))
    y, h = rnn_node(low, x, directions, kind, demand, lengths)
    both = [
        Pair(scaled(low, value, kind, forward), units, over_time) if value else None
        for value, over_time in ((y, True), (h, False))
    ]
    for k, (call, op, item, mask) in enumerate(zip(calls, ops, places, masks, strict=True)):
        track = _half(low, both, k)
        if mask is not None:
            low.assume(RIGHT)
            track = right_padded(low, call, op.cells[0], track, initial[k], mask)
        place(low, call, op, item, [track], mask)
    if lengths is None:
        _register(low, places, both)


def _lower_directions(calls: Sequence[Call], low: Lowering) -> None:
    """Write both directions as one Scan, the backward one with its input turned."""
    ops = [call.op for call in calls if isinstance(call.op, Recurrent)]
    places = [Places.of(call, op, low) for call, op in zip(calls, ops, strict=True)]
    x = low.get(calls[0].inputs[0], Layout.TIME)
    members = tuple((call, op.cells[0]) for call, op in zip(calls, ops, strict=True))
    stack = Stack(
        members,
        tuple(h for call, op in zip(calls, ops, strict=True) for h in starts(call, op, low)),
        tuple(d for item in places for d in item.demands(low.options.taps)),
        None,
    )
    inputs = (x, flipped(low, x))
    added = [entering(low, *member, given) for member, given in zip(members, inputs, strict=True)]
    write = crosswise if low.options.form == "wavefront" else beside
    ahead, back = write(low, stack, x, added)
    for call, op, item, track in zip(calls, ops, places, (ahead, turned(low, back)), strict=True):
        place(low, call, op, item, [track], None)


def mask_of(call: Call, op: Recurrent, low: Lowering) -> Masked | None:
    """Return the call's mask as its direction sees it."""
    if call.mask is None:
        return None
    return Masked(low, low.get(call.mask, Layout.TIME), op.go_backwards)


def starts(call: Call, op: Recurrent, low: Lowering) -> list[str | None]:
    """Return the initial state of each cell, None for zeros."""
    return [low.get(tensor) for tensor in call.initial] or [None] * len(op.cells)


def _half(low: Lowering, both: Sequence[Pair | None], direction: int) -> Track:
    sequence, last = both
    return Track(
        None if sequence is None else lambda: half(low.graph, sequence, direction),
        None if last is None else lambda: half(low.graph, last, direction),
    )


def _register(low: Lowering, places: Sequence[Places], both: Sequence[Pair | None]) -> None:
    """Let the merge that follows read the node's outputs as they are."""
    sequence, last = both
    first, second = places
    if sequence is not None and first.sequence is not None and second.sequence is not None:
        low.pairs[first.sequence, second.sequence] = sequence
    if last is not None and first.output is not None and second.output is not None:
        low.pairs[first.output, second.output] = last


def _state(low: Lowering, tensor: TensorId, value: Value) -> str:
    return low.rounded(tensor, named(value))


def place(
    low: Lowering,
    call: Call,
    op: Recurrent,
    places: Places,
    tracks: Sequence[Track],
    masked: Masked | None,
) -> None:
    """Say which values stand for the call's tensors, made when they are asked for."""
    final = tracks[-1]
    states, state = final.sequence, final.last
    flip = op.go_backwards and not op.time_order
    how = (call.dtype, op.zero_output_for_mask, bool(call.initial))

    def sequence() -> str:
        value = low.rounded(places.sequence or "", named(states or ""))
        value = value if masked is None else masked.sequence(value, *how)
        return flipped(low, value) if flip else value

    def output() -> str:
        value = low.rounded(places.output or "", named(state or ""))
        return value if masked is None else masked.last(value, *how)

    if places.sequence is not None:
        low.offer(places.sequence, sequence, Layout.TIME)
        kept = masked is None or not (op.zero_output_for_mask or call.initial)
        if final.steps is not None and kept and carrier(call.dtype) == call.dtype:
            low.steps[places.sequence] = final.steps[::-1] if flip else final.steps
    if places.output is not None:
        low.offer(places.output, output)
    for tensor, track in zip(places.states, tracks, strict=True):
        if tensor is not None and track.last is not None:
            low.offer(tensor, partial(_state, low, tensor, track.last))
    if low.options.taps:
        for cell, track in zip(op.cells, tracks, strict=True):
            low.tap(
                f"{weight_path(call, cell)}/states", call, cell.units, named(track.sequence or "")
            )
