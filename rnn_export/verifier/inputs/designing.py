"""The design of inputs for a network: which sizes, which values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from rnn_export.builders.reference.rounding import rounded
from rnn_export.network import BATCH, Network
from rnn_export.network.ops import Dense, Recurrent
from rnn_export.verifier.inputs.coverage import coverage
from rnn_export.verifier.inputs.masks import masks
from rnn_export.verifier.inputs.roles import Role, roles
from rnn_export.verifier.rehearsal import Rehearsal, rehearse

SAMPLES_PER_PARAMETER = 8
"""The long set has this many samples (batch x time) for each weight of a unit: the regression needs them."""

MOST_SAMPLES = 4096
EVERY_TOKEN = "every token"
"""The set whose tokens reach each row of the embedding; large, and worth its time only beside taps."""

SATURATED = 0.05
"""The part of states that may lie where the activation is flat."""


@dataclass(frozen=True)
class InputSet:
    """One set of feeds.

    Args:
        kind: "odd", "long", "two steps", ...
        feeds: input port to array.
        batch: rows.
        time: steps of the main sequence; None for a network without one.
        seed: it was made from.
        coverage: part of the weights that it exercises, 0 to 1.
        idle: cells whose recurrent kernel it does not exercise: alone, it can fail a file but not pass it.
    """

    kind: str
    feeds: Mapping[str, np.ndarray]
    batch: int
    time: int | None
    seed: int
    coverage: float
    idle: tuple[str, ...] = ()


def design(
    network: Network,
    *,
    seed: int = 0,
    padding: str = "any",
    pinned: Mapping[str, int] | None = None,
    kinds: Collection[str] | None = None,
) -> tuple[InputSet, ...]:
    """Return the input sets for a network, the most telling first.

    Args:
        network: to be verified.
        seed: equal seeds give equal feeds.
        padding: "right" if the file takes right padding alone.
        pinned: symbolic axes that the file fixes, to their sizes.
        kinds: which sets to make; None for all. Those that are made are the same either way.
    """
    made: list[InputSet] = []
    seen: list[dict[str, int]] = []
    for number, (kind, free) in enumerate(_sizes(network)):
        sizes = {**free, **(pinned or {})}
        if sizes in seen:
            continue
        seen.append(sizes)
        if kinds is not None and kind not in kinds:
            continue
        rng = np.random.default_rng([seed, number])
        feeds, rehearsal = _settled(network, sizes, rng, padding == "right")
        times = [size for name, size in sizes.items() if name != BATCH]
        fixed = _fixed_time(network)
        made.append(
            InputSet(
                kind,
                feeds,
                # A stateful network fixes its batch, whatever was wanted.
                next(iter(feeds.values())).shape[0],
                times[0] if times else fixed,
                seed,
                coverage(network, rehearsal),
                rehearsal.idle,
            )
        )
    return tuple(made)


def _sizes(network: Network) -> list[tuple[str, dict[str, int]]]:
    """Return (kind, size of every symbolic axis) for each set."""
    axes = [dim for port in network.inputs for dim in network.spec(port.tensor).shape]
    free = list(dict.fromkeys(dim for dim in axes if isinstance(dim, str) and dim != BATCH))
    taken = {dim for dim in axes if isinstance(dim, int)}
    parameters = 1
    for call in network.calls:
        if isinstance(call.op, Recurrent):
            taken |= {size for cell in call.op.cells for size in (cell.units, cell.features)}
            parameters = max(
                parameters, *(cell.features + cell.units + 1 for cell in call.op.cells)
            )
        elif isinstance(call.op, Dense):
            taken |= set(call.op.kernel.shape)
    masked = any(call.mask is not None for call in network.calls)
    tokens = max([role.tokens for role in roles(network) if role.kind == "tokens"], default=0)
    samples = min(max(SAMPLES_PER_PARAMETER * parameters, 64), MOST_SAMPLES)
    rows = _distinct(7 if masked else 3, taken)
    fixed = _fixed_time(network)
    if not free:
        many = _distinct(max(rows + 1, samples // max(fixed or 1, 1)), taken)
        return [("odd", {BATCH: rows}), ("long", {BATCH: many})]
    wide = _distinct(rows + 2, taken)
    long = max(33, samples // wide)
    plan = [
        ("odd", 9 if masked else 7, rows),
        ("long", long, wide),
        ("two steps", 2, rows),
        ("three steps", 3, _distinct(rows + 1, taken | {3})),
        ("one step", 1, rows),
    ]
    if tokens > wide * long:
        plan.insert(2, (EVERY_TOKEN, long, _distinct(-(-tokens // long) + 1, taken)))
    return [(kind, _axes(free, kind, time, batch, taken)) for kind, time, batch in plan]


def _axes(free: list[str], kind: str, time: int, batch: int, taken: set[int]) -> dict[str, int]:
    """Return a size for every symbolic axis: ``time``, or the next one that is not taken."""
    used, sizes = taken | {batch}, {BATCH: batch}
    for axis in free:
        exact = kind in ("one step", "two steps", "three steps")
        sizes[axis] = time if exact else _distinct(time, used, 2 if kind == "odd" else 1)
        used = used | {sizes[axis]}
    return sizes


def _distinct(size: int, taken: set[int], step: int = 1) -> int:
    """Return ``size`` or the next larger number that no other axis has."""
    while size in taken:
        size += step
    return size


def _fixed_time(network: Network) -> int | None:
    for call in network.recurrent():
        time = network.spec(call.inputs[0]).shape[1]
        if isinstance(time, int):
            return time
    return None


def _settled(
    network: Network, sizes: Mapping[str, int], rng: np.random.Generator, right_only: bool
) -> tuple[dict[str, np.ndarray], Rehearsal]:
    """Return feeds whose amplitude leaves the activations unsaturated, and their rehearsal."""
    known = roles(network)
    state = rng.bit_generator.state
    for amplitude in (1.0, 0.5, 0.25, 0.1):
        rng.bit_generator.state = state
        feeds = {
            role.port.name: _values(network, role, sizes, rng, amplitude, right_only)
            for role in known
        }
        rehearsal = rehearse(network, feeds)
        if _saturation(rehearsal) <= SATURATED or all(role.kind == "tokens" for role in known):
            break
    return feeds, rehearsal


def _saturation(rehearsal: Rehearsal) -> float:
    """Return the largest part of any bounded cell's states that lie where it is flat."""
    worst = 0.0
    for part in rehearsal.parts:
        name, states = part.local.affine.activation.name, part.local.value
        if name in ("tanh", "softsign", "hard_tanh"):
            worst = max(worst, float(np.mean(np.abs(states) > 0.99)))
        elif name in ("sigmoid", "hard_sigmoid", "sparse_sigmoid"):
            worst = max(worst, float(np.mean(np.abs(states - 0.5) > 0.495)))
    return worst


