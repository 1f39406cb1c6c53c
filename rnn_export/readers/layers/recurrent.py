"""SimpleRNN, RNN over cells, and stacked cells: one Recurrent op, its states, and the streams of stateful layers."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_export.errors import ReadError
from rnn_export.network import TensorId
from rnn_export.network.ops import ApplyMask, Flip, Permute, Recurrent
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.layers.cells import cell_dtype, cells_of
from rnn_export.readers.layers.entry import Entry
from rnn_export.readers.policy import policy
from rnn_export.readers.use import Use
from rnn_export.readers.values import Structure, Value, first_mask, values


def run(
    use: Use,
    layer: Layer,
    value: Value,
    *,
    mask: TensorId | None,
    initial: Sequence[Value],
    part: str = "",
    in_both: bool = False,
) -> list[Value]:
    """Add one recurrent layer and return its outputs: the sequence or the last output, then the states.

    Args:
        use: the call being lowered (of the layer, or of the Bidirectional around it).
        layer: a SimpleRNN or RNN.
        value: (batch, time, features).
        mask: bool, (batch, time).
        initial: one state for each cell, or none.
        part: its path below the call's.
        in_both: whether a Bidirectional holds it.

    Returns:
        The outputs; a sequence of a layer inside a Bidirectional comes in time order.

    Source: keras.layers.RNN.call; with a mask, as Keras does on TensorFlow.
    """
    fields = layer.fields
    _check(use, layer, value, in_both)
    _check_given(use, layer, value, mask, initial)
    cells = cells_of(use, layer)
    own, inside = policy(layer).compute, cell_dtype(layer)
    sequences, backwards = fields.flag("return_sequences"), fields.flag("go_backwards")
    zero = sequences if in_both else fields.flag("zero_output_for_mask")
    stateful = fields.flag("stateful") and not initial
    path = f"{use.path}/{part}" if part else use.path
    value = use.cast(use.cast(value, own, _at(part, "cast")), inside, _at(part, "cell_cast"))
    starts = [
        use.cast(state, inside, _at(part, f"state_cast_{i}")).tensor
        for i, state in enumerate(initial)
    ]
    state_paths = [f"{path}/{cell.name}" if cell.name else path for cell in cells]
    if stateful:
        batch = use.spec(value).shape[0]
        starts = [
            use.lowering.streams.begin(state_path, batch, cell.units, inside)
            for state_path, cell in zip(state_paths, cells, strict=True)
        ]
    if starts and len(starts) != len(cells):
        raise ReadError(
            layer.subject, expected=f"{len(cells)} initial states", got=f"{len(starts)}"
        )
    returned = fields.flag("return_state")
    emits = ("sequence" if sequences else "output", *(("state",) if returned or stateful else ()))
    # Unrolled, Keras zeroes outputs that stand in the order of processing by a mask in the order of time.
    crossed = zero and backwards and sequences and fields.flag("unroll") and mask is not None
    op = Recurrent(
        cells, emits, backwards, in_both and backwards and not crossed, zero and not crossed
    )
    made = use.emit(
        op, [value], dtype=inside, part=part, mask=mask, initial=starts, hints=_hints(layer)
    )
    if crossed and mask is not None:
        pair, zeroed = [Value(made[0]), Value(mask)], _at(part, "zeroed")
        (sequence,) = use.emit(ApplyMask(), pair, dtype=inside, part=zeroed)
        if in_both:
            turned = _at(part, "turned")
            (sequence,) = use.emit(Flip(1), [Value(sequence)], dtype=inside, part=turned)
        made = (sequence, *made[1:])
    if stateful:
        for state_path, tensor in zip(state_paths, made[1:], strict=True):
            use.lowering.streams.keep(state_path, tensor)
    outputs = [Value(tensor) for tensor in (made if returned else made[:1])]
    return [
        use.cast(output, own, _at(part, f"output_cast_{i}")) for i, output in enumerate(outputs)
    ]


def _check(use: Use, layer: Layer, value: Value, in_both: bool) -> None:
    fields, spec = layer.fields, use.spec(value)
    if fields.get("num_constants"):
        raise ReadError(
            layer.subject,
            expected="cells without constants",
            got=f"{fields.get('num_constants')} constants",
            advice="Concatenate them to the inputs.",
        )
    if fields.flag("time_major") and in_both:
        raise ReadError(
            layer.subject,
            expected="a Bidirectional with batch first",
            got="time_major=True",
            advice="Load the model in Keras 2, set time_major=False, and permute the input.",
        )
    if fields.flag("unroll") and spec.rank == 3 and not isinstance(spec.shape[1], int):
        raise ReadError(
            layer.subject,
            expected="a fixed number of time steps for unroll=True",
            got=f"time {spec.shape[1]!r}",
            advice="Fix it in keras.Input, or set unroll=False.",
        )
    if fields.flag("stateful") and in_both:
        raise ReadError(
            layer.subject,
            expected="a Bidirectional that is not stateful",
            got="stateful=True",
            advice="The backward half needs the end of the sequence first. Set stateful=False.",
        )
    if fields.flag("stateful") and fields.flag("go_backwards"):
        raise ReadError(
            layer.subject,
            expected="a stateful layer that runs forwards",
            got="go_backwards=True",
            advice="Reverse the chunks where they are fed, and set go_backwards=False.",
        )


def _check_given(
    use: Use, layer: Layer, value: Value, mask: TensorId | None, initial: Sequence[Value]
) -> None:
    """Raise ReadError for a mask or a state that Keras would repeat over axes it lacks."""
    rank = 2 if mask is None else use.lowering.writer.spec(mask).rank
    if rank != 2:
        raise ReadError(
            layer.subject,
            expected="a mask (batch, time)",
            got=f"rank {rank}",
            advice="Reshape it with keras.layers.Reshape((-1,)).",
        )
    batch = use.spec(value).shape[0]
    for state in initial:
        if use.spec(state).shape[0] == 1 != batch:
            raise ReadError(
                layer.subject,
                expected="an initial state for each row",
                got="one for a batch of 1",
                advice="Leave the batch open in its keras.Input.",
            )


def _hints(layer: Layer) -> dict[str, object]:
    """Return how Keras spelled the layer where that cannot change inference."""
    cell = layer.part("cell")
    made: dict[str, object] = {"class": layer.kind}
    if layer.kind == "RNN" and cell.kind == "SimpleRNNCell":
        made["cell"] = cell.name
    for name in ("unroll", "stateful"):
        if layer.fields.flag(name):
            made[name] = True
    for name in ("dropout", "recurrent_dropout"):
        rate = cell.fields.get(name)
        if isinstance(rate, float) and rate:
            made[name] = rate
    return made


def _at(part: str, step: str) -> str:
    return f"{part}/{step}" if part else step


def states(use: Use) -> tuple[Value, list[Value]]:
    """Return the sequences and the initial states; Keras 2 hands both over in one list."""
    first, given = use.first, use.arguments.get("initial_state")
    if use.lowering.keras2 and isinstance(first, list) and len(first) > 1 and given is None:
        head, *rest = first
        if isinstance(head, Value):
            return head, list(values(rest))
    return use.one(), list(values(given))


def _recurrent(use: Use) -> list[Value]:
    value, initial = states(use)
    mask = use.as_mask(first_mask(use.given_mask()))
    if not use.fields.flag("time_major"):
        return run(use, use.layer, value, mask=mask, initial=initial)
    # Keras 2: sequences and masks begin with time.
    value = _turned(use, value, "batch_first")
    mask = None if mask is None else _turned(use, Value(mask), "mask_batch_first").tensor
    first, *others = run(use, use.layer, value, mask=mask, initial=initial)
    if use.fields.flag("return_sequences"):
        first = _turned(use, first, "time_first")
    return [first, *others]


def _turned(use: Use, value: Value, part: str) -> Value:
    """Return a tensor with its first two axes exchanged."""
    spec = use.spec(value)
    op = Permute((1, 0, *range(2, spec.rank)))
    return Value(use.emit(op, [value], dtype=spec.dtype, part=part)[0])


def sequence_mask(use: Use, previous: Structure) -> list[TensorId | None]:
    """Return the previous mask for a sequence, none for a last output. Source: keras.layers.RNN.compute_mask."""
    return [use.as_mask(first_mask(previous))] if use.fields.flag("return_sequences") else []


ARGUMENTS = ("sequences", "initial_state", "mask", "training")
TABLE = {kind: Entry(_recurrent, ARGUMENTS, sequence_mask) for kind in ("RNN", "SimpleRNN")}
