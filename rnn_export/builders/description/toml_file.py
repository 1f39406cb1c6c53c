"""Networks from a TOML file with Keras' parameter names."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from rnn_export.builders.description.options import Options
from rnn_export.builders.description.sequential import sequential
from rnn_export.errors import NetworkError, ReadError
from rnn_export.network import Network, Source


def networks_from_toml(path: str | os.PathLike[str]) -> list[Network]:
    """Return the networks that a TOML file describes, in its order.

    Each is a table ``[[network]]`` with ``name``, ``layers`` and perhaps ``input``, ``seed`` and ``dtype``,
    which mean what they mean for :func:`rnn_export.builders.sequential`::

        [[network]]
        name = "sentiment"
        seed = 7
        layers = [
          {class = "Embedding", input_dim = 5000, output_dim = 16, mask_zero = true},
          {class = "Bidirectional", merge_mode = "sum", layer = {class = "SimpleRNN", units = 24}},
          {class = "Dense", units = 3, activation = "softmax"},
        ]

    Raises:
        ReadError: a file that is missing, unreadable or no TOML.
        NetworkError: a network, layer or option that does not fit; the error names file, network, layer, option.
    """
    file = Path(path)
    tables = Options(_parsed(file), file.name).tables("network")
    networks: list[Network] = []
    for index, table in enumerate(tables):
        networks.append(_network(file, index, table))
        name = networks[-1].source.name
        if any(other.source.name == name for other in networks[:-1]):
            raise NetworkError(
                f"{file.name}, network {name!r}",
                expected="a name of its own",
                got="a second network of it",
            )
    return networks


def _parsed(file: Path) -> Mapping[str, object]:
    try:
        parsed = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(
            str(file), expected="a TOML file that can be read", got=error.strerror or str(error)
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ReadError(str(file), expected="TOML", got=str(error)) from error
    if "network" not in parsed:
        raise ReadError(
            str(file),
            expected="tables [[network]]",
            got=f"the keys {', '.join(parsed) or 'none'}",
            advice="Begin each network with [[network]].",
        )
    return parsed


def _network(file: Path, index: int, table: Mapping[str, object]) -> Network:
    label = table.get("name")
    subject = f"{file.name}, network {label!r}" if label else f"{file.name}, network {index}"
    options = Options(table, subject)
    name = options.text("name")
    seed = options.integer("seed", 0, least=0)
    dtype = options.text("dtype", "float32")
    given = options.raw("input")
    if given is not None and not isinstance(given, Mapping):
        raise options.wrong("input", 'a table such as {shape = ["time", 32]}', given)
    layers = options.tables("layers")
    options.finish()
    return sequential(
        layers,
        name=name,
        input=given,
        seed=seed,
        dtype=dtype,
        source=Source("toml", name, str(file)),
        subject=subject,
    )
