"""Sources: whatever the user hands over, as a network and a Keras file that a runtime can load."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_export import presets
from rnn_export.errors import ReadError, RuntimeUnavailable
from rnn_export.network import Network
from rnn_export.workflows.keras_process import KerasProcess


@dataclass(frozen=True)
class Opened:
    """A source that was opened.

    Args:
        name: as the user wrote it; a live model's own name.
        network: what was read.
        keras: the Keras file: the original, or the one that the preset, description or live model was
            saved to. None where Keras is not installed.
        without: why there is no Keras file; "" if there is one.
    """

    name: str
    network: Network
    keras: Path | None
    without: str = ""


@contextmanager
def opened(source: str | Path | Network | Any, folder: Path, **reading: Any) -> Iterator[Opened]:
    """Open one source; files it needs are made in ``folder``.

    Args:
        source: a preset's name, a `.keras` or `.h5` file, a TOML file that describes one network (or
            "FILE.toml:NAME"), a network, or a live keras.Model.
        folder: an empty folder that outlives the use.
        reading: passed to the reader (``allow_nonfinite``).

    Raises:
        ReadError: nothing of that name, or not readable.
    """
    if isinstance(source, Network):
        yield _described(source.source.name or "network", source, folder, reading)
    elif isinstance(source, (str, os.PathLike)):
        yield _named(os.fspath(source), folder, reading)
    else:
        from rnn_export.readers import read

        # The reader looks at the live model; the runtime gets the file that Keras itself writes of it.
        network = read(source, **reading)
        path = folder / "model.keras"
        source.save(path)
        yield Opened(str(getattr(source, "name", "model")), network, path)


def _named(name: str, folder: Path, reading: dict[str, Any]) -> Opened:
    if name in presets.names():
        return _described(name, presets.network(name), folder, reading)
    file, _, wanted = name.partition(".toml:") if ".toml:" in name else (name, "", "")
    if wanted or name.endswith(".toml"):
        network = one_of(Path(f"{file}.toml" if wanted else name), wanted)
        return _described(name, network, folder, reading)
    from rnn_export.readers import read

    return Opened(name, read(name, **reading), Path(name))


def one_of(path: Path, wanted: str) -> Network:
    """Return the network that a TOML file describes under the name ``wanted``, or its only one for "".

    Raises:
        ReadError: the file cannot be read, or holds no such network, or several.
    """
    from rnn_export.builders import networks_from_toml

    networks = networks_from_toml(path)
    chosen = [network for network in networks if not wanted or network.source.name == wanted]
    if len(chosen) != 1:
        known = ", ".join(network.source.name for network in networks)
        raise ReadError(
            str(path),
            expected=f"a network named {wanted!r}" if wanted else "one network",
            got=f"{known or 'none'}",
            advice=f"Name one of them: {path}:NAME.",
        )
    return chosen[0]


def _described(name: str, network: Network, folder: Path, reading: dict[str, Any]) -> Opened:
    """Save a description as a Keras file, and go on from what is read back: like anyone's file."""
    from rnn_export.readers import read

    path = folder / "model.keras"
    # In a process of its own: TensorFlow prints, and would stay in ours.
    keras = KerasProcess()
    try:
        keras.save(network, path)
    except RuntimeUnavailable as missing:
        return Opened(name, network, None, str(missing))
    finally:
        keras.close()
    found = read(path, **reading)
    if found.digest != network.digest:
        raise ReadError(
            name,
            expected="the saved Keras file to read back as the same network",
            got=f"digest {found.digest[:12]} for {network.digest[:12]}",
            advice="This is a fault of rnn_export; please report it.",
        )
    return Opened(name, found, path)
