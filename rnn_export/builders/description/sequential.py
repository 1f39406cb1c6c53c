"""A Sequential of described layers as a network with seeded weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnn_export.builders.description.chain import POLICIES, Chain, Names, Policy
from rnn_export.builders.description.layers import LAYERS, VANISHING
from rnn_export.builders.description.options import Options
from rnn_export.errors import NetworkError
from rnn_export.network import BATCH, TIME, Dim, Draft, Network, Source
from rnn_export.network.dtypes import is_floating

DTYPES = ("float32", "float64", "float16", "bfloat16", "int32", "int64")


def sequential(
    layers: Sequence[Mapping[str, object]],
    *,
    name: str = "network",
    input: Mapping[str, object] | None = None,
    seed: int = 0,
    dtype: str = "float32",
    source: Source | None = None,
    subject: str | None = None,
) -> Network:
    """Return the network of a stack of layers, its weights drawn from ``seed``.

    Args:
        layers: one mapping a layer: "class" (SimpleRNN, RNN, Bidirectional, Embedding, Dense, Masking,
            Activation, Dropout, ...), "name", and Keras' constructor parameters.
        name: of the model.
        input: "shape" without batch ("time" for an open number of steps), and perhaps "name", "dtype" and
            "batch"; may be left out in front of an Embedding, or be given as a first layer of class Input.
        seed: equal seeds give equal bits, on every platform.
        dtype: the policy of layers that name none ("float64", "mixed_float16", ...).
        source: where the description came from; Python by default.
        subject: how errors name the network.

    Raises:
        NetworkError: an unknown class or option (the advice names the nearest), a value that does not fit;
            the network, the layer and the option are named.

    Example:
        >>> from rnn_export.builders import sequential
        >>> layers = [{"class": "SimpleRNN", "units": 4}, {"class": "Dense", "units": 2}]
        >>> sequential(layers, input={"shape": ["time", 3]}).parameters
        42
    """
    subject = subject or f"network {name!r}"
    if dtype not in POLICIES:
        raise NetworkError(
            f"{subject}, dtype", expected=f"one of {', '.join(POLICIES)}", got=repr(dtype)
        )
    remaining = list(layers)
    if input is None and remaining and remaining[0].get("class") in ("Input", "InputLayer"):
        input = {key: value for key, value in remaining.pop(0).items() if key != "class"}
    draft = Draft()
    tensor = _input(draft, input, remaining, f"{subject}, input")
    chain = Chain(draft, tensor, seed, Policy(dtype))
    last = _add_all(chain, remaining, subject)
    draft.output(last, chain.tensor)
    for state in chain.states:
        draft.output(last, state)
    kind = "Functional" if chain.states else "Sequential"
    found = source or Source("python", name)
    return draft.finish(Source(found.kind, name, found.location, (*found.facts, ("class", kind))))


def _input(
    draft: Draft,
    table: Mapping[str, object] | None,
    layers: Sequence[Mapping[str, object]],
    subject: str,
) -> str:
    tokens = bool(layers) and layers[0].get("class") == "Embedding"
    if table is None:
        if not tokens:
            raise NetworkError(
                subject,
                expected='a shape without batch, such as ["time", 32]',
                got="none",
                advice='Add input = {shape = ["time", 32]}.',
            )
        table = {"shape": [TIME]}
    options = Options(table, subject)
    raw = options.raw("shape")
    if not isinstance(raw, (list, tuple)) or not raw:
        raise options.wrong("shape", 'a list such as ["time", 32]', raw)
    shape = [_size(options, size, axis) for axis, size in enumerate(raw, start=1)]
    batch: Dim = options.integer("batch") if "batch" in options else BATCH
    options.raw("batch")
    dtype = options.text("dtype", "int32" if tokens else "float32", among=DTYPES)
    name = options.text("name", "tokens" if tokens else "inputs")
    options.finish()
    return draft.input(name, (batch, *shape), dtype)


def _size(options: Options, size: object, axis: int) -> Dim:
    if axis == 1 and size in (TIME, None):
        return TIME
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise options.wrong("shape", f'whole numbers from 1, or "{TIME}" first', size)
    return size


def _add_all(chain: Chain, layers: Sequence[Mapping[str, object]], subject: str) -> str:
    """Add every layer and return the name of the last."""
    names = Names()
    lasting = [index for index, layer in enumerate(layers) if layer.get("class") not in VANISHING]
    if not lasting:
        raise NetworkError(
            subject, expected="at least one layer that computes", got=f"{len(layers)} that do not"
        )
    # Those behind the last lasting layer become hints of it, so they are read before it.
    order = [*range(lasting[-1]), *range(lasting[-1] + 1, len(layers)), lasting[-1]]
    named: dict[int, str] = {}
    for index in order:
        kind = layers[index].get("class")
        place = f"{subject}, layer {index}"
        if not isinstance(kind, str) or kind not in LAYERS | VANISHING:
            wrong = Options(layers[index], place)
            wrong.text("class", among=tuple(LAYERS | VANISHING))
        options = Options(layers[index], f"{place} ({kind})")
        options.raw("class")
        automatic = (VANISHING if kind in VANISHING else LAYERS)[str(kind)][0]
        named[index] = names.name(options, str(automatic))
        if list(named.values()).count(named[index]) > 1:
            raise options.wrong("name", "a name that no other layer has", named[index])
        if chain.states:
            raise NetworkError(
                place,
                expected="no layer behind one with return_state",
                got=repr(kind),
                advice="Only the last layer may return its states.",
            )
        if kind in VANISHING:
            made = _vanishing(chain, options, str(kind), named[index])
            if index > lasting[-1]:
                chain.after = (*chain.after, made)
            else:
                chain.before = (*chain.before, made)
        else:
            LAYERS[str(kind)][1](chain, options, named[index])
    return named[len(layers) - 1]


def _vanishing(chain: Chain, options: Options, kind: str, name: str) -> dict[str, object]:
    """Return the configuration of a layer that does nothing at inference, for whoever makes a Keras model."""
    key = VANISHING[kind][1]
    config: dict[str, object] = {"name": name, key: options.number(key)}
    if "seed" in options:
        config["seed"] = options.integer("seed", least=0)
    # In another dtype than its input's, Keras would cast there.
    held = chain.spec.dtype
    config["dtype"] = held if is_floating(held) else chain.policy.name
    options.raw("seed")
    options.finish()
    return {"class_name": kind, "config": config}
