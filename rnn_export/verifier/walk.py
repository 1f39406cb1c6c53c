"""The walk: call by call through the network, comparing whatever the runtime showed and going on from there.

Every tensor carries its float64 value and a bound on the runtime's distance from it. A tensor that was shown,
by a tap or as an output, is compared and then taken as it was shown, with no error left. So the local check
of a cell with taps and the global bound of a graph without are one mechanism, and a fault is found at the
first call that has it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnn_export.builders.reference import evaluate
from rnn_export.builders.reference.feeds import bind
from rnn_export.network import Call, Network, TensorId, op_weights
from rnn_export.network.dtypes import is_floating
from rnn_export.network.ops import Dense, Recurrent
from rnn_export.verifier.bounds.cell import Affine, Local
from rnn_export.verifier.bounds.precision import FLOORS, UNITS, Arithmetic, arithmetic
from rnn_export.verifier.bounds.rounding import Made, rounding
from rnn_export.verifier.comparing import compare
from rnn_export.verifier.estimate import MEMBERS, Estimate, noisy, stacked, travelled, unstacked
from rnn_export.verifier.horizon import reach
from rnn_export.verifier.order import Order
from rnn_export.verifier.recurring import Recurring, cell_paths
from rnn_export.verifier.sampling import sample
from rnn_export.verifier.trail import Shown, Trail, Tread

__all__ = ["Shown", "Trail", "Tread", "cell_paths", "walk"]


def walk(network: Network, feeds: Mapping[str, np.ndarray], shown: Shown) -> Trail:
    """Return every comparison that ``shown`` allows.

    Raises:
        NetworkError: feeds that do not fit the network.
    """
    return _Walk(network, feeds, shown).go()


class _Walk:
    def __init__(self, network: Network, feeds: Mapping[str, np.ndarray], shown: Shown) -> None:
        self.network = network
        self.shown = shown
        self.trail = Trail()
        self.hidden: set[str] = set()
        self.rng = np.random.default_rng(shown.seed)
        self.known: dict[TensorId, Estimate] = {
            tensor: self._taken(values, network.spec(tensor).dtype)
            for tensor, values in bind(network, feeds, np.dtype(np.float64)).items()
        }
        self.recurring = Recurring(network, shown, self.trail, self.rng)
        self.makers = {tensor: call for call in network.calls for tensor in call.outputs}
        self.last_use = {
            tensor: at for at, call in enumerate(network.calls) for tensor in call.reads
        }

    def _taken(self, values: np.ndarray, dtype: str) -> Estimate:
        """Return an input as the runtime takes it: rounded, if its arithmetic is coarser than the dtype."""
        unit = UNITS.get(self.shown.precision, 0.0)
        if not is_floating(dtype) or unit <= UNITS.get(dtype, 0.0):
            return Estimate(values)
        bound = unit * np.abs(values) + FLOORS.get(self.shown.precision, 0.0)
        return Estimate(values, bound, noisy(values, bound / 2, self.rng))

    def go(self) -> Trail:
        for port in self.network.inputs:
            self._compare_ports(port.tensor, "input")
        for at, call in enumerate(self.network.calls):
            made = self._recurrent(call) if isinstance(call.op, Recurrent) else self._plain(call)
            for tensor, estimate in zip(call.outputs, made, strict=True):
                self.known[tensor] = estimate
                self._compare_ports(tensor, self._culprit(tensor) or call.layer)
            for tensor in call.reads:
                if self.last_use[tensor] == at:
                    self.known.pop(tensor, None)
        return self.trail

    def _compare_ports(self, tensor: TensorId, layer: str) -> None:
        """Compare a tensor with every output that shows it, and go on from what was shown."""
        spec = self.network.spec(tensor)
        for port in self.network.outputs:
            if port.tensor != tensor or port.name not in self.shown.outputs:
                continue
            estimate, array = self.known[tensor], self.shown.outputs[port.name]
            among, steps = reach(estimate, spec.dtype)
            found = compare(
                f"output {port.name!r}",
                layer,
                array,
                estimate.value,
                estimate.bound,
                dtype=spec.dtype,
                model=estimate.model,
                axes=(0, 1 if spec.rank > 2 else None),
                among=among,
            )
            self.trail.comparisons.append(found if found.reason else found.reaching(steps))
            if array.shape == estimate.value.shape:
                wide = array.astype(np.float64) if is_floating(spec.dtype) else array
                self.known[tensor] = Estimate(wide)

    def _arithmetic(self, call: Call) -> Arithmetic:
        return arithmetic(call.dtype, self.shown.precision)

    def _mask(self, call: Call) -> np.ndarray | None:
        return None if call.mask is None else self.known[call.mask].value

    def _plain(self, call: Call) -> tuple[Estimate, ...]:
        """Evaluate a call that has no memory: exact in, at most its own rounding out."""
        inputs = [self.known[tensor] for tensor in call.inputs]
        mask = self._mask(call)
        values = evaluate(call, [item.value for item in inputs], mask, (), np.float64)
        spec = self.network.spec(call.outputs[0])
        if not is_floating(spec.dtype):
            return tuple(Estimate(value) for value in values)
        before = min(UNITS.get(self.network.spec(tensor).dtype, 0.0) for tensor in call.inputs)
        made = Made(
            call,
            tuple(item.value for item in inputs),
            values[0],
            self._arithmetic(call),
            self.shown.envelope,
            mask,
            narrows=UNITS.get(spec.dtype, 0.0) > before,
        )
        own = rounding(call.op, made)
        if isinstance(call.op, Dense) and all(item.exact for item in inputs):
            affine = Affine.of(call.op, call.dtype)
            local = Local(affine, inputs[0].value, None, made.arithmetic, made.envelope)
            self.trail.mixed[call.outputs[0]] = (call, local)
        sampled = any(item.members is not None for item in inputs)
        hidden = any(item.hidden for item in inputs)
        if own is None and not sampled:
            return (Estimate(values[0]),)
        bound = np.zeros(values[0].shape) if own is None else own
        members = np.broadcast_to(values[0], (MEMBERS, *values[0].shape))
        if sampled:
            wide = None if mask is None else np.concatenate([mask] * MEMBERS)
            (moved,) = evaluate(call, [stacked(item) for item in inputs], wide, (), np.float64)
            members = unstacked(moved)
            bound = bound + travelled(members, values[0])
        if own is not None:
            members = noisy(members, own / 3, self.rng)
        return (Estimate(values[0], bound, members, hidden),)

    def _recurrent(self, call: Call) -> tuple[Estimate, ...]:
        op = call.op
        assert isinstance(op, Recurrent)
        x = self.known[call.inputs[0]]
        batch, time = x.value.shape[:2]
        self.trail.time = max(time, self.trail.time or 0)
        order = Order.of(batch, time, self._mask(call), op.go_backwards)
        starts = [self.known[tensor] for tensor in call.initial] or [
            Estimate(np.zeros((batch, cell.units))) for cell in op.cells
        ]
        fed_by = self._culprit(call.inputs[0])
        made = self.recurring.outputs(call, x, starts, order, self._arithmetic(call), fed_by)
        if made is not None:
            if self.recurring.seen_input is not None:
                # Whoever else reads this tensor reads what the node read.
                self.known[call.inputs[0]] = Estimate(self.recurring.seen_input)
            return made
        runs, outputs = sample(
            call,
            x,
            starts,
            order,
            self._arithmetic(call),
            self.shown.envelope,
            self.rng,
            leading_state=self.shown.leading_state,
        )
        for path, run in zip(cell_paths(call), runs, strict=True):
            self.trail.exercised[path] = bool(np.any(run.before != 0))
            self.hidden.add(call.path)
        return outputs

    def _culprit(self, tensor: TensorId) -> str:
        """Return the layer to suspect where a tensor is wrong: the nearest with weights that nobody watched.

        Empty where all that the tensor is made of was watched.
        """
        call = self.makers.get(tensor)
        if call is None:
            return ""
        if isinstance(call.op, Recurrent):
            return call.layer if call.path in self.hidden else ""
        if any(True for _ in op_weights(call.op, call.layer)):
            return call.layer
        found = [self._culprit(item) for item in call.inputs]
        return next((layer for layer in found if layer), call.layer)
