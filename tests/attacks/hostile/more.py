"""The files that the readers' own tests attack them with, as entries of the list."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.attacks.hostile.listing import Hostile, listed
from tests.attacks.hostile_configs import code, numbers, wiring
from tests.attacks.hostile_containers import containers
from tests.attacks.hostile_weights import legacy, stores

SOURCES = {"model.keras": (containers, code, wiring, numbers, stores), "model.h5": (legacy,)}


def _write(folder: Path, file: str, data: bytes) -> None:
    (folder / file).write_bytes(data)


for _file, _makers in SOURCES.items():
    for _make in _makers:
        for _name, _data in _make().items():
            _does = f"{_make.__name__}: {_name.replace('-', ' ')}"
            _way = partial(_write, file=_file, data=_data)
            listed(Hostile(f"{_make.__name__}-{_name}", _file, _does, "expected", _way, True))
