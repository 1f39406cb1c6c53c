"""Corrupted models, each with the layer at fault and the name it should be given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import ml_dtypes
import numpy as np
from onnx import ModelProto, helper

from tests.mutants.surgery import (
    after,
    attribute,
    before,
    constant,
    copied,
    edit,
    initializer,
    node,
    op,
    rewired,
)

Rng = np.random.Generator
Make = Callable[[ModelProto, Rng], ModelProto]


@dataclass(frozen=True)
class Mutant:
    """A corrupted model.

    Args:
        name: of the fault, unique with its world.
        world: of worlds.WORLDS.
        make: the corruption.
        layer: path of the layer at fault.
        named: part of the diagnosis that names it right; "" where no name is known for it.
    """

    name: str
    world: str
    make: Make
    layer: str
    named: str = ""

    @property
    def id(self) -> str:
        return f"{self.world}: {self.name}"


def nudged(size: float) -> Callable[[np.ndarray, Rng], np.ndarray]:
    """Return a change that moves one entry by ``size``."""

    def change(values: np.ndarray, rng: Rng) -> np.ndarray:
        place = tuple(rng.integers(n) for n in values.shape)
        values[place] += np.float32(size)
        return values

    return change


def one(factor: float) -> Callable[[np.ndarray, Rng], np.ndarray]:
    """Return a change that multiplies one entry."""

    def change(values: np.ndarray, rng: Rng) -> np.ndarray:
        place = tuple(rng.integers(n) for n in values.shape)
        values[place] *= np.float32(factor)
        return values

    return change


def bias_nudged(size: float) -> Callable[[np.ndarray, Rng], np.ndarray]:
    def change(values: np.ndarray, rng: Rng) -> np.ndarray:
        values[0, rng.integers(values.shape[1] // 2)] += np.float32(size)
        return values

    return change


def of(name: str, change: Callable[[np.ndarray, Rng], np.ndarray]) -> Make:
    return lambda model, rng: edit(model, name, lambda values: change(values, rng))


def plain(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Make:
    return lambda model, rng: edit(model, name, change)


def half(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16).astype(np.float32)


def brain(values: np.ndarray) -> np.ndarray:
    return values.astype(ml_dtypes.bfloat16).astype(np.float32)


def tf32(values: np.ndarray) -> np.ndarray:
    bits = values.view(np.uint32).astype(np.uint64)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & 0xFFFFE000).astype(np.uint32).view(np.float32)


def transposed(values: np.ndarray) -> np.ndarray:
    return values.swapaxes(-1, -2)


def reshaped(values: np.ndarray) -> np.ndarray:
    """Return W as it would be had Keras' kernel been reshaped to (1, units, features)."""
    return np.ascontiguousarray(values[0].T).reshape(values.shape)


