"""The live Keras model of a network: the only builder that imports Keras, and only when called."""

from rnn_export.builders.live.model import keras_model, save_keras

__all__ = ["keras_model", "save_keras"]
