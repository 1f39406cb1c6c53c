"""Keras models drawn at random, for every differential test: recipes of steps that Hypothesis can shrink.

A recipe is plain data. ``keras_building.build`` makes the model of it: each step takes tensors that stand on the
bench (chosen by numbers, modulo what is there) and puts its results back; a step that does not fit is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

FLOAT_ACTIVATIONS = ("tanh", "sigmoid", "relu", "linear", "softsign", "leaky_relu", "hard_sigmoid")
"""1-Lipschitz, so that errors do not grow and the bound of a comparison stays small."""

ACTIVATIONS = (
    *(
        "celu",
        "elu",
        "exponential",
        "gelu",
        "hard_shrink",
        "hard_sigmoid",
        "hard_silu",
        "hard_tanh",
    ),
    *(
        "leaky_relu",
        "linear",
        "log_sigmoid",
        "log_softmax",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
    ),
    *("silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid"),
    *("sparsemax", "squareplus", "tanh", "tanh_shrink"),
    *("ELU(0.5)", "LeakyReLU(0.1)", "ReLU(2.0)", "ReLU(6.0, 0.1)", "ReLU(None, 0.1, 0.25)"),
)
"""All of keras.activations that a name suffices for, and layers that serve as one, with their arguments."""

DTYPES = (
    *("float32", "float32", "float32", "float32", "float64", "float16", "bfloat16"),
    *("mixed_float16", "mixed_bfloat16"),
)
"""dtype policies; most models are float32."""

SEQUENCE_STEPS = (
    *("simple_rnn", "simple_rnn", "rnn_cell", "rnn_stack", "bidirectional", "encoder_decoder"),
    *("dense", "time_distributed", "activation", "dropout", "masking", "explicit_mask"),
    *("merge", "merge", "concat_features", "concat_time", "layer_norm", "batch_norm"),
    *("nested", "shared", "pool", "repeat", "permute", "flatten"),
)

MORE_STEPS = ("leaky_relu", "prelu", "softmax", "noise", "reshape", "rescaling")
"""Layers on single steps, for models that the verifier judges."""


@dataclass(frozen=True)
class Inputs:
    """What the model is given.

    Args:
        kind: "floats" (batch, time, features) or "tokens" (batch, time), looked up by an Embedding.
        mask: whether zeros mean padding: Masking, or Embedding(mask_zero=True).
        time: the length that Input fixes; None leaves it open.
        second: a further sequence input of its own length.
        stateful: whether the batch is fixed and every SimpleRNN and RNN keeps its state.
    """

    kind: str = "floats"
    mask: bool = True
    time: int | None = None
    second: bool = False
    stateful: bool = False


@dataclass(frozen=True)
class Step:
    """One layer, or a few.

    Args:
        kind: one of SEQUENCE_STEPS.
        units: of its recurrent or dense parts.
        activation: of those: a name, or a layer with its arguments.
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
        dtype: the dtype policy of every layer.
    """

    inputs: Inputs
    steps: tuple[Step, ...]
    outputs: int = 1
    sequential: bool = False
    called: bool = False
    seed: int = 0
    dtype: str = "float64"


def steps(
    kinds: tuple[str, ...] = SEQUENCE_STEPS, activations: tuple[str, ...] = FLOAT_ACTIVATIONS
) -> st.SearchStrategy[Step]:
    """Return a strategy for one step."""
    return st.builds(
        Step,
        kind=st.sampled_from(kinds),
        units=st.sampled_from((2, 3, 4, 6)),
        activation=st.sampled_from(activations),
        flags=st.tuples(*[st.booleans()] * 8),
        choice=st.integers(0, 11),
        tensor=st.integers(0, 3),
        other=st.integers(0, 3),
    )


def recipes(
    *,
    most: int = 5,
    kinds: tuple[str, ...] = SEQUENCE_STEPS,
    activations: tuple[str, ...] = FLOAT_ACTIVATIONS,
    dtypes: tuple[str, ...] = ("float64",),
    stateful: bool = False,
    inputs: tuple[str, ...] = ("floats", "tokens"),
    least: int = 2,
) -> st.SearchStrategy[Recipe]:
    """Return a strategy for models of ``least`` to ``most`` steps, some of them stateful if so asked."""
    fed = st.builds(
        Inputs,
        kind=st.sampled_from(inputs),
        mask=st.booleans(),
        time=st.sampled_from((None, None, None, 7, 7, 1)),
        second=st.booleans(),
        stateful=st.sampled_from((False, False, False, True) if stateful else (False,)),
    )
    return st.builds(
        Recipe,
        inputs=fed,
        steps=st.lists(steps(kinds, activations), min_size=least, max_size=most).map(tuple),
        outputs=st.integers(1, 3),
        sequential=st.sampled_from((False, False, False, True)),
        called=st.booleans(),
        seed=st.integers(0, 2**31 - 1),
        dtype=st.sampled_from(dtypes),
    )


JUDGED = recipes(
    kinds=(*SEQUENCE_STEPS, *MORE_STEPS), activations=ACTIVATIONS, dtypes=DTYPES, stateful=True
)
"""Models of everything: for comparisons whose bound the verifier works out."""

LOOKED_UP = recipes(
    most=3,
    least=1,
    kinds=("simple_rnn", "rnn_cell", "rnn_stack", "bidirectional", "shared"),
    activations=ACTIVATIONS,
    dtypes=DTYPES,
    stateful=True,
    inputs=("tokens",),
)
"""Models that begin with an Embedding which, mostly, recurrent layers alone read."""
