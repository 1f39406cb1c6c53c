"""Builders: networks described in Python or TOML; networks run in NumPy or turned into live Keras models."""

from rnn_export.builders import reference
from rnn_export.builders.description import networks_from_toml, sequential, simple_rnn, stacked
from rnn_export.builders.live import keras_model, save_keras

__all__ = [
    "keras_model",
    "networks_from_toml",
    "reference",
    "save_keras",
    "sequential",
    "simple_rnn",
    "stacked",
]