def doubled(values: np.ndarray) -> np.ndarray:
    wide = values.shape[1] // 2
    values[:, wide:] = values[:, :wide]
    return values


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant."""
    return (
        *_weights(),
        *_layers(),
        *_activations(),
        *_directions(),
        *_wiring(),
        *_masks(),
        *_others(),
    )


def _weights() -> Iterator[Mutant]:
    """Weights of one layer of 64 units: the prototype's list."""

    def both_of(change: Callable[[np.ndarray], np.ndarray]) -> Make:
        return lambda model, rng: edit(edit(model, "rnn/W", change), "rnn/R", change)

    for size in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 3e-7, 1e-7):
        for part, name in (("W", "kernel"), ("R", "recurrent_kernel")):
            # A diagnosis gives the entry; that it is the right one is another test's.
            yield Mutant(
                f"one {part} +{size:g}",
                "single",
                of(f"rnn/{part}", nudged(size)),
                "rnn",
                f"{name}[",
            )
        yield Mutant(
            f"one bias +{size:g}", "single", of("rnn/B", bias_nudged(size)), "rnn", "bias["
        )
    yield Mutant(
        "R transposed", "single", plain("rnn/R", transposed), "rnn", "recurrent kernel transposed"
    )
    yield Mutant("W reshaped", "single", plain("rnn/W", reshaped), "rnn", "reshaped instead")
    yield Mutant("bias doubled", "single", plain("rnn/B", doubled), "rnn", "bias doubled")
    yield Mutant("bias dropped", "single", plain("rnn/B", np.zeros_like), "rnn", "bias dropped")
    yield Mutant("bias negated", "single", plain("rnn/B", np.negative), "rnn", "bias negated")
    yield Mutant("R zero", "single", plain("rnn/R", np.zeros_like), "rnn", "recurrent kernel zero")
    yield Mutant("W zero", "single", plain("rnn/W", np.zeros_like), "rnn", "kernel zero")
    yield Mutant(
        "R negated", "single", plain("rnn/R", np.negative), "rnn", "recurrent kernel negated"
    )
    yield Mutant(
        "features reversed",
        "single",
        plain("rnn/W", lambda w: w[..., ::-1]),
        "rnn",
        "features reversed",
    )
    swap = plain("rnn/W", lambda w: w[..., [1, 0, *range(2, w.shape[-1])]])
    yield Mutant("two features swapped", "single", swap, "rnn", "rows 0 and 1 of the kernel")
    rows = plain("rnn/R", lambda r: r[:, [1, 0, *range(2, r.shape[-1])]])
    yield Mutant("two units of R swapped", "single", rows, "rnn", "recurrent kernel")
    yield Mutant("one R sign", "single", of("rnn/R", one(-1)), "rnn", "recurrent_kernel[")
    yield Mutant("one R zero", "single", of("rnn/R", one(0)), "rnn", "recurrent_kernel[")
    yield Mutant("one W zero", "single", of("rnn/W", one(0)), "rnn", "kernel[")
    for label, change in (("float16", half), ("bfloat16", brain), ("tf32", tf32)):
        yield Mutant(f"weights in {label}", "single", both_of(change), "rnn", label)
        yield Mutant(f"bias in {label}", "single", plain("rnn/B", change), "rnn", label)
        yield Mutant(f"R in {label}", "single", plain("rnn/R", change), "rnn", label)
    for size in (1e-3, 1e-4, 1e-5, 1e-6):
        scale = both_of(lambda values, size=size: values * np.float32(1 + size))
        yield Mutant(f"weights x (1 + {size:g})", "single", scale, "rnn", "scaled by 1.00")


def _layers() -> Iterator[Mutant]:
    """The same in each layer of a stack, in its embedding and in its head."""
    for at in range(3):
        layer = f"rnn{at}"
        yield Mutant(
            f"{layer} one R +1e-4",
            "stack",
            of(f"{layer}/R", nudged(1e-4)),
            layer,
            "recurrent_kernel[",
        )
        yield Mutant(
            f"{layer} R transposed",
            "stack",
            plain(f"{layer}/R", transposed),
            layer,
            "kernel transposed",
        )
        yield Mutant(
            f"{layer} bias dropped",
            "stack",
            plain(f"{layer}/B", np.zeros_like),
            layer,
            "bias dropped",
        )
        yield Mutant(
            f"{layer} R in bfloat16",
            "stack",
            plain(f"{layer}/R", brain),
            layer,
            "kernel in bfloat16",
        )
        yield Mutant(
            f"{layer} W in float16", "stack", plain(f"{layer}/W", half), layer, "kernel in float16"
        )
    table = "embedding/table"
    yield Mutant("table one +1e-4", "stack", of(table, nudged(1e-4)), "embedding", "table[")
    yield Mutant("table one +1e-7", "stack", of(table, nudged(1e-7)), "embedding", "table[")
    yield Mutant(
        "table shifted",
        "stack",
        plain(table, lambda t: np.roll(t, 1, 0)),
        "embedding",
        "rows shifted by one",
    )
    yield Mutant(
        "table reversed", "stack", plain(table, lambda t: t[::-1]), "embedding", "rows reversed"
    )
    yield Mutant("table in float16", "stack", plain(table, half), "embedding", "table in float16")
    yield Mutant("head one +1e-4", "stack", of("head/kernel", nudged(1e-4)), "head", "kernel[")
    yield Mutant(
        "head bias dropped", "stack", plain("head/bias", np.zeros_like), "head", "bias dropped"
    )
    yield Mutant(
        "head bias doubled", "stack", plain("head/bias", lambda b: 2 * b), "head", "bias doubled"
    )
    yield Mutant(
        "head units reversed",
        "stack",
        plain("head/kernel", lambda k: k[:, ::-1]),
        "head",
        "units reversed",
    )
    yield Mutant(
        "head in bfloat16", "stack", plain("head/kernel", brain), "head", "kernel in bfloat16"
    )


