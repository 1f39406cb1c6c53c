"""The networks that the matrix measures: one small network for each trait, and the presets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rnn_export import presets
from rnn_export.builders import sequential, stacked
from rnn_export.errors import NetworkError
from rnn_export.network import Draft, Network, Source
from rnn_export.network.ops import Recurrent
from rnn_export.network.streaming import streaming
from rnn_export.workflows.traits import BOTH_WAYS, LAYER, MASKED, RIGHT_PADDED

BATCH, TIME, FEATURES, UNITS = 3, 7, 4, 5
"""All different, so that no axis passes for another."""

PRESET = "preset"


@dataclass(frozen=True)
class Sample:
    """A network to measure.

    Args:
        name: of the trait, or of the preset.
        kind: "trait" or "preset".
        batch, time: sizes that are timed; and fixed, where a runtime wants fixed ones.
        make: returns the network.
        padding: what its files promise.
        keras: Keras can be handed the same network as a file.
    """

    name: str
    kind: str
    batch: int
    time: int
    make: Callable[[], Network] = field(repr=False, compare=False)
    padding: str = "any"
    keras: bool = True


def samples(names: Iterable[str] = ()) -> tuple[Sample, ...]:
    """Return the samples: those named, in their own order, or all.

    Raises:
        NetworkError: a name that none has.
    """
    every = {sample.name: sample for sample in (*_traits(), *_presets())}
    wanted = tuple(names) or tuple(every)
    for name in wanted:
        if name not in every:
            raise NetworkError(
                f"sample {name!r}", expected=f"one of {', '.join(every)}", got=repr(name)
            )
    return tuple(sample for name, sample in every.items() if name in wanted)


def _presets() -> Iterable[Sample]:
    for name, preset in presets.PRESETS.items():
        yield Sample(name, PRESET, preset.batch, preset.time, preset.make)


def _traits() -> Iterable[Sample]:
    yield _trait(LAYER)
    yield _trait("sequence", return_sequences=True, return_state=True)
    yield _trait("stack", [UNITS, UNITS + 1], return_sequences=True)
    yield _trait("reverse", go_backwards=True, return_sequences=True)
    yield _trait(BOTH_WAYS, bidirectional="concat", return_sequences=True)
    tokens: dict[str, Any] = {"input_dim": 11, "return_sequences": True}
    yield _trait(MASKED, mask_zero=True, **tokens)
    yield _trait(RIGHT_PADDED, padding="right", mask_zero=True, **tokens)
    yield _trait("embedding", **tokens)
    yield Sample("initial state", "trait", BATCH, TIME, _initial_state)
    yield Sample(
        "streaming", "trait", BATCH, TIME, lambda: streaming(_layer("streaming")), keras=False
    )
    for kind in ("relu", "sigmoid", "linear", "relu6", "elu", "hard_sigmoid", "softsign", "gelu"):
        yield _trait(kind, activation=kind, return_sequences=True)
    yield Sample("dense", "trait", BATCH, TIME, _dense)
    for dtype in ("float16", "float64"):
        yield _trait(dtype, dtype=dtype, return_sequences=True)


def _trait(
    name: str, units: list[int] | None = None, padding: str = "any", **options: object
) -> Sample:
    return Sample(name, "trait", BATCH, TIME, partial(_layer, name, units, **options), padding)


def _layer(name: str, units: list[int] | None = None, **options: object) -> Network:
    made: Network = stacked(
        units or [UNITS],
        FEATURES,
        name=name,
        bias_initializer="uniform",
        **options,  # type: ignore[arg-type]
    )
    return made


def _dense() -> Network:
    rnn = {"class": "SimpleRNN", "units": UNITS, "bias_initializer": "uniform"}
    head = {"class": "Dense", "units": UNITS + 1, "activation": "relu"}
    return sequential([rnn, head], name="dense", input={"shape": ["time", FEATURES]})


def _initial_state() -> Network:
    """The layer's network, its state fed from outside and put out again."""
    (call,) = _layer("initial state").recurrent()
    cells = call.op.cells if isinstance(call.op, Recurrent) else ()
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), "float32")
    h0 = draft.input("h0", ("batch", UNITS), "float32")
    hints = {"class": "SimpleRNN"}
    made = draft.call(
        "rnn", Recurrent(cells, ("sequence", "state")), [x], initial=[h0], hints=hints
    )
    for tensor in made:
        draft.output("rnn", tensor)
    return draft.finish(Source("python", "initial state", facts=(("class", "Functional"),)))
