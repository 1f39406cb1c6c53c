"""Networks whose numbers are all exact in float32, so that a graph is right to the last bit or wrong.

Weights and inputs are halves, recurrent matrices pick and halve units, activations only cut or halve:
every sum is a small multiple of a power of two, whatever the order of its terms. What can still outgrow 24
bits after several layers is recognised by `exact` and left out of the comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnxruntime

from rnn_export.network import (
    Activation,
    ArrayWeight,
    Draft,
    Network,
    Source,
    TensorId,
    activation,
)
from rnn_export.network.ops import (
    Activate,
    Cell,
    Concatenate,
    Dense,
    Embedding,
    Flip,
    Merge,
    Pool,
    Recurrent,
    TokenMask,
)

Arrays = Mapping[str, np.ndarray]

ACTIVATIONS = (
    activation("relu"),
    activation("linear"),
    activation("hard_tanh"),
    activation("relu6"),
    activation("relu", max_value=2.0),
    activation("leaky_relu", negative_slope=0.5),
    activation("threshold", threshold=0.5),
)
# f(0) is not 0: a cell that has not begun must be held. The second one is not the RNN operator's.
RAISED = (
    activation("hard_sigmoid", slope=0.5, offset=0.5),
    activation("threshold", threshold=0.25, default_value=0.5),
)


def halves(random: np.random.Generator, shape: Sequence[int], most: int = 2) -> np.ndarray:
    """Return multiples of 0.5, float32."""
    return (random.integers(-most, most + 1, tuple(shape)) / 2).astype(np.float32)


def cell(
    random: np.random.Generator,
    features: int,
    units: int,
    kind: Activation | None = None,
    name: str = "",
    bias: bool | None = None,
) -> Cell:
    """Return a cell with exact weights; activation and bias are drawn where they are not given."""
    recurrent = np.zeros((units, units), np.float32)
    for row in range(units):
        recurrent[row, random.integers(units)] = random.choice([-1.0, -0.5, 0.5, 1.0])
    if kind is None:
        kind = ACTIVATIONS[random.integers(len(ACTIVATIONS))]
    if bias is None:
        bias = bool(random.random() < 0.8)
    return Cell(
        name,
        ArrayWeight(halves(random, (features, units), 1)),
        ArrayWeight(recurrent),
        ArrayWeight(halves(random, (units,))) if bias else None,
        kind,
    )


class Drawn:
    """A network drawn at random: masks, directions, stacks, Bidirectional, initial states, several outputs."""

    def __init__(self, seed: int, raised: bool = False) -> None:
        self._random = np.random.default_rng(seed)
        self._draft = Draft()
        self._count = 0
        self._kinds = (*ACTIVATIONS, *RAISED) if raised else ACTIVATIONS

    def network(self) -> Network:
        """Return it."""
        x, features, mask = self._start()
        if self._chance(0.4):
            mask = None
        for _ in range(self._random.integers(0, 4)):
            x, features = self._layer(x, features, mask)
            if self._chance(0.3):
                self._draft.output("middle", x)
        end = self._one_of("recurrent", "bidirectional", "pool", "sequence")
        if end == "recurrent":
            x, _ = self._recurrent(x, features, mask, "output")
        elif end == "bidirectional":
            x, _ = self._bidirectional(x, features, mask, "output")
        elif end == "pool":
            (x,) = self._draft.call(self._name(), Pool("max"), [x])
        self._draft.output("end", x)
        return self._draft.finish(Source("python", "drawn"))

    def _start(self) -> tuple[TensorId, int, TensorId | None]:
        features = int(self._random.integers(1, 5))
        if self._chance(0.5):
            x = self._draft.input("x", ("batch", "time", features), "float32")
            return x, features, self._draft.input("mask", ("batch", "time"), "bool")
        return self._tokens(features)

    def _tokens(self, features: int) -> tuple[TensorId, int, TensorId]:
        kind = self._one_of("int32", "float32", "int64")
        tokens = self._draft.input("tokens", ("batch", "time"), kind)
        (mask,) = self._draft.call("mask", TokenMask(), [tokens])
        table = ArrayWeight(halves(self._random, (7, features)))
        (x,) = self._draft.call("embedding", Embedding(table), [tokens])
        return x, features, mask

    def _layer(self, x: TensorId, features: int, mask: TensorId | None) -> tuple[TensorId, int]:
        kind = self._one_of("recurrent", "recurrent", "bidirectional", "dense", "activate", "flip")
        if kind == "recurrent":
            return self._recurrent(x, features, mask, "sequence")
        if kind == "bidirectional":
            return self._bidirectional(x, features, mask, "sequence")
        if kind == "dense":
            units = int(self._random.integers(1, 5))
            kernel = ArrayWeight(halves(self._random, (features, units), 1))
            bias = ArrayWeight(halves(self._random, (units,)))
            op = Dense(kernel, bias, activation("relu"))
            return self._draft.call(self._name(), op, [x])[0], units
        if kind == "activate":
            return self._draft.call(self._name(), Activate(activation("hard_tanh")), [x])[
                0
            ], features
        return self._draft.call(self._name(), Flip(1), [x])[0], features

    def _recurrent(
        self, x: TensorId, features: int, mask: TensorId | None, emit: str
    ) -> tuple[TensorId, int]:
        name = self._name()
        count = int(self._one_of("1", "1", "1", "2", "3"))
        widths = [int(self._random.integers(1, 6)) for _ in range(count)]
        cells = tuple(
            self._cell(before, units, f"cell_{k}" if count > 1 else "")
            for k, (before, units) in enumerate(zip([features, *widths], widths, strict=False))
        )
        emits = (emit, "state") if self._chance(0.4) else (emit,)
        initial = self._initial(name, widths)
        back = self._chance(0.4)
        op = Recurrent(cells, emits, back, back and self._chance(0.4), self._chance(0.4))
        mask = mask if self._chance(0.8) else None
        made = self._draft.call(name, op, [x], mask=mask, initial=initial)
        for state in made[1:]:
            self._draft.output(f"{name}/state", state)
        return made[0], widths[-1]

    def _bidirectional(
        self, x: TensorId, features: int, mask: TensorId | None, emit: str
    ) -> tuple[TensorId, int]:
        name, units = self._name(), int(self._random.integers(1, 6))
        kind = self._kind()
        emits = (emit, "state") if self._chance(0.4) else (emit,)
        mask = mask if self._chance(0.8) else None
        zeros, starts = self._chance(0.3), self._chance(0.4)
        halves_made = []
        for back in (False, True):
            half = f"{name}/{'backward' if back else 'forward'}"
            op = Recurrent((self._cell(features, units, "", kind),), emits, back, back, zeros)
            initial = self._initial(half, [units], starts)
            halves_made.append(self._draft.call(half, op, [x], mask=mask, initial=initial))
            for state in halves_made[-1][1:]:
                self._draft.output(f"{half}/state", state)
        mode = self._one_of("concat", "add", "multiply", "average", "maximum", "subtract", "none")
        pair = [made[0] for made in halves_made]
        if mode == "none":
            self._draft.output(f"{name}/backward", pair[1])
            return pair[0], units
        op_merge = Concatenate(-1) if mode == "concat" else Merge(mode)  # type: ignore[arg-type]
        (y,) = self._draft.call(name, op_merge, pair)
        return y, units * (2 if mode == "concat" else 1)

    def _cell(self, features: int, units: int, name: str, kind: Activation | None = None) -> Cell:
        return cell(self._random, features, units, kind or self._kind(), name)

    def _kind(self) -> Activation:
        return self._kinds[self._random.integers(len(self._kinds))]

    def _initial(
        self, name: str, widths: Sequence[int], wanted: bool | None = None
    ) -> list[TensorId]:
        if not (self._chance(0.4) if wanted is None else wanted):
            return []
        return [
            self._draft.input(f"{name}/h{k}", ("batch", units), "float32")
            for k, units in enumerate(widths)
        ]

    def _name(self) -> str:
        self._count += 1
        return f"layer_{self._count}"

    def _chance(self, share: float) -> bool:
        return bool(self._random.random() < share)

    def _one_of(self, *items: str) -> str:
        return items[self._random.integers(len(items))]


def feeds(
    network: Network, random: np.random.Generator, batch: int, time: int, right: bool = False
) -> dict[str, np.ndarray]:
    """Return exact inputs; masks of any shape with one row fully masked, or padding on the right alone."""
    made = {}
    sizes = {"batch": batch, "time": time}
    for port in network.inputs:
        spec = network.spec(port.tensor)
        shape = [sizes[axis] if isinstance(axis, str) else axis for axis in spec.shape]
        if spec.dtype == "bool" or port.name == "tokens":
            valid = random.random(shape) < random.random()
            if right:
                valid = np.arange(time)[None] < random.integers(0, time + 1, (batch, 1))
            elif batch > 1:
                valid[0] = False
            tokens = np.where(valid, random.integers(1, 7, shape), 0)
            made[port.name] = (valid if spec.dtype == "bool" else tokens).astype(spec.dtype)
        else:
            made[port.name] = halves(random, shape).astype(spec.dtype)
    return made


def run(model: onnx.ModelProto, given: Arrays) -> dict[str, np.ndarray]:
    """Return what onnxruntime makes of ``given``; inputs that the model does not have are left out."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    wanted = [item.name for item in session.get_inputs()]
    names = [item.name for item in session.get_outputs()]
    return dict(zip(names, session.run(None, {name: given[name] for name in wanted}), strict=True))


def exact(values: np.ndarray) -> bool:
    """Tell whether float64 ``values`` are float32 numbers, with bits to spare for the sums that made them."""
    scaled = np.abs(values) * 2.0**10
    return bool(np.all(scaled == np.floor(scaled)) and np.all(np.abs(values) < 2.0**10))
