"""Other tools' translations of the same source: more files to measure against and to check against."""

from rnn_export.peers.keras_export import loop
from rnn_export.peers.translating import translate

__all__ = ["loop", "translate"]
