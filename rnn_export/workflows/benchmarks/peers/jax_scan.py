"""JAX on the CPU: lax.scan over the steps under jit, with the product with the input done for all steps at once.

Source: jax.lax.scan, jax.jit
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnn_export.network import Call, Network
from rnn_export.network.ops import Concatenate, Dense, Embedding, Recurrent
from rnn_export.runtimes import threads
from rnn_export.runtimes.contract import (
    Available,
    Feeds,
    Kind,
    Model,
    Options,
    Results,
    RunFacts,
    Session,
    Unavailable,
)
from rnn_export.workflows.benchmarks.peers.following import check, follow, slots

ACTIVATIONS = ("tanh", "relu", "sigmoid", "softsign", "silu", "linear")


@dataclass(frozen=True)
class Jax:
    """JAX on the CPU."""

    name: str = "jax:scan"
    accepts: tuple[Kind, ...] = ("network",)
    precisions: tuple[str, ...] = ("float32",)
    install: str = "pip install 'rnn-export[jax]'"

    def probe(self) -> Available | Unavailable:
        # Read once, on import.
        os.environ["JAX_PLATFORMS"] = "cpu"
        os.environ["NPROC"] = os.environ.get(threads.VARIABLE, "1")  # of XLA's thread pool
        try:
            product = importlib.import_module("jax")
        except ImportError as error:
            return Unavailable(str(error), self.install)
        return Available(product.__version__)

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, Network):
            raise TypeError(f"expected a Network, got {model!r}")
        threads.check(self.name, options)
        check(model, self.name, ACTIVATIONS)
        return JaxSession(self.name, importlib.import_module("jax"), model)


class JaxSession:
    """A network under jit; compiled anew for each shape, as JAX does."""

    def __init__(self, name: str, jax: Any, network: Network) -> None:
        self._jax = jax
        self.inputs, self.outputs = slots(network)
        self.facts = RunFacts(name, jax.__version__, "float32", details={"device": "cpu"})
        language = _Scans(jax, network)
        self._run = jax.jit(lambda feeds: follow(network, feeds, language))

    def run(self, feeds: Feeds) -> Results:
        results = self._run(dict(feeds))
        # Asking for the values waits for them: JAX returns before it has computed.
        return {name: self._jax.device_get(array) for name, array in results.items()}

    def close(self) -> None:
        self._run = None


class _Scans:
    """The calls in JAX; weights are constants of the compiled program."""

    def __init__(self, jax: Any, network: Network) -> None:
        self._jax = jax
        self._np = importlib.import_module("jax.numpy")

    def lookup(self, call: Call, op: Embedding, tokens: Any) -> Any:
        return self._np.asarray(op.table.read())[tokens]

    def dense(self, call: Call, op: Dense, x: Any) -> Any:
        y = x @ op.kernel.read()
        if op.bias is not None:
            y = y + op.bias.read()
        return self._act(op.activation.name, y)

    def recur(self, call: Call, op: Recurrent, x: Any) -> tuple[Any, list[Any]]:
        sequence = self._np.swapaxes(x, 0, 1)
        if op.go_backwards:
            sequence = sequence[::-1]
        states = []
        for cell in op.cells:
            projected = sequence @ cell.kernel.read()
            if cell.bias is not None:
                projected = projected + cell.bias.read()
            recurrent, name = cell.recurrent_kernel.read(), cell.activation.name

            def step(h: Any, z: Any, recurrent: Any = recurrent, name: str = name) -> Any:
                h = self._act(name, h @ recurrent + z)
                return h, h

            zero = self._np.zeros(projected.shape[1:], projected.dtype)
            last, sequence = self._jax.lax.scan(step, zero, projected)
            states.append(last)
        if op.go_backwards and op.time_order:
            sequence = sequence[::-1]
        return self._np.swapaxes(sequence, 0, 1), states

    def join(self, op: Concatenate, arrays: Sequence[Any]) -> Any:
        return self._np.concatenate(list(arrays), op.axis)

    def _act(self, name: str, x: Any) -> Any:
        match name:
            case "linear":
                return x
            case "tanh":
                return self._np.tanh(x)
            case "softsign":
                return self._jax.nn.soft_sign(x)
            case _:
                return getattr(self._jax.nn, name)(x)


scan = Jax()
