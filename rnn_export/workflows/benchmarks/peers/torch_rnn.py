"""torch.nn.RNN on the CPU, as it is and through torch.compile.

A stack of alike layers is one module with several layers, as its users write it.

Source: torch.nn.RNN, torch.compile
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rnn_export.network import Call, Network
from rnn_export.network.ops import Cell, Concatenate, Dense, Embedding, Recurrent
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
from rnn_export.workflows.benchmarks.peers.merging import alike, merged

ACTIVATIONS = ("tanh", "relu")


@dataclass(frozen=True)
class Torch:
    """torch in one way of calling it."""

    name: str
    compiled: bool
    accepts: tuple[Kind, ...] = ("network",)
    precisions: tuple[str, ...] = ("float32",)
    install: str = "pip install 'rnn-export[torch]'"

    def probe(self) -> Available | Unavailable:
        try:
            product = importlib.import_module("torch")
        except ImportError as error:
            return Unavailable(str(error), self.install)
        return Available(product.__version__)

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, Network):
            raise TypeError(f"expected a Network, got {model!r}")
        threads.check(self.name, options)
        check(model, self.name, ACTIVATIONS)
        torch = importlib.import_module("torch")
        torch.set_num_threads(options.threads)
        # float32 throughout: neither TF32 nor bfloat16 inside a product.
        torch.set_float32_matmul_precision("highest")
        return TorchSession(self, torch, model)


class TorchSession:
    """A network as torch modules, run without gradients."""

    def __init__(self, runtime: Torch, torch: Any, network: Network) -> None:
        self._torch = torch
        self.inputs, self.outputs = slots(network)
        self.facts = RunFacts(runtime.name, torch.__version__, "float32", details={"device": "cpu"})
        chained = merged(network)
        language = _Modules(torch, chained)

        def run(feeds: dict[str, Any]) -> dict[str, Any]:
            return follow(chained, feeds, language)

        self._run: Callable[[dict[str, Any]], dict[str, Any]] = (
            torch.compile(run) if runtime.compiled else run
        )

    def run(self, feeds: Feeds) -> Results:
        arrays = {name: self._torch.from_numpy(array) for name, array in feeds.items()}
        with self._torch.inference_mode():
            results = self._run(arrays)
        return {name: array.numpy() for name, array in results.items()}

    def close(self) -> None:
        self._torch = None


class _Modules:
    """One module for each call."""

    def __init__(self, torch: Any, network: Network) -> None:
        self._torch = torch
        self._made: dict[str, Any] = {}
        for call in network.calls:
            if isinstance(call.op, Recurrent):
                self._made[call.path] = [self._rnn(cells) for cells in alike(call.op.cells)]
            elif isinstance(call.op, Dense):
                self._made[call.path] = self._linear(call.op)
            elif isinstance(call.op, Embedding):
                table = torch.from_numpy(call.op.table.read())
                self._made[call.path] = torch.nn.Embedding.from_pretrained(table)

    def lookup(self, call: Call, op: Embedding, tokens: Any) -> Any:
        return self._made[call.path](tokens)

    def dense(self, call: Call, op: Dense, x: Any) -> Any:
        y = self._made[call.path](x)
        match op.activation.name:
            case "linear":
                return y
            case "softmax":
                return self._torch.softmax(y, -1)
            case name:
                return getattr(self._torch, name)(y)

    def recur(self, call: Call, op: Recurrent, x: Any) -> tuple[Any, list[Any]]:
        sequence, states = x.flip(1) if op.go_backwards else x, []
        for module in self._made[call.path]:
            sequence, last = module(sequence)
            states += last.unbind(0)
        if op.go_backwards and op.time_order:
            sequence = sequence.flip(1)
        return sequence, states

    def join(self, op: Concatenate, arrays: Sequence[Any]) -> Any:
        return self._torch.cat(list(arrays), op.axis)

    def _rnn(self, cells: Sequence[Cell]) -> Any:
        first = cells[0]
        made = self._torch.nn.RNN(
            first.features,
            first.units,
            num_layers=len(cells),
            nonlinearity=first.activation.name,
            bias=first.bias is not None,
            batch_first=True,
        )
        values = {}
        for number, cell in enumerate(cells):
            values[f"weight_ih_l{number}"] = cell.kernel.read().T
            values[f"weight_hh_l{number}"] = cell.recurrent_kernel.read().T
            if cell.bias is not None:
                values[f"bias_ih_l{number}"] = cell.bias.read()
        self._fill(made, values)
        return made.eval()

    def _linear(self, op: Dense) -> Any:
        made = self._torch.nn.Linear(*op.kernel.shape, bias=op.bias is not None)
        values = {"weight": op.kernel.read().T}
        if op.bias is not None:
            values["bias"] = op.bias.read()
        self._fill(made, values)
        return made.eval()

    def _fill(self, module: Any, values: dict[str, Any]) -> None:
        """Set a module's parameters; those without a value, such as torch's second bias, become 0."""
        with self._torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.zero_()
                if name in values:
                    parameter.copy_(self._torch.from_numpy(values[name].copy()))


eager = Torch("torch:eager", compiled=False)
compiled = Torch("torch:compiled", compiled=True)