def _activations() -> Iterator[Mutant]:
    def kind(layer: str, name: str, **extra: object) -> Make:
        values = {"activations": [name], "activation_alpha": None, "activation_beta": None, **extra}
        return lambda model, rng: attribute(model, f"{layer}#0", **values)

    for name, keras in (
        ("Relu", "relu"),
        ("Softsign", "softsign"),
        ("Sigmoid", "sigmoid"),
        ("Softplus", "softplus"),
    ):
        yield Mutant(
            f"activation {name}", "single", kind("rnn", name), "rnn", f"activation {keras}"
        )
    affine = kind("rnn", "Affine", activation_alpha=[1.0], activation_beta=[0.0])
    yield Mutant("activation linear", "single", affine, "rnn", "activation linear")
    for beta in (1.001, 1.00001):
        scaled = kind("rnn", "ScaledTanh", activation_alpha=[1.0], activation_beta=[beta])
        yield Mutant(f"ScaledTanh(1, {beta:g})", "single", scaled, "rnn", "argument scaled")
    alpha = kind("rnn", "ScaledTanh", activation_alpha=[1.001], activation_beta=[1.0])
    yield Mutant("ScaledTanh(1.001, 1)", "single", alpha, "rnn", "states scaled by 1.001")
    for limit in (2.0, 1.0):
        clip = lambda model, rng, limit=limit: attribute(model, "rnn#0", clip=limit)
        yield Mutant(f"clip {limit:g}", "single", clip, "rnn", f"clip at {limit:g}")
    yield Mutant(
        "relu for leaky",
        "kinds",
        kind("rnn0", "LeakyRelu", activation_alpha=[0.01]),
        "rnn0",
        "negative_slope=0.01",
    )
    slope = kind("rnn1", "HardSigmoid", activation_alpha=[0.2], activation_beta=[0.5])
    yield Mutant("hard_sigmoid of ONNX", "kinds", slope, "rnn1", "slope=0.2")
    yield Mutant(
        "elu alpha 2", "kinds", kind("rnn2", "Elu", activation_alpha=[2.0]), "rnn2", "alpha=2"
    )
    yield Mutant("tanh for softsign", "kinds", kind("rnn3", "Tanh"), "rnn3", "activation tanh")
    unscaled = plain("rnn4/R", lambda r: r / np.float32(1.0507009873554805))
    yield Mutant(
        "selu without its factor in R", "kinds", unscaled, "rnn4", "recurrent kernel scaled by 0.95"
    )
    yield Mutant("selu alpha of elu", "kinds", kind("rnn4", "Elu", activation_alpha=[1.0]), "rnn4")


def _directions() -> Iterator[Mutant]:
    yield Mutant(
        "direction reverse",
        "single",
        lambda model, rng: attribute(model, "rnn#0", direction="reverse"),
        "rnn",
        "time runs the other way",
    )
    for at, name in enumerate(("forward", "backward")):
        layer = f"both/{name}"

        def part(
            change: Callable[[np.ndarray], np.ndarray], at: int = at
        ) -> Callable[[np.ndarray], np.ndarray]:
            def changed(values: np.ndarray) -> np.ndarray:
                values[at] = change(values[at].copy())
                return values

            return changed

        both = "both/forward//both/backward"
        yield Mutant(
            f"{name} R transposed",
            "both",
            plain(f"{both}/R", part(np.transpose)),
            layer,
            "kernel transposed",
        )
        yield Mutant(
            f"{name} bias dropped",
            "both",
            plain(f"{both}/B", part(np.zeros_like)),
            layer,
            "bias dropped",
        )

        def nudge(values: np.ndarray, rng: Rng, at: int = at) -> np.ndarray:
            values[at] = nudged(1e-5)(values[at].copy(), rng)
            return values

        yield Mutant(f"{name} one W +1e-5", "both", of(f"{both}/W", nudge), layer, "kernel[")
    flip = lambda values: values[::-1]

    def swapped(model: ModelProto, rng: Rng) -> ModelProto:
        for part in "WRB":
            model = edit(model, f"both/forward//both/backward/{part}", flip)
        return model

    yield Mutant("directions swapped", "both", swapped, "both")
    yield Mutant("norm gamma one +1e-3", "both", of("const/float32_1", nudged(1e-3)), "norm")
    yield Mutant(
        "norm beta zero", "both", plain("const/float32_2", np.zeros_like), "norm", "beta lost"
    )
    yield Mutant("dense kernel one +1e-4", "both", of("dense/kernel", nudged(1e-4)), "dense")


