"""The readers' one door: any source a user may hand over becomes a network."""

from __future__ import annotations

import os
from pathlib import Path

from rnn_export.errors import ReadError
from rnn_export.network import Network
from rnn_export.readers.files import read_file, read_pair
from rnn_export.readers.limits import Limits
from rnn_export.readers.live import looks_live, read_live

Readable = object
"""A path, a pair of paths (configuration, weights), or a live keras.Model."""

_DEFAULT = Limits()


def read(source: Readable, *, allow_nonfinite: bool = False, limits: Limits = _DEFAULT) -> Network:
    """Return the network of a Keras model. Nothing in a file is executed or imported by name.

    Args:
        source: a ``.keras`` file, a legacy ``.h5`` file of Keras 2 or 3, a ``.json`` configuration with its
            ``.weights.h5`` beside it or as a pair, or a live ``keras.Model`` on any Keras backend.
        allow_nonfinite: accept weights that hold NaN or infinities.
        limits: how large a file may be.

    Returns:
        The network; equal, with the same digest, from any source of the same model. Weights of a file stay in it
        until they are read.

    Raises:
        ReadError: the source, or a layer in it, cannot be read; the error names it and the way out.
    """
    if isinstance(source, (str, os.PathLike)):
        return read_file(Path(source), allow_nonfinite=allow_nonfinite, limits=limits)
    if isinstance(source, (tuple, list)) and len(source) == 2:
        config, weights = (Path(part) for part in source)
        return read_pair(config, weights, allow_nonfinite=allow_nonfinite, limits=limits)
    if looks_live(source):
        return read_live(source, allow_nonfinite=allow_nonfinite, limits=limits)
    raise ReadError(
        "source",
        expected="a path, a pair (config, weights), or a keras.Model",
        got=f"a {type(source).__name__}",
    )
