"""Presets: the models of the founding notebooks, by name, with weights that are the same everywhere."""

from __future__ import annotations

from difflib import get_close_matches
from types import MappingProxyType

from rnn_export.errors import NetworkError
from rnn_export.network import Network
from rnn_export.presets.cells import CELLS
from rnn_export.presets.loops import LOOPS
from rnn_export.presets.preset import Preset
from rnn_export.presets.states import STATES

__all__ = ["PRESETS", "Preset", "names", "network"]

PRESETS = MappingProxyType({preset.name: preset for preset in (*LOOPS, *CELLS, *STATES)})
"""Every preset by name, in the order of the notebooks."""


def names() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(PRESETS)


def network(name: str) -> Network:
    """Return the network of a preset; its weights have the same bits each time and everywhere.

    Raises:
        NetworkError: no preset of that name.
    """
    if name not in PRESETS:
        near = get_close_matches(name, PRESETS, 1)
        raise NetworkError(
            f"preset {name!r}",
            expected=f"one of {', '.join(PRESETS)}",
            got=repr(name),
            advice=f"Did you mean {near[0]!r}?" if near else "",
        )
    return PRESETS[name].make()