def _reversed_in_time(axis: int) -> Callable[[ModelProto], list[object]]:
    def nodes(model: ModelProto) -> list[object]:
        bounds = {
            "m/start": [-1],
            "m/end": [np.iinfo(np.int64).min],
            "m/axis": [axis],
            "m/step": [-1],
        }
        for name, values in bounds.items():
            constant(model, name, np.array(values, np.int64))
        return [op("Slice", ["<here>", *bounds])]

    return nodes


def _shifted(axis: int, late: bool) -> Callable[[ModelProto], list[object]]:
    """Return nodes that shift a sequence by one step and put zeros where nothing comes."""

    def nodes(model: ModelProto) -> list[object]:
        start, end = ([0], [-1]) if late else ([1], [np.iinfo(np.int64).max])
        pads = np.zeros(6, np.int64)
        pads[axis if late else axis + 3] = 1
        for name, values in (("m/start", start), ("m/end", end), ("m/axis", [axis])):
            constant(model, name, np.array(values, np.int64))
        constant(model, "m/pads", pads)
        cut = helper.make_node("Slice", ["<here>", "m/start", "m/end", "m/axis"], ["m/cut"])
        return [cut, op("Pad", ["m/cut", "m/pads"])]

    return nodes


def _inserted_before(name: str, at: int, nodes: Callable[[ModelProto], list[object]]) -> Make:
    def make(model: ModelProto, rng: Rng) -> ModelProto:
        made = copied(model)
        return before(made, name, at, *nodes(made))  # type: ignore[arg-type]

    return make


def _inserted_after(value: str, nodes: Callable[[ModelProto], list[object]]) -> Make:
    def make(model: ModelProto, rng: Rng) -> ModelProto:
        made = copied(model)
        return after(made, value, *nodes(made))  # type: ignore[arg-type]

    return make


