"""Every op a network may call."""

from rnn_export.network.ops.arrange import (
    Concatenate,
    ExpandDims,
    Flip,
    Permute,
    Pool,
    Repeat,
    Reshape,
)
from rnn_export.network.ops.dense import Dense, Embedding
from rnn_export.network.ops.pointwise import (
    Activate,
    Affine,
    ApplyMask,
    BatchNormalization,
    Cast,
    CombineMasks,
    LayerNormalization,
    Merge,
    ParametricRelu,
    TokenMask,
    ValueMask,
)
from rnn_export.network.ops.recurrent import Cell, Recurrent

__all__ = [
    "Activate",
    "Affine",
    "ApplyMask",
    "BatchNormalization",
    "Cast",
    "Cell",
    "CombineMasks",
    "Concatenate",
    "Dense",
    "Embedding",
    "ExpandDims",
    "Flip",
    "LayerNormalization",
    "Merge",
    "ParametricRelu",
    "Permute",
    "Pool",
    "Recurrent",
    "Repeat",
    "Reshape",
    "TokenMask",
    "ValueMask",
]
