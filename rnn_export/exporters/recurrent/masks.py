"""What Keras puts out under a mask, made from states that were kept at masked steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from onnx import TensorProto

from rnn_export.exporters.elements import carrier
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.lowering import Lowering
from rnn_export.network.dtypes import numpy_dtype

_END = 2**63 - 1


@dataclass
class Masked:
    """One mask as one direction sees it; what several calls need of it is written once.

    Args:
        low: the export.
        mask: (time, batch), bool.
        reverse: whether time runs backwards.
    """

    low: Lowering
    mask: str
    reverse: bool
    graph: Graph = field(init=False)

    def __post_init__(self) -> None:
        self.graph = self.low.graph

    def zero(self, dtype: str) -> str:
        """Return 0 in the carrier of ``dtype``."""
        return self.graph.constant(0, numpy_dtype(carrier(dtype)))

    def wide(self) -> str:
        """Return the mask (time, batch, 1)."""
        return self._once("wide", lambda: self._unsqueeze(self.mask, 2))

    def numbers(self) -> str:
        """Return the mask as 0 and 1, (time, batch), int32."""
        return self._once(
            "numbers", lambda: self.graph.add("Cast", [self.mask], to=TensorProto.INT32)
        )

    def lengths(self) -> str:
        """Return the number of valid steps of each row, (batch,), int32."""
        return self._once("lengths", lambda: self.graph.reduce("ReduceSum", self.numbers(), [0]))

    def any(self) -> str:
        """Return which rows have a valid step, (batch, 1), bool."""
        return self._once("any", lambda: self._unsqueeze(self._bool(self.lengths()), 1))

    def begun(self) -> str:
        """Return at which steps a valid one has been processed, (time, batch, 1), bool."""

        def make() -> str:
            counts = self.graph.add("CumSum", [self.numbers(), self.graph.constant(0)])
            if self.reverse:
                before = self.graph.add("Sub", [counts, self.numbers()])
                counts = self.graph.add("Sub", [self.lengths(), before])
            return self._unsqueeze(self._bool(counts), 2)

        return self._once(("begun", self.reverse), make)

    def at_end(self) -> str:
        """Return which rows are valid at the step processed last, (batch, 1), bool; none if there is no step."""

        def make() -> str:
            start, stop = ([0], [1]) if self.reverse else ([-1], [_END])
            bounds = [self.graph.constant(value) for value in (start, stop, [0])]
            end = self.graph.add("Slice", [self.numbers(), *bounds])
            return self._unsqueeze(self._bool(self.graph.reduce("ReduceSum", end, [0])), 1)

        return self._once(("end", self.reverse), make)

    def sequence(self, states: str, dtype: str, zero_output: bool, started: bool) -> str:
        """Return the outputs over time, (time, batch, units).

        Args:
            states: over time, kept at masked steps.
            dtype: of the call.
            zero_output: put out 0 at masked steps.
            started: there is an initial state, which is not put out before the first valid step.
        """
        if not zero_output and not started:
            return states
        where = self.wide() if zero_output else self.begun()
        return self.graph.add("Where", [where, states, self.zero(dtype)])

    def last(self, state: str, dtype: str, zero_output: bool, started: bool) -> str:
        """Return the output at the step processed last, (batch, units); see ``sequence``."""
        if not zero_output and not started:
            return state
        where = self.at_end() if zero_output else self.any()
        return self.graph.add("Where", [where, state, self.zero(dtype)])

    def _bool(self, value: str) -> str:
        return self.graph.add("Cast", [value], to=TensorProto.BOOL)

    def _unsqueeze(self, value: str, axis: int) -> str:
        return self.graph.add("Unsqueeze", [value, self.graph.constant([axis])])

    def _once(self, what: object, make: Callable[[], str]) -> str:
        return self.low.once((self.mask, what), make)