def _wiring() -> Iterator[Mutant]:
    yield Mutant(
        "input reversed",
        "single",
        _inserted_before("rnn#0", 0, _reversed_in_time(0)),
        "rnn",
        "time runs the other way",
    )
    yield Mutant(
        "input one step late",
        "single",
        _inserted_before("rnn#0", 0, _shifted(0, True)),
        "rnn",
        "one step late",
    )
    yield Mutant(
        "input one step early",
        "single",
        _inserted_before("rnn#0", 0, _shifted(0, False)),
        "rnn",
        "one step early",
    )
    yield Mutant(
        "output one step late",
        "single",
        _inserted_after("rnn", _shifted(1, True)),
        "rnn",
        "one step late",
    )
    yield Mutant(
        "output one step early",
        "single",
        _inserted_after("rnn", _shifted(1, False)),
        "rnn",
        "one step early",
    )
    yield Mutant(
        "output reversed",
        "single",
        _inserted_after("rnn", _reversed_in_time(1)),
        "rnn",
        "reversed in time",
    )
    yield Mutant(
        "rows reversed",
        "single",
        _inserted_after("rnn", _reversed_in_time(0)),
        "rnn",
        "batch rows reversed",
    )
    yield Mutant(
        "units reversed",
        "single",
        _inserted_after("rnn", _reversed_in_time(2)),
        "rnn",
        "units reversed",
    )
    tail = lambda model: [op("Add", ["<here>", _tail(model, 64)])]
    yield Mutant("last unit +1e-3", "single", _inserted_after("rnn", tail), "rnn")
    negate = lambda model: [op("Neg", ["<here>"])]
    yield Mutant("output negated", "single", _inserted_after("rnn", negate), "rnn", "negated")

    def first(model: ModelProto, rng: Rng) -> ModelProto:
        """Take the state after the first step for the one after the last."""
        made = copied(model)
        item = node(made, "rnn2#0")
        squeeze = node(made, "rnn2#0/Squeeze")
        while len(item.output) < 2:
            item.output.append("")
        item.output[0] = "m/y"
        constant(made, "m/zero", np.array([0], np.int64))
        place = list(made.graph.node).index(squeeze)
        made.graph.node.insert(
            place, helper.make_node("Gather", ["m/y", "m/zero"], ["m/first"], axis=0)
        )
        constant(made, "m/axes", np.array([0, 1], np.int64))
        squeeze.input[0], squeeze.input[1] = "m/first", "m/axes"
        return made

    yield Mutant("first state for last", "stack", first, "rnn2", "first step for last")
    yield Mutant("layers 1 and 2 swapped", "square", _layers_swapped, "rnn1")
    yield Mutant("layer 1 skipped", "square", _skipped("rnn1"), "rnn2", "which is skipped")
    yield Mutant("layer 0 skipped", "square", _skipped("rnn0"), "rnn1", "which is skipped")
    transposed_w = plain("rnn1/W", transposed)
    yield Mutant("W transposed", "square", transposed_w, "rnn1", "kernel transposed")

    def crossed(model: ModelProto, rng: Rng) -> ModelProto:
        w, r = initializer(model, "rnn1/W"), initializer(model, "rnn1/R")
        return edit(edit(model, "rnn1/W", lambda _: r), "rnn1/R", lambda _: w)

    yield Mutant(
        "W and R crossed", "square", crossed, "rnn1", "kernel and recurrent kernel swapped"
    )
    add = lambda model, rng: _kind(model, "sum#0/Sub", "Add")
    yield Mutant("added for subtracted", "both", add, "sum", "merged by add")

    def turned(model: ModelProto, rng: Rng) -> ModelProto:
        made = copied(model)
        item = node(made, "sum#0/Sub")
        item.input[0], item.input[1] = item.input[1], item.input[0]
        return made

    yield Mutant("subtracted the other way", "both", turned, "sum", "inputs swapped")


def _tail(model: ModelProto, units: int) -> str:
    values = np.zeros(units, np.float32)
    values[-1] = 1e-3
    return constant(model, "m/tail", values)


def _kind(model: ModelProto, kind: str, other: str) -> ModelProto:
    made = copied(model)
    node(made, kind).op_type = other
    return made


def _layers_swapped(model: ModelProto, rng: Rng) -> ModelProto:
    made = model
    for part in "WRB":
        one_, two = initializer(model, f"rnn1/{part}"), initializer(model, f"rnn2/{part}")
        made = edit(made, f"rnn1/{part}", lambda _, new=two: new)
        made = edit(made, f"rnn2/{part}", lambda _, new=one_: new)
    return made


def _skipped(layer: str) -> Make:
    """Return a corruption by which a layer's input is handed on as its output."""

    def make(model: ModelProto, rng: Rng) -> ModelProto:
        item = node(model, f"{layer}#0")
        squeeze = node(model, f"{layer}#0/Squeeze")
        made = copied(model)
        for other in made.graph.node:
            for at, name in enumerate(other.input):
                if name == squeeze.output[0] and other.name != squeeze.name:
                    other.input[at] = item.input[0]
        return made

    return make


def _masks() -> Iterator[Mutant]:
    for layer in ("back", "front"):
        yield Mutant(
            f"{layer} R transposed",
            "masked",
            plain(f"{layer}/R", transposed),
            layer,
            "kernel transposed",
        )
        yield Mutant(f"{layer} one R +1e-4", "masked", of(f"{layer}/R", nudged(1e-4)), layer)
    # The valid steps stand in the order of processing, and the node runs forwards over them.
    turned = lambda model, rng: attribute(model, "back#0", direction="reverse")
    yield Mutant("back runs the other way", "masked", turned, "back")
    lost = lambda model, rng: rewired(model, "back#0", 5, "")
    yield Mutant("initial state lost", "masked", lost, "back", "initial state lost")
    yield Mutant("another masking value", "masked", _value, "mask", "another masking value")
    yield Mutant("mask ignored", "tokens", _value, "rnn", "mask")
    yield Mutant(
        "one table entry +1e-4",
        "tokens",
        of("embedding/table", nudged_row(1e-4)),
        "embedding",
        "table[",
    )
    shift = plain("embedding/table", lambda t: np.roll(t, -1, 0))
    yield Mutant("table shifted back", "tokens", shift, "embedding", "rows shifted back")
    yield Mutant("zeros for held outputs", "masked", _zeros, "back")


