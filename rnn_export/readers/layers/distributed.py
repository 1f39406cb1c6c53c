"""TimeDistributed: the wrapped layer acts on every time step alike, so for most layers it acts on the whole at once."""

from __future__ import annotations

from rnn_export.errors import ReadError
from rnn_export.readers.layers.core import NOTHING
from rnn_export.readers.layers.entry import Entry, hand_on
from rnn_export.readers.policy import policy
from rnn_export.readers.use import Use
from rnn_export.readers.values import Value, values

# Layers that can tell the time axis from their own.
_INNER = (
    *NOTHING,
    *("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "ThresholdedReLU", "Softmax"),
    *("Dense", "Embedding", "Rescaling", "BatchNormalization", "LayerNormalization"),
    *("Flatten", "Permute", "Reshape"),
    *("Functional", "Model", "Sequential"),
)


def _time_distributed(use: Use) -> list[Value]:
    """Source: keras.layers.TimeDistributed.call, which gives the layer's ``call`` each step."""
    value = use.one()
    if use.spec(value).rank < 3:
        raise ReadError(
            use.subject, expected="an input (batch, time, ...)", got=f"rank {use.spec(value).rank}"
        )
    inner = use.layer.part("layer")
    for layer in inner.walk():
        if layer.kind not in (*_INNER, "InputLayer"):
            raise ReadError(
                layer.subject,
                expected=f"inside {use.subject} one of {', '.join(sorted(_INNER))}",
                got=f"class {layer.kind}",
                advice="Give the steps to it as a batch: reshape to (batch * time, ...) outside the model.",
            )
    if inner.graph is None and policy(inner).compute != use.policy.compute:
        raise ReadError(
            inner.subject,
            expected=f"the dtype policy of {use.subject}",
            got=policy(inner).compute,
            advice="Give both the same dtype.",
        )
    softmax = next((layer for layer in inner.walk() if layer.kind == "Softmax"), None)
    if softmax is not None and use.as_mask(use.given_mask()) is not None:
        # Keras hands it the mask of each step, (batch,), which lies along the features where it fits at all.
        raise ReadError(
            softmax.subject,
            expected=f"no mask inside {use.subject}",
            got="a masked input",
            advice="Use keras.layers.Activation('softmax'), which heeds no mask.",
        )
    path = f"{use.path}/{inner.name}"
    outputs = use.lowering.use(inner, [Value(value.tensor)], {}, path, lead=use.lead + 1)
    return [Value(output.tensor) for output in values(outputs)]


TABLE = {"TimeDistributed": Entry(_time_distributed, ("inputs", "training", "mask"), hand_on)}
