"""The walk: call by call through the network, comparing whatever the runtime showed and going on from there.

Every tensor carries its float64 value and a bound on the runtime's distance from it. A tensor that was shown,
by a tap or as an output, is compared and then taken as it was shown, with no error left. So the local check
of a cell with taps and the global bound of a graph without are one mechanism, and a fault is found at the
first call that has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from rnn_export.builders.reference import evaluate
from rnn_export.builders.reference.feeds import bind
from rnn_export.builders.reference.rounding import is_floating
from rnn_export.network import Call, Network, TensorId
from rnn_export.network.ops import Recurrent
from rnn_export.verifier import tapped
from rnn_export.verifier.bounds.cell import Affine, Local
from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.bounds.precision import UNITS, Arithmetic, arithmetic
from rnn_export.verifier.bounds.rounding import Made, rounding
from rnn_export.verifier.comparing import Comparison, compare
from rnn_export.verifier.estimate import MEMBERS, Estimate, noisy, stacked, travelled, unstacked
from rnn_export.verifier.horizon import reach
from rnn_export.verifier.observation import CellReading
from rnn_export.verifier.order import Order, emit
from rnn_export.verifier.sampling import sample
from rnn_export.verifier.tapped import Case, Steps


@dataclass(frozen=True)
class Shown:
    """What there is to compare with.

    Args:
        outputs: port to array.
        cells: readings in the graph's order; none for a graph without taps.
        envelope: of the runtime.
        precision: an arithmetic coarser than the network's dtypes; "" for theirs.
        seed: of the sampled errors.
        leading_state: as for `emit`.
    """

    outputs: Mapping[str, np.ndarray]
    cells: tuple[CellReading, ...] = ()
    envelope: Envelope = field(default_factory=Envelope)
    precision: str = ""
    seed: int = 0
    leading_state: bool = False


@dataclass(frozen=True)
class Tread:
    """A cell that showed its states: kept for the regression and the diagnosis."""

    case: Case
    steps: Steps
    local: Local


@dataclass
class Trail:
    """What the walk found, in the order of running."""

    comparisons: list[Comparison] = field(default_factory=list)
    treads: list[Tread] = field(default_factory=list)
    exercised: dict[str, bool] = field(default_factory=dict)
    """Cell path to whether a state other than zero ever met its recurrent kernel."""
    time: int | None = None
    """Steps of the longest recurrent call; None without one."""


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
        self.rng = np.random.default_rng(shown.seed)
        self.known: dict[TensorId, Estimate] = {
            tensor: Estimate(values)
            for tensor, values in bind(network, feeds, np.dtype(np.float64)).items()
        }
        self.unread = list(shown.cells)
        self.last_use = {
            tensor: at for at, call in enumerate(network.calls) for tensor in call.reads
        }

    def go(self) -> Trail:
        for port in self.network.inputs:
            self._compare_ports(port.tensor, "input")
        for at, call in enumerate(self.network.calls):
            made = self._recurrent(call) if isinstance(call.op, Recurrent) else self._plain(call)
            for tensor, estimate in zip(call.outputs, made, strict=True):
                self.known[tensor] = estimate
                self._compare_ports(tensor, call.layer)
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
        made = self._shown_states(call, op, x, starts, order)
        if made is not None:
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
            self._note_exercise(path, run.before, order)
        return outputs

    def _shown_states(
        self, call: Call, op: Recurrent, x: Estimate, starts: list[Estimate], order: Order
    ) -> tuple[Estimate, ...] | None:
        """Check the cells by their readings; None where one is missing, and nothing is then used up."""
        below = processed(x, order)
        comparisons: list[Comparison] = []
        treads: list[Tread] = []
        used: list[CellReading] = []
        for path, cell, start in zip(cell_paths(call), op.cells, starts, strict=True):
            affine = Affine.of(cell, call.dtype)
            readings = [
                reading
                for reading in self._candidates(path, call, x)
                if tapped.fits(reading, affine.kernel)
                and all(reading is not other for other in used)
            ]
            if not readings:
                return None
            tried = []
            for reading in readings:
                case = Case(
                    path, call.dtype, affine, below, start, order, reading,
                    self._arithmetic(call), self.shown.envelope,
                )  # fmt: skip
                tried.append((case, *tapped.check(case)))
                if not any(found.failed for found in tried[-1][1]):
                    break
            # A hint is no evidence: another node of fitting sizes that does agree is the cell.
            agreeing = not any(found.failed for found in tried[-1][1])
            case, found, steps, local = tried[-1] if agreeing else tried[0]
            comparisons += found
            used.append(case.reading)
            if steps is None or local is None:
                break
            treads.append(Tread(case, steps, local))
            below = tapped.states(case, steps)
        self.unread = [item for item in self.unread if all(item is not other for other in used)]
        self.trail.comparisons += comparisons
        self.trail.treads += treads
        if len(treads) < len(op.cells):
            values = evaluate(
                call, [x.value], self._mask(call), [start.value for start in starts], np.float64
            )
            return tuple(Estimate(value) for value in values)
        for tread in treads:
            self._note_exercise(tread.case.path, tread.steps.before, order)
        return _emitted(op, treads, order, self.shown.leading_state)

    def _candidates(self, path: str, call: Call, x: Estimate) -> list[CellReading]:
        """Return readings that may be the cell's, the hinted one first, then in the graph's order."""
        own = self._from_output(call, x)
        if own is not None:
            return [own]
        return sorted(self.unread, key=lambda reading: reading.cell != path)

    def _from_output(self, call: Call, x: Estimate) -> CellReading | None:
        """Return a reading made of an output that is the cell's sequence, where the file has no taps."""
        op = call.op
        assert isinstance(op, Recurrent)
        if self.shown.cells or len(op.cells) > 1 or "sequence" not in op.emits or not x.exact:
            return None
        tensor = call.outputs[0]
        names = [port.name for port in self.network.outputs if port.tensor == tensor]
        if not names or names[0] not in self.shown.outputs:
            return None
        sequence = self.shown.outputs[names[0]]
        if sequence.shape != (*x.value.shape[:2], op.cells[0].units):
            return None
        mask = self._mask(call)
        straight = sequence[:, ::-1] if op.go_backwards and not op.time_order else sequence
        order = Order.of(x.value.shape[0], x.value.shape[1], mask, op.go_backwards)
        states = order.process(straight)
        if mask is None:
            return CellReading(f"output {names[0]!r}", states, cell=call.path)
        lengths = order.count.astype(np.int32)
        return CellReading(
            f"output {names[0]!r}", order.compact(states), lengths=lengths, cell=call.path
        )

    def _note_exercise(self, path: str, before: np.ndarray, order: Order) -> None:
        self.trail.exercised[path] = bool(np.any(before != 0))


