"""Models for the readers' comparison with Keras, each by a name that says what it tries."""

from __future__ import annotations

from tests.unit.readers.making import (
    RNN_OPTIONS,
    Make,
    both,
    explicit_mask,
    explicit_over_implicit,
    float_tokens,
    inner,
    joined,
    mask_of_numbers,
    nested_stack,
    on_masked,
    pooled,
    several_inputs_inside,
    shared,
    stack,
    states_for_both_ways,
    states_from_inputs,
    states_handed_over,
    steps_of_a_model,
    tokens,
    turned_round,
    two_ways_of_its_own,
)
from tests.unit.readers.models import F64, L, dense, rnn

MODELS: dict[str, Make] = {
    **{
        f"rnn-{name}": on_masked(lambda options=options: rnn(**options))
        for name, options in RNN_OPTIONS.items()
    },
    **{
        f"unrolled-{name}": on_masked(lambda options=options: rnn(unroll=True, **options), time=7)
        for name, options in RNN_OPTIONS.items()
    },
    **{
        f"both-{mode}-{last}": on_masked(
            lambda mode=mode, last=last: both(mode, return_sequences=not last, return_state=True)
        )
        for mode in ("concat", "sum", "mul", "ave", None)
        for last in (False, True)
    },
    "both-of-its-own": on_masked(two_ways_of_its_own),
    "both-turned-round": on_masked(turned_round),
    "both-of-stacks": on_masked(lambda: L.Bidirectional(stack(), **F64), rnn),
    "cell": on_masked(lambda: L.RNN(L.SimpleRNNCell(4, **F64), return_state=True, **F64)),
    "stack": on_masked(lambda: stack(return_state=True)),
    "stack-backwards": on_masked(lambda: stack(go_backwards=True)),
    "stack-of-stacks": on_masked(nested_stack),
    "layers-deep": on_masked(
        rnn, lambda: rnn(6, go_backwards=True), rnn, lambda: L.Dropout(0.2, **F64), rnn
    ),
    "states-handed-over": states_handed_over,
    "states-from-inputs": states_from_inputs,
    "states-for-both-ways": states_for_both_ways,
    "explicit-mask": explicit_mask,
    "explicit-mask-backwards": lambda: explicit_mask(go_backwards=True),
    "explicit-over-implicit": explicit_over_implicit,
    "mask-of-numbers": mask_of_numbers,
    "tokens": lambda: tokens(False),
    "tokens-masked": lambda: tokens(True),
    "tokens-as-floats": float_tokens,
    **{
        f"{kind.lower()}-{''.join(str(int(mask)) for mask in masks)}": joined(kind, masks)
        for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
        for masks in ((True, False), (True, True), (False, True, True), (True, True, True))
    },
    "subtract-10": joined("Subtract", (True, False)),
    "subtract-11": joined("Subtract", (True, True)),
    "concatenate-time-10": joined("Concatenate", (True, False), axis=1),
    "concatenate-time-01": joined("Concatenate", (False, True), axis=1),
    "concatenate-time-11": joined("Concatenate", (True, True), axis=-2),
    "dense": on_masked(lambda: dense(activation="relu", use_bias=False), rnn),
    "time-distributed": on_masked(lambda: L.TimeDistributed(dense(), **F64), rnn),
    "time-distributed-norm": on_masked(
        lambda: L.TimeDistributed(L.LayerNormalization(axis=1, epsilon=0.5, **F64), **F64), rnn
    ),
    "time-distributed-model": steps_of_a_model,
    "softmax": on_masked(rnn, lambda: L.Activation("softmax", **F64), rnn),
    "layer-norm": on_masked(rnn, lambda: L.LayerNormalization(epsilon=0.5, **F64), rnn),
    "layer-norm-bare": on_masked(
        lambda: L.LayerNormalization(center=False, scale=False, epsilon=0.5, **F64)
    ),
    "batch-norm": on_masked(rnn, lambda: L.BatchNormalization(epsilon=0.5, **F64), rnn),
    "batch-norm-time": on_masked(lambda: L.BatchNormalization(axis=1, epsilon=0.5, **F64), time=7),
    "prelu": on_masked(lambda: L.PReLU(shared_axes=[1], **F64), rnn),
    "leaky-relu": on_masked(lambda: L.LeakyReLU(0.1, **F64), lambda: L.ELU(0.5, **F64), rnn),
    "rescaling": on_masked(lambda: L.Rescaling(0.5, -0.25, **F64), rnn),
    "noise": on_masked(
        lambda: L.GaussianNoise(0.1, **F64),
        lambda: L.GaussianDropout(0.1, **F64),
        lambda: L.SpatialDropout1D(0.1, **F64),
        lambda: L.AlphaDropout(0.1, **F64),
        lambda: L.ActivityRegularization(0.1, **F64),
        lambda: L.Identity(**F64),
        rnn,
    ),
    "average": pooled("GlobalAveragePooling1D"),
    "average-keep": pooled("GlobalAveragePooling1D", keepdims=True),
    "maximum": pooled("GlobalMaxPooling1D"),
    "maximum-keep": pooled("GlobalMaxPooling1D", keepdims=True),
    "maximum-channels-first": pooled(
        "GlobalMaxPooling1D", data_format="channels_first", keepdims=True
    ),
    "flatten": on_masked(lambda: L.Flatten(**F64), dense, time=7),
    "flatten-channels-first": on_masked(
        lambda: L.Flatten(data_format="channels_first", **F64), dense, time=7
    ),
    "reshape": on_masked(lambda: L.Reshape((5, -1), **F64), rnn, time=7),
    "reshape-open": on_masked(lambda: L.Reshape((-1, 5), **F64), rnn),
    "permute": on_masked(lambda: L.Permute((2, 1), **F64), rnn, time=7),
    "repeat": on_masked(lambda: rnn(return_sequences=False), lambda: L.RepeatVector(6, **F64), rnn),
    "inner": inner(masks=False, functional=False),
    "inner-masks": inner(masks=True, functional=False),
    "inner-functional": inner(masks=True, functional=True),
    "inner-several-inputs": several_inputs_inside,
    "shared": shared,
}
