"""Source files: what kind a file is, by its first bytes, and how each kind becomes a network."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from rnn_export.errors import ReadError
from rnn_export.network import Network, Source
from rnn_export.readers.archive import CONFIG, METADATA, WEIGHTS, Span, damaged, open_archive
from rnn_export.readers.assembly import assemble
from rnn_export.readers.hdf5 import Store, open_store
from rnn_export.readers.json_text import Json, parse
from rnn_export.readers.layer_config import TreeMaker
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.limits import Limits
from rnn_export.readers.variables import OrderedVariables, SavedVariables, Variables

LOG = logging.getLogger(__name__)
_ZIP, _HDF5 = b"PK", b"\x89HDF\r\n\x1a\n"


def read_file(path: Path, *, allow_nonfinite: bool, limits: Limits) -> Network:
    """Return the network of a ``.keras`` file, a legacy ``.h5`` file, or a ``.json`` with its weights beside it.

    Raises:
        ReadError: there is no such file, or anything in it that cannot be read.
    """
    path = path.absolute()
    start = _first_bytes(path)
    reader = FileReader(allow_nonfinite, limits)
    if start.startswith(_HDF5):
        return reader.hdf5(path)
    if start.lstrip()[:1] == b"{" and path.suffix != ".keras":
        return reader.pair(path, _weights_beside(path))
    return reader.archive(path)


def read_pair(config: Path, weights: Path, *, allow_nonfinite: bool, limits: Limits) -> Network:
    """Return the network of a ``.json`` configuration and a ``.weights.h5`` file."""
    config, weights = config.absolute(), weights.absolute()
    if _first_bytes(config).startswith(_HDF5):
        config, weights = weights, config
    return FileReader(allow_nonfinite, limits).pair(config, weights)


class FileReader:
    """Reads each kind of file with the same options."""

    def __init__(self, allow_nonfinite: bool, limits: Limits) -> None:
        self._allow_nonfinite = allow_nonfinite
        self._limits = limits

    def archive(self, path: Path) -> Network:
        """Read a ``.keras`` archive."""
        with open_archive(path, self._limits) as archive:
            config = parse(archive.text(CONFIG), f"{path}: {CONFIG}", self._limits)
            facts: dict[str, Json] = {}
            if METADATA in archive:
                facts = parse(archive.text(METADATA), f"{path}: {METADATA}", self._limits)
            version = facts.get("keras_version")
            held = archive.weights()
            with open_store(f"{path}: {WEIGHTS}", held, self._limits) as store:
                return self._network(path, "keras-file", config, version, store, "")

    def hdf5(self, path: Path) -> Network:
        """Read a legacy model file, or a weights file with its configuration beside it."""
        with open_store(str(path), _whole(path), self._limits) as store:
            attributes = store.attributes("")
            text = attributes.get("model_config")
            if text is None:
                return self.pair(_config_beside(path), path)
            config = parse(_bytes(text), f"{path}: model_config", self._limits)
            version = attributes.get("keras_version")
            return self._network(path, "h5-file", config, version, store, "model_weights")

    def pair(self, config_path: Path, weights: Path) -> Network:
        """Read a configuration and the weights that belong to it."""
        size = config_path.stat().st_size
        self._limits.hold("config_bytes", size, str(config_path), "bytes")
        try:
            text = config_path.read_bytes()
        except OSError as error:
            raise damaged(config_path, error) from None
        config = parse(text, str(config_path), self._limits)
        _first_bytes(weights)
        with open_store(str(weights), _whole(weights), self._limits) as store:
            return self._network(
                config_path, "h5-file", config, config.get("keras_version"), store, ""
            )

    def _network(
        self,
        path: Path,
        kind: str,
        config: Mapping[str, Json],
        version: object,
        store: Store,
        root: str,
    ) -> Network:
        text = (
            _bytes(version).decode("utf-8", "replace") if isinstance(version, (str, bytes)) else ""
        )
        keras2 = text.startswith(("1.", "2.")) or (not text and "module" not in config)
        model = TreeMaker(keras2=keras2, limits=self._limits).model(config, str(path))
        facts = (("keras_version", text),) if text else ()
        network = assemble(
            model,
            _variables(store, root, model),
            Source(kind, model.name, str(path), facts),
            keras2=keras2,
            allow_nonfinite=self._allow_nonfinite,
            limits=self._limits,
        )
        LOG.debug("%s: read, %d calls", path, len(network.calls))
        return network


def _variables(store: Store, root: str, model: Layer) -> Variables:
    """Return the weights by the way this file keeps them."""
    names = store.attributes(root)
    if "layer_names" in names or "layer_names0" in names:
        return OrderedVariables(store, root, model)
    return SavedVariables(store)


def _whole(path: Path) -> Span:
    return Span(path, 0, path.stat().st_size)


def _bytes(text: object) -> bytes:
    # Bytes that are no UTF-8 come from h5py, and "\\ud800" from JSON, as lone surrogates: whoever decodes refuses them.
    return text if isinstance(text, bytes) else str(text).encode(errors="surrogatepass")


def _first_bytes(path: Path) -> bytes:
    """Return the first bytes of a file.

    Raises:
        ReadError: there is no file, or a directory in its place.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ReadError(str(path), expected="a model file", got="a device or a pipe")
    if path.is_dir():
        raise ReadError(
            str(path),
            expected="a model file",
            got="a directory",
            advice=f"Name the .keras file, or the {CONFIG} in it.",
        )
    try:
        with open(path, "rb") as file:
            return file.read(64)
    except FileNotFoundError:
        raise ReadError(str(path), expected="a model file", got="no such file") from None
    except OSError as error:
        raise ReadError(
            str(path), expected="a file that can be read", got=error.strerror or "an error"
        ) from None


def _weights_beside(config: Path) -> Path:
    """Return the weights file that belongs to a ``.json`` configuration."""
    stem = config.stem
    names = (f"{stem}.weights.h5", f"{stem}.h5", f"{stem}_weights.h5", WEIGHTS)
    return _beside(config, names, "its weights beside it", "a pair (config.json, model.weights.h5)")


def _config_beside(weights: Path) -> Path:
    """Return the ``.json`` configuration that belongs to a weights file."""
    stem = weights.name.removesuffix(".h5").removesuffix(".weights").removesuffix("_weights")
    names = (f"{stem}.json", CONFIG)
    return _beside(
        weights, names, "a model, or its configuration beside it", "a pair (json, weights)"
    )


def _beside(path: Path, names: tuple[str, ...], expected: str, pair: str) -> Path:
    for name in names:
        if (found := path.parent / name).is_file():
            return found
    raise ReadError(
        str(path),
        expected=expected,
        got=f"none of {', '.join(dict.fromkeys(names))}",
        advice=f"Save the whole model with model.save('model.keras'), or give {pair}.",
    )