def cell_paths(call: Call) -> tuple[str, ...]:
    """Return the paths of a recurrent call's cells."""
    op = call.op
    assert isinstance(op, Recurrent)
    if len(op.cells) == 1:
        return (call.path,)
    return tuple(f"{call.path}/{cell.name}" for cell in op.cells)


def processed(x: Estimate, order: Order) -> Estimate:
    """Return (batch, time, features) as (time, batch, features) in the order of processing."""
    bound = None if x.bound is None else order.process(x.bound)
    return Estimate(order.process(x.value), bound, hidden=x.hidden)


def _emitted(
    op: Recurrent, treads: list[Tread], order: Order, leading_state: bool
) -> tuple[Estimate, ...]:
    """Return the call's outputs from the states read: a selection of them."""
    known = [tapped.states(tread.case, tread.steps) for tread in treads]
    starts = [tapped.states_start(tread.case) for tread in treads]
    shown = partial(emit, op, order=order, leading_state=leading_state)
    values = shown([item.value for item in known], starts)
    if all(item.exact for item in known):
        return tuple(Estimate(value) for value in values)
    bounds = shown([item.error for item in known], [np.zeros_like(start) for start in starts])
    return tuple(
        Estimate(value, bound, np.broadcast_to(value, (MEMBERS, *value.shape)))
        for value, bound in zip(values, bounds, strict=True)
    )
