"""One entry of the list of hostile files, and the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
"""Files that Keras itself wrote: what the hostile ones are made from, and the fuzzers begin with."""

MODULES = (
    "plain",
    "archives",
    "texts",
    "wirings",
    "codes",
    "weights",
    "links",
    "legacy",
    "graphs",
    "tensors",
    "data",
    "more",
)

Write = Callable[[Path], None]


@dataclass(frozen=True)
class Hostile:
    """A hostile file.

    Args:
        name: of the entry, and of its folder.
        file: to hand over, within that folder.
        does: what it tries.
        refused: what the error must say of it (a part of the line).
        write: makes the file, and whatever it needs beside it, in an empty folder.
        brief: whether one command will do, since what refuses it is the reader, which has tests of its own.
    """

    name: str
    file: str
    does: str
    refused: str
    write: Write
    brief: bool = False

    @property
    def is_onnx(self) -> bool:
        """Whether it is an ONNX file; else it claims to be a Keras file."""
        return self.file.endswith(".onnx")

    def make(self, folder: Path) -> Path:
        """Write the file into a folder of its own within ``folder`` and return where it is."""
        place = folder / self.name
        place.mkdir(parents=True)
        self.write(place)
        return place / self.file


_LISTED: list[Hostile] = []


def listed(item: Hostile) -> None:
    """Put an entry on the list."""
    _LISTED.append(item)


def hostile(does: str, refused: str, file: str = "model.keras") -> Callable[[Write], Write]:
    """Put the function below on the list; its name is the entry's."""

    def decorated(write: Write) -> Write:
        listed(Hostile(write.__name__.replace("_", "-"), file, does, refused, write))
        return write

    return decorated


def everything() -> tuple[Hostile, ...]:
    """Return the list, each name once."""
    for module in MODULES:
        import_module(f"tests.attacks.hostile.{module}")
    names = [item.name for item in _LISTED]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(f"names: expected each once, got {sorted(repeated)} again")
    return tuple(_LISTED)
