"""A Scan node along axis 0: one state or several, streams that are read step by step, a body.

Source: ONNX Scan-11.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from onnx import ValueInfoProto, helper

from rnn_export.exporters.elements import number
from rnn_export.exporters.graph import Graph


class Stream(NamedTuple):
    """What goes into a Scan.

    Args:
        word: what it is called in the body.
        value: its name outside.
        dtype: its element type.
        width: the size of its last axis.
    """

    word: str
    value: str
    dtype: str
    width: int

    def inside(self, name: str) -> ValueInfoProto:
        """Return the declaration of one step of it, (batch, width), the batch without a name."""
        return helper.make_tensor_value_info(name, number(self.dtype), [None, self.width])


class State(NamedTuple):
    """What is carried from step to step.

    Args:
        start: what it starts from.
        sequence: whether it is put out after every step.
    """

    start: Stream
    sequence: bool


Step = Callable[[Graph, Sequence[str], Sequence[str]], Sequence[str]]
"""(body, states, one step of each stream) to the next states."""


def scan(
    graph: Graph, path: str, states: Sequence[State], streams: Sequence[Stream], step: Step
) -> list[tuple[str, str | None]]:
    """Write a Scan and return, for each state, the last one, and all of them over time or None.

    Args:
        graph: where it goes.
        path: the node's name.
        states: what is carried.
        streams: what is read step by step.
        step: what happens in a step.
    """
    body = graph.body()
    everything = [*(state.start for state in states), *streams]
    names = [body.name(f"{path}/{item.word}") for item in everything]
    made = step(body, names[: len(states)], names[len(states) :])
    shown = [k for k, state in enumerate(states) if state.sequence]
    outputs = [(k, made[k]) for k in range(len(states))]
    outputs += [(k, body.add("Identity", [made[k]])) for k in shown]
    inner = helper.make_graph(
        body.nodes,
        "body",
        [item.inside(name) for item, name in zip(everything, names, strict=True)],
        [states[k].start.inside(name) for k, name in outputs],
    )
    found = graph.node(
        "Scan",
        [item.value for item in everything],
        (*("h" for _ in states), *("Y" for _ in shown)),
        path=path,
        body=inner,
        num_scan_inputs=len(streams),
    )
    sequences = dict(zip(shown, found[len(states) :], strict=True))
    return [(last, sequences.get(k)) for k, last in enumerate(found[: len(states)])]
