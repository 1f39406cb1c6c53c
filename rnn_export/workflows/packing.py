"""An observation as plain JSON and named arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from rnn_export.verifier import CellReading, Envelope, Facts, Observation
from rnn_export.verifier.static import StaticFault, StaticFinding

ARRAYS = ("states", "x", "initial", "lengths", "mask", "added")
"""The fields of a CellReading that are arrays."""


def packed(observation: Observation) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what JSON can hold of an observation, and its arrays by name."""
    arrays = {
        **{f"feeds/{name}": values for name, values in observation.feeds.items()},
        **{f"shipped/{name}": values for name, values in observation.shipped.items()},
        **{f"tapped/{name}": values for name, values in (observation.tapped or {}).items()},
    }
    cells = []
    for number, cell in enumerate(observation.cells):
        held = {name: getattr(cell, name) for name in ARRAYS}
        arrays |= {f"cell{number}/{name}": v for name, v in held.items() if v is not None}
        plain = [item.name for item in fields(cell) if item.name not in ARRAYS]
        cells.append({name: getattr(cell, name) for name in plain})
    header = {
        "facts": asdict(observation.facts),
        "tapped": observation.tapped is not None,
        "cells": cells,
        "envelope": asdict(observation.envelope),
        "static": None if observation.static is None else asdict(observation.static),
        "seed": observation.seed,
    }
    return header, arrays


def unpacked(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Observation:
    """Return the observation that `packed` was given.

    Raises:
        LookupError, TypeError, ValueError: it is not what `packed` returned.
    """
    static, envelope = header["static"], header["envelope"]
    readings: list[dict[str, Any]] = [
        {**plain, **_group(arrays, f"cell{number}")} for number, plain in enumerate(header["cells"])
    ]
    return Observation(
        _group(arrays, "feeds"),
        _group(arrays, "shipped"),
        Facts(**header["facts"]),
        _group(arrays, "tapped") if header["tapped"] else None,
        tuple(CellReading(**reading) for reading in readings),
        Envelope(
            tuple(map(tuple, envelope["measured"])),
            envelope["stored"],
            tuple(map(tuple, envelope.get("sums", ()))),
            tuple(envelope.get("carried", ())),
        ),
        None if static is None else _static(static),
        header["seed"],
    )


def _static(found: Mapping[str, Any]) -> StaticFinding:
    faults = tuple(StaticFault(**fault) for fault in found["faults"])
    return StaticFinding(tuple(found["checked"]), faults, tuple(found["skipped"]))


def _group(arrays: Mapping[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    prefix = f"{group}/"
    return {
        name[len(prefix) :]: values for name, values in arrays.items() if name.startswith(prefix)
    }
