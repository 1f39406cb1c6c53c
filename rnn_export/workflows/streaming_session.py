"""A streaming file as a session: it keeps the states from one chunk to the next, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from rnn_export.errors import ReadError, RuntimeRefused
from rnn_export.exporters.writing import STREAMS
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.runtimes import OnnxFile, Options, connect
from rnn_export.runtimes.closing import Closing
from rnn_export.runtimes.contract import Session, Slot
from rnn_export.runtimes.onnxruntime import cpu
from rnn_export.runtimes.probed import probed
from rnn_export.workflows.onnx_input import open_onnx

STATE_IN, STATE_OUT = "/h_in", "/h_out"


class StreamingSession(Closing):
    """Feeds chunks of sequences to a streaming file, and carries every layer's state between them.

    Each row of the batch is a stream of its own; `reset` begins some of them, or all, anew. A session serves one
    caller at a time.

    Args:
        file: exported with ``--streaming``, or from a model with stateful layers.
        runtime: the name of one that runs ONNX files, in a worker process; None for onnxruntime's CPU provider
            in this very process, without a pipe between.
        options: of the runtime.

    Raises:
        ReadError: not an ONNX file, or one that carries no states.
        RuntimeUnavailable, RuntimeRefused: the runtime is not there, or does not take the file.
    """

    def __init__(
        self,
        file: str | Path,
        *,
        runtime: str | None = None,
        options: Options | None = None,
    ) -> None:
        self._file = str(file)
        pairs = _pairs(Path(file))
        options = options or Options()
        self._connection = None if runtime is None else connect(runtime, options)
        model = OnnxFile(Path(file))
        if self._connection is None:
            probed(cpu.name, cpu)
        self._session: Session = (
            cpu.open(model, options) if self._connection is None else self._connection.open(model)
        )
        self._pairs = pairs
        self._slots = {slot.name: slot for slot in self._session.inputs}
        self._states: dict[str, np.ndarray] = {}
        self.inputs: tuple[Slot, ...] = tuple(
            slot for slot in self._session.inputs if slot.name not in pairs
        )
        """What `run` takes: name, dtype, shape."""
        kept = set(pairs.values())
        self.outputs: tuple[Slot, ...] = tuple(
            slot for slot in self._session.outputs if slot.name not in kept
        )
        """What `run` gives."""

    @property
    def states(self) -> dict[str, np.ndarray]:
        """Every state by the name of its input, (rows, units); empty before the first chunk.

        A copy: to be kept, and given back with `restore`.
        """
        return {name: state.copy() for name, state in self._states.items()}

    def run(self, feeds: Mapping[str, np.ndarray] | np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs for the next chunk.

        Args:
            feeds: input name to array, (rows, steps, ...) for a sequence, in the input's own dtype; the array
                alone where there is one input. A state that is given too takes the place of the one carried.

        Returns:
            Output name to array; what shows a last step shows that of the chunk.

        Raises:
            RuntimeRefused: names, dtypes or shapes that do not fit, no steps, or another number of rows than before.
        """
        given = {self.inputs[0].name: feeds} if isinstance(feeds, np.ndarray) else dict(feeds)
        self._check(given)
        rows = next(iter(given.values())).shape[0]
        known = {name: given.get(name, state) for name, state in self._states.items()}
        zeros = {
            name: self._zeros(name, rows) for name in self._pairs if name not in (known | given)
        }
        found = self._session.run({**zeros, **known, **given})
        self._states = {name: found.pop(output) for name, output in self._pairs.items()}
        return found

    def reset(self, rows: Iterable[int] | None = None) -> None:
        """Begin anew, from zeros.

        Args:
            rows: of the batch; None for all, whose number may then be another.

        Raises:
            RuntimeRefused: a row that is not there.
        """
        if rows is None:
            self._states = {}
            return
        chosen = list(rows)
        count = self._rows()
        wrong = [row for row in chosen if not 0 <= row < count]
        if wrong:
            raise RuntimeRefused(
                self._file,
                expected=f"rows from 0 to {count - 1}"
                if count
                else "a chunk before rows are reset",
                got=f"row {wrong[0]}",
                advice="Rows are counted as in the batch that is fed.",
            )
        # Not in place: what a runtime hands out may be its own memory.
        self._states = self.states
        for state in self._states.values():
            state[chosen] = 0

    def restore(self, states: Mapping[str, np.ndarray]) -> None:
        """Go on from states that `states` gave, of this session or of another on the same file.

        Raises:
            RuntimeRefused: names, dtypes or shapes that do not fit.
        """
        if set(states) != set(self._pairs):
            raise RuntimeRefused(
                self._file, expected=f"the states {_named(self._pairs)}", got=_named(states)
            )
        for name, state in states.items():
            self._fits(self._slots[name], state)
        if len({state.shape[0] for state in states.values()}) > 1:
            raise RuntimeRefused(
                self._file, expected="states of one number of rows", got="several numbers"
            )
        self._states = {name: state.copy() for name, state in states.items()}

    def close(self) -> None:
        """Let go of the model, and end the worker if there is one."""
        self._session.close()
        if self._connection is not None:
            self._connection.close()

    def _rows(self) -> int:
        return next((state.shape[0] for state in self._states.values()), 0)

    def _zeros(self, name: str, rows: int) -> np.ndarray:
        slot = self._slots[name]
        units = slot.shape[-1] if slot.shape else None
        if not isinstance(units, int) or slot.dtype is None:
            raise RuntimeRefused(
                self._file,
                expected="a runtime that tells the size and dtype of each state",
                got=f"neither for {name!r}",
                advice="Feed the first states yourself.",
            )
        return np.zeros((rows, units), numpy_dtype(slot.dtype))

    def _check(self, given: Mapping[str, np.ndarray]) -> None:
        """Raise RuntimeRefused unless the feeds fit the inputs, each other and the rows before."""
        wanted = [slot.name for slot in self.inputs]
        if not set(wanted) <= set(given) <= set(self._slots):
            raise RuntimeRefused(
                self._file,
                expected=f"the inputs {_named(wanted)}",
                got=_named(given),
                advice="Feed every input by its name; the states are carried for you.",
            )
        for name, array in given.items():
            self._fits(self._slots[name], array)
        counts = {array.shape[0] for array in given.values()}
        before = {self._rows()} - {0}
        if len(counts | before) > 1:
            raise RuntimeRefused(
                self._file,
                expected=f"{before.pop()} rows, as before" if before else "one number of rows",
                got=" and ".join(str(count) for count in sorted(counts)),
                advice="Keep each stream in its row; reset() all of them to change their number.",
            )

    def _fits(self, slot: Slot, array: np.ndarray) -> None:
        subject = f"{self._file}: input {slot.name!r}"
        if not isinstance(array, np.ndarray):
            raise RuntimeRefused(subject, expected="a NumPy array", got=type(array).__name__)
        if slot.dtype is not None and array.dtype.name != slot.dtype:
            raise RuntimeRefused(
                subject,
                expected=f"dtype {slot.dtype}",
                got=array.dtype.name,
                advice="Nothing is converted on the way.",
            )
        if slot.shape is None:
            return
        fits = len(slot.shape) == array.ndim and all(
            not isinstance(dim, int) or dim == size
            for dim, size in zip(slot.shape, array.shape, strict=True)
        )
        if not fits:
            raise RuntimeRefused(
                subject,
                expected=f"shape ({', '.join(str(dim) for dim in slot.shape)})",
                got=str(array.shape),
            )
        if not array.size:
            raise RuntimeRefused(
                subject, expected="at least one row and one step", got=f"shape {array.shape}"
            )


def _pairs(file: Path) -> dict[str, str]:
    """Return each state's input and output, as the file says, or as they are named.

    Raises:
        ReadError: there are none.
    """
    model = open_onnx(file).model
    inputs = [port.name for port in model.graph.input]
    outputs = {port.name for port in model.graph.output}
    held = {item.key: item.value for item in model.metadata_props}
    # Files of older versions say nothing.
    pairs = _stated(held.get(STREAMS, "{}")) or {
        name: name.removesuffix(STATE_IN) + STATE_OUT for name in inputs if name.endswith(STATE_IN)
    }
    if not pairs or not set(pairs) <= set(inputs) or not set(pairs.values()) <= outputs:
        raise ReadError(
            str(file),
            expected=f"states that go in and come out (NAME{STATE_IN}, NAME{STATE_OUT})",
            got=f"the inputs {_named(inputs)} and the outputs {_named(outputs)}",
            advice="Export it with --streaming, or from a model with stateful=True.",
        )
    return pairs


def _stated(text: str) -> dict[str, str]:
    """Return the pairs that a file states; what is no such statement is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: output for name, output in found.items() if isinstance(output, str)}


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