def _values(
    network: Network,
    role: Role,
    sizes: Mapping[str, int],
    rng: np.random.Generator,
    amplitude: float,
    right_only: bool,
) -> np.ndarray:
    spec = network.spec(role.port.tensor)
    shape = tuple(dim if isinstance(dim, int) else sizes[dim] for dim in spec.shape)
    if role.kind == "mask":
        return (
            masks(shape[0], shape[1], rng, right_only=right_only)
            if len(shape) > 1
            else np.ones(shape, bool)
        )
    if role.kind == "tokens":
        return rounded(_tokens(role, shape, rng, right_only), spec.dtype)
    values = rng.standard_normal(shape)
    if role.kind == "state":
        return rounded(np.clip(0.5 * values, -0.9, 0.9), spec.dtype)
    values *= amplitude
    if role.masked_value is not None and len(shape) > 2:
        valid = masks(shape[0], shape[1], rng, right_only=right_only)
        values = np.where(
            valid.reshape(*shape[:2], *[1] * (len(shape) - 2)), values, role.masked_value
        )
    return rounded(values, spec.dtype)


def _tokens(
    role: Role, shape: tuple[int, ...], rng: np.random.Generator, right_only: bool
) -> np.ndarray:
    """Return tokens that reach as many rows of the table as there are places for them."""
    size = int(np.prod(shape))
    first = 1 if role.zero_masks and role.tokens > 1 else 0
    rounds = -(-size // max(role.tokens - first, 1))
    pool = np.concatenate([first + rng.permutation(role.tokens - first) for _ in range(rounds)])
    tokens = pool[:size].reshape(shape)
    if role.zero_masks and len(shape) > 1:
        tokens = np.where(masks(shape[0], shape[1], rng, right_only=right_only), tokens, 0)
    return np.asarray(tokens)
