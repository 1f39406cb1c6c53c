"""Follows a network call by call in another array language: the part that torch and JAX have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rnn_export.network import Call, Network
from rnn_export.network.ops import Concatenate, Dense, Embedding, Recurrent
from rnn_export.runtimes.contract import Slot
from rnn_export.runtimes.failures import Refused


class Language(Protocol):
    """What a product needs to say to run plain recurrent networks; arrays are its own."""

    def lookup(self, call: Call, op: Embedding, tokens: Any) -> Any:
        """Return the rows of the table."""
        ...

    def dense(self, call: Call, op: Dense, x: Any) -> Any:
        """Return act(x kernel + bias)."""
        ...

    def recur(self, call: Call, op: Recurrent, x: Any) -> tuple[Any, list[Any]]:
        """Return the sequence in the order that the call states, and the last state of each cell, from zeros."""
        ...

    def join(self, op: Concatenate, arrays: Sequence[Any]) -> Any:
        """Return the arrays, one after the other on the op's axis."""
        ...


def follow(network: Network, feeds: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """Return the outputs by port name.

    Args:
        network: one that `check` lets pass.
        feeds: inputs by port name, arrays of the product.
        language: the product.
    """
    known = {port.tensor: feeds[port.name] for port in network.inputs}
    for call in network.calls:
        arrays = [known[tensor] for tensor in call.inputs]
        known.update(zip(call.outputs, _outputs(call, arrays, language), strict=True))
    return {port.name: known[port.tensor] for port in network.outputs}


def check(network: Network, runtime: str, activations: Sequence[str]) -> None:
    """Refuse a network that `follow` cannot run.

    Args:
        network: to be run.
        runtime: by which name it is refused.
        activations: that the product has.

    Raises:
        Refused: naming the first call with something else than embeddings, recurrent and dense layers and
            concatenations, or with a mask, an initial state, another dtype or activation.
    """
    for call in network.calls:
        why = _obstacle(call, activations)
        if why:
            raise Refused(
                f"runtime {runtime}",
                expected="plain float32 layers: Embedding, SimpleRNN, Dense, Bidirectional",
                got=f"{call.path} with {why}",
                advice="Leave this peer out.",
            )


def slots(network: Network) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    """Return a network's inputs and outputs as a session states them."""

    def described(ports: Sequence[Any]) -> tuple[Slot, ...]:
        return tuple(
            Slot(port.name, network.spec(port.tensor).dtype, network.spec(port.tensor).shape)
            for port in ports
        )

    return described(network.inputs), described(network.outputs)


def _outputs(call: Call, arrays: list[Any], language: Language) -> list[Any]:
    op = call.op
    if isinstance(op, Embedding):
        return [language.lookup(call, op, arrays[0])]
    if isinstance(op, Dense):
        return [language.dense(call, op, arrays[0])]
    if isinstance(op, Concatenate):
        return [language.join(op, arrays)]
    if not isinstance(op, Recurrent):
        raise TypeError(f"expected a network that was checked, got {op!r}")
    sequence, states = language.recur(call, op, arrays[0])
    made: list[Any] = []
    for emit in op.emits:
        made += {"sequence": [sequence], "output": [states[-1]], "state": states}[emit]
    return made


def _obstacle(call: Call, activations: Sequence[str]) -> str:
    op = call.op
    if call.dtype != "float32" and not isinstance(op, Concatenate):
        return f"dtype {call.dtype}"
    if call.mask is not None or call.initial:
        return "a mask" if call.mask is not None else "an initial state"
    used: list[str] = []
    if isinstance(op, Recurrent):
        used = [cell.activation.name for cell in op.cells]
    elif isinstance(op, Dense):
        used = [op.activation.name]
    elif not isinstance(op, (Embedding, Concatenate)):
        return type(op).__name__
    known = (
        activations if isinstance(op, Recurrent) else (*activations, "linear", "sigmoid", "softmax")
    )
    return next((f"activation {name}" for name in used if name not in known), "")
