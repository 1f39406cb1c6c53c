"""The manual reference: any network in plain NumPy, in float32 or float64, step by step as the seeds do it."""

# Imported because each registers its ops with `compute`.
from rnn_export.builders.reference import (
    arranging,
    masking,
    mixing,
    normalizing,
    pointwise,
    recurrence,
)
from rnn_export.builders.reference.computing import evaluate
from rnn_export.builders.reference.running import run, trace

__all__ = [
    "arranging",
    "evaluate",
    "masking",
    "mixing",
    "normalizing",
    "pointwise",
    "recurrence",
    "run",
    "trace",
]
