"""Readers: from a Keras file or a live model to a network, safely; HDF5 and JSON, never Keras."""

from rnn_export.readers.limits import Limits
from rnn_export.readers.source import Readable, read

__all__ = ["Limits", "Readable", "read"]
