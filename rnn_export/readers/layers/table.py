"""Every layer class that can be read."""

from __future__ import annotations

from rnn_export.readers.layers import (
    activations,
    bidirectional,
    core,
    distributed,
    merges,
    normalizing,
    recurrent,
    shaping,
)
from rnn_export.readers.layers.entry import Entry

LAYERS: dict[str, Entry] = {
    **activations.TABLE,
    **bidirectional.TABLE,
    **core.TABLE,
    **distributed.TABLE,
    **merges.TABLE,
    **normalizing.TABLE,
    **recurrent.TABLE,
    **shaping.TABLE,
}

__all__ = ["LAYERS", "Entry"]
