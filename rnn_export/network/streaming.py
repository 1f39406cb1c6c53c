"""The streaming version of a network: every recurrent state comes in and goes out, so that chunks equal one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnn_export.errors import NetworkError
from rnn_export.network.call import Call
from rnn_export.network.chunking import Chunks
from rnn_export.network.draft import Draft
from rnn_export.network.network import Network, Stream
from rnn_export.network.ops import Recurrent
from rnn_export.network.pruning import pruned
from rnn_export.network.tensor import TensorId


def streaming(network: Network) -> Network:
    """Return the network with the states of all recurrent calls as ports ``<layer>/h_in`` and ``<layer>/h_out``.

    Fed with the sequence in chunks of any sizes, states from one run to the next and zeros at first, it gives
    what the network gives in one pass. States that are ports already, as stateful layers have them, stay.

    Args:
        network: unidirectional; any other layer must treat each time step by itself.

    Raises:
        NetworkError: a layer that needs the future or the whole sequence, named.
    """
    return _Streaming(network).made()


class _Streaming:
    """Writes the network anew, call by call."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._chunks = Chunks(network)
        self._draft = Draft()
        self._made: dict[TensorId, TensorId] = {}
        self._inputs = {port.tensor: port.name for port in network.inputs}
        self._carried = {stream.input for stream in network.streams}
        self._kept: list[tuple[str, str, TensorId]] = []

    def made(self) -> Network:
        network, draft = self._network, self._draft
        for port in network.inputs:
            spec = network.spec(port.tensor)
            self._made[port.tensor] = draft.input(port.name, spec.shape, spec.dtype)
        for call in network.calls:
            self._chunks.follow(call)
            if isinstance(call.op, Recurrent) and not self._carries(call):
                self._recurrent(call, call.op)
            else:
                outputs = self._again(call, call.op, [self._made[state] for state in call.initial])
                self._made.update(zip(call.outputs, outputs, strict=True))
        for port in network.outputs:
            draft.output(port.name, self._made[port.tensor])
        for stream in network.streams:
            draft.stream(stream)
        for path, name, tensor in self._kept:
            draft.output(f"{path}/h_out", tensor)
            draft.stream(Stream(path, name, f"{path}/h_out"))
        return pruned(draft.finish(network.source))

    def _carries(self, call: Call) -> bool:
        """Tell whether the call's states are carried already."""
        names = [self._inputs.get(state) for state in call.initial]
        return bool(names) and all(name in self._carried for name in names)

    def _again(self, call: Call, op: object, initial: list[TensorId]) -> tuple[TensorId, ...]:
        return self._draft.call(
            call.layer,
            op,  # type: ignore[arg-type]
            [self._made[tensor] for tensor in call.inputs],
            dtype=call.dtype,
            mask=None if call.mask is None else self._made[call.mask],
            initial=initial,
            hints=dict(call.hints),
        )

    def _recurrent(self, call: Call, op: Recurrent) -> None:
        if call.path != f"{call.layer}#0" or any(
            other.path == f"{call.layer}#1" for other in self._network.calls
        ):
            raise NetworkError(
                f"layer {call.layer!r}",
                expected="one call of a layer that carries a state",
                got="several",
                advice="Give each call a layer of its own.",
            )
        paths = [f"{call.layer}/{cell.name}" if cell.name else call.layer for cell in op.cells]
        names = self._state_inputs(call, op, paths)
        emits = op.emits if "state" in op.emits else (*op.emits, "state")
        outputs = self._again(call, replace(op, emits=emits), list(names.values()))
        states = outputs[-len(op.cells) :]
        self._made.update(zip(call.outputs, outputs, strict=False))
        if call.mask is not None and not op.zero_output_for_mask and "output" in op.emits:
            # A chunk without a valid step puts out 0; one pass repeats the last valid output, which is the state.
            self._made[call.outputs[op.emits.index("output")]] = states[-1]
        self._kept += zip(paths, names, states, strict=True)

    def _state_inputs(self, call: Call, op: Recurrent, paths: list[str]) -> Mapping[str, TensorId]:
        """Return the input port of each state, by name; an initial state that is an input already serves as one."""
        if call.initial:
            names = [self._inputs.get(state) for state in call.initial]
            if None in names:
                raise NetworkError(
                    f"layer {call.layer!r}",
                    expected="an initial state that is zero, or an input of the model",
                    got="one that other layers compute",
                    advice="Stream the part that computes it and this part as two models.",
                )
            return {
                str(name): self._made[state]
                for name, state in zip(names, call.initial, strict=True)
            }
        batch = self._network.spec(call.inputs[0]).shape[0]
        return {
            f"{path}/h_in": self._draft.input(f"{path}/h_in", (batch, cell.units), call.dtype)
            for path, cell in zip(paths, op.cells, strict=True)
        }
