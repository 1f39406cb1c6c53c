"""Keras models drawn at random, for every differential test: recipes of steps that Hypothesis can shrink.

A recipe is plain data. ``keras_building.build`` makes the model of it: each step takes tensors that stand on the
bench (chosen by numbers, modulo what is there) and puts its results back; a step that does not fit is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

FLOAT_ACTIVATIONS = ("tanh", "sigmoid", "relu", "linear", "softsign", "leaky_relu", "hard_sigmoid")
"""1-Lipschitz, so that errors do not grow and the bound of a comparison stays small."""

SEQUENCE_STEPS = (
    *("simple_rnn", "simple_rnn", "rnn_cell", "rnn_stack", "bidirectional", "encoder_decoder"),
    *("dense", "time_distributed", "activation", "dropout", "masking", "explicit_mask"),
    *("merge", "merge", "concat_features", "concat_time", "layer_norm", "batch_norm"),
    *("nested", "shared", "pool", "repeat", "permute", "flatten"),
)


@dataclass(frozen=True)
class Inputs:
    """What the model is given.

    Args:
        kind: "floats" (batch, time, features) or "tokens" (batch, time), looked up by an Embedding.
        mask: whether zeros mean padding: Masking, or Embedding(mask_zero=True).
        time: the length that Input fixes; None leaves it open.
        second: a further sequence input of its own length.
    """

    kind: str = "floats"
    mask: bool = True
    time: int | None = None
    second: bool = False


@dataclass(frozen=True)
class Step:
    """One layer, or a few.

    Args:
        kind: one of SEQUENCE_STEPS.
        units: of its recurrent or dense parts.
        activation: of those.
        flags: eight booleans, each step reads those it has a use for.
        choice: picks a merge mode, a cell count, ...
        tensor: picks the tensor to work on, from the latest.
        other: picks a second one.
    """

    kind: str
    units: int
    activation: str
    flags: tuple[bool, ...]
    choice: int
    tensor: int
    other: int


@dataclass(frozen=True)
class Recipe:
    """A whole model.

    Args:
        inputs: what it is given.
        steps: its layers.
        outputs: how many tensors, from the latest, it puts out.
        sequential: build it as a Sequential, from the steps that fit one.
        called: a Sequential without Input, built by being called.
        seed: of its weights and of what it is fed.
    """

    inputs: Inputs
    steps: tuple[Step, ...]
    outputs: int = 1
    sequential: bool = False
    called: bool = False
    seed: int = 0


def steps(kinds: tuple[str, ...] = SEQUENCE_STEPS) -> st.SearchStrategy[Step]:
    """Return a strategy for one step."""
    return st.builds(
        Step,
        kind=st.sampled_from(kinds),
        units=st.sampled_from((2, 3, 4, 6)),
        activation=st.sampled_from(FLOAT_ACTIVATIONS),
        flags=st.tuples(*[st.booleans()] * 8),
        choice=st.integers(0, 11),
        tensor=st.integers(0, 3),
        other=st.integers(0, 3),
    )


def recipes(*, most: int = 5, kinds: tuple[str, ...] = SEQUENCE_STEPS) -> st.SearchStrategy[Recipe]:
    """Return a strategy for models of two to ``most`` steps."""
    inputs = st.builds(
        Inputs,
        kind=st.sampled_from(("floats", "tokens")),
        mask=st.booleans(),
        time=st.sampled_from((None, None, 7, 1)),
        second=st.booleans(),
    )
    return st.builds(
        Recipe,
        inputs=inputs,
        steps=st.lists(steps(kinds), min_size=2, max_size=most).map(tuple),
        outputs=st.integers(1, 3),
        sequential=st.sampled_from((False, False, False, True)),
        called=st.booleans(),
        seed=st.integers(0, 2**31 - 1),
    )
