"""A network with its weights in memory: a peer's environment has NumPy, and need not have what reads Keras files."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from rnn_export.network import ArrayWeight, Network, Weight


def in_memory(network: Network) -> Network:
    """Return the same network, every weight read; its digest is the same."""
    calls = tuple(replace(call, op=_read(call.op)) for call in network.calls)
    return replace(network, calls=calls)


def _read(part: Any) -> Any:
    """Return a dataclass, or a tuple of them, with the weights within read."""
    if isinstance(part, tuple):
        return tuple(map(_read, part))
    if isinstance(part, Weight):
        return ArrayWeight(part.read())
    if not is_dataclass(part) or isinstance(part, type):
        return part
    changes = {item.name: _read(getattr(part, item.name)) for item in fields(part)}
    return replace(part, **changes)
