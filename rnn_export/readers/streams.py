"""States that outlive the call: each becomes an input and an output port of the network."""

from __future__ import annotations

from rnn_export.errors import ReadError
from rnn_export.network import Dim, Draft, Stream, TensorId


class Streams:
    """The states of the stateful layers of one model."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._begun: set[str] = set()
        self._kept: list[tuple[str, TensorId]] = []

    def begin(self, path: str, batch: Dim, units: int, dtype: str) -> TensorId:
        """Add the input port of a state.

        Raises:
            ReadError: the layer is called twice, and its state would depend on the order.
        """
        if path in self._begun:
            raise ReadError(
                f"layer {path!r}",
                expected="one call of a stateful layer",
                got="several",
                advice="Give each call a layer of its own.",
            )
        self._begun.add(path)
        return self._draft.input(f"{path}/h_in", (batch, units), dtype)

    def keep(self, path: str, tensor: TensorId) -> None:
        """Note a state at the end of the call."""
        self._kept.append((path, tensor))

    def finish(self) -> None:
        """Add the states' output ports, after the model's own."""
        for path, tensor in self._kept:
            self._draft.output(f"{path}/h_out", tensor)
            self._draft.stream(Stream(path, f"{path}/h_in", f"{path}/h_out"))