def nudged_row(size: float) -> Callable[[np.ndarray, Rng], np.ndarray]:
    """Return a change of one entry in a row that is not the masked one."""

    def change(values: np.ndarray, rng: Rng) -> np.ndarray:
        values[rng.integers(1, len(values)), rng.integers(values.shape[1])] += np.float32(size)
        return values

    return change


def _value(model: ModelProto, rng: Rng) -> ModelProto:
    """Compare with a number that never comes, so that nothing is masked."""
    made = copied(model)
    equal = next(item for item in made.graph.node if item.op_type == "Equal")
    kind = initializer(model, equal.input[1]).dtype
    equal.input[1] = constant(made, "m/value", np.array(77, kind))
    return made


def _zeros(model: ModelProto, rng: Rng) -> ModelProto:
    """Put out 0 at masked steps where the last output should be held."""
    made = copied(model)
    where = node(made, "front#0/Where_1")
    mask = next(item for item in made.graph.node if item.name == "mask#0/Cast_1")
    unsqueeze = node(made, "front#0/Unsqueeze_2")
    assert where.input[0] == unsqueeze.output[0]
    unsqueeze.input[0] = mask.output[0]
    return made


def _others() -> Iterator[Mutant]:
    stale = lambda model, rng: _initial(model, "rnn#0", 64, 0.5, rng)
    yield Mutant("spurious initial state", "single", stale, "rnn", "initial state")
    small = lambda model, rng: _initial(model, "rnn#0", 64, 1e-4, rng)
    yield Mutant("spurious initial state 1e-4", "single", small, "rnn", "initial state")
    for name in ("one", "two"):
        path = f"rnn#0/{name}"
        lost = lambda model, rng, path=path: rewired(model, path, 5, "")
        yield Mutant(f"state of cell {name} lost", "stateful", lost, path, "initial state lost")
        change = plain(f"rnn/{name}/R", transposed)
        yield Mutant(f"cell {name} R transposed", "stateful", change, path, "kernel transposed")
    yield Mutant("states swapped", "stateful", _states_swapped, "rnn#0/one", "initial state")
    yield Mutant(
        "state outputs swapped", "stateful", _outputs_swapped, "rnn", "last step of rnn#0/two"
    )


def _initial(model: ModelProto, name: str, units: int, size: float, rng: Rng) -> ModelProto:
    """Give a node a constant initial state, broadcast to the batch."""
    made = copied(model)
    item = node(made, name)
    place = list(made.graph.node).index(item)
    constant(made, "m/h", (size * rng.standard_normal((1, 1, units))).astype(np.float32))
    constant(made, "m/one", np.array([1], np.int64))
    constant(made, "m/units", np.array([units], np.int64))
    constant(made, "m/batch", np.array([1], np.int64))
    nodes = [
        helper.make_node("Shape", [item.input[0]], ["m/shape"]),
        helper.make_node("Gather", ["m/shape", "m/batch"], ["m/n"]),
        helper.make_node("Concat", ["m/one", "m/n", "m/units"], ["m/full"], axis=0),
        helper.make_node("Expand", ["m/h", "m/full"], ["m/h0"]),
    ]
    for offset, new in enumerate(nodes):
        made.graph.node.insert(place + offset, new)
    return rewired(made, name, 5, "m/h0")


def _states_swapped(model: ModelProto, rng: Rng) -> ModelProto:
    one_, two = node(model, "rnn#0/one").input[5], node(model, "rnn#0/two").input[5]
    return rewired(rewired(model, "rnn#0/one", 5, two), "rnn#0/two", 5, one_)


def _outputs_swapped(model: ModelProto, rng: Rng) -> ModelProto:
    made = copied(model)
    names = {"rnn_1": "rnn_2", "rnn_2": "rnn_1"}
    for item in made.graph.node:
        for at, name in enumerate(item.output):
            item.output[at] = names.get(name, name)
    return made
