"""Test vectors for a page: inputs, the float64 reference and its bound for every output element, as plain files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnn_export.errors import ExportError
from rnn_export.network import Network
from rnn_export.network.dtypes import is_floating
from rnn_export.verifier import InputSet
from rnn_export.verifier.prediction import Expected, expect

FOLDER = "vectors"

DTYPES = frozenset(
    {"float64", "float32", "float16", "bool"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
"""What a browser has arrays for."""


def fits_browser(network: Network) -> None:
    """Raise unless every port has a dtype that JavaScript has arrays for.

    Raises:
        ExportError: one has not (bfloat16).
    """
    for port in (*network.inputs, *network.outputs):
        dtype = network.spec(port.tensor).dtype
        if dtype not in DTYPES:
            raise ExportError(
                f"port {port.name!r}",
                expected="a dtype that browsers have arrays for",
                got=dtype,
                advice="Export a model whose inputs and outputs are float32.",
            )


def write_cases(network: Network, sets: Sequence[InputSet], folder: Path) -> list[dict[str, Any]]:
    """Write the files of every input set into ``folder``/vectors; return what the page has to know of them.

    Args:
        network: what should be computed.
        sets: inputs; one that can only fail a model, and not pass it, is left out.
        folder: of the page.
    """
    (folder / FOLDER).mkdir()
    telling = [inputs for inputs in sets if not inputs.idle]
    return [_case(network, inputs, folder, f"{FOLDER}/{at}") for at, inputs in enumerate(telling)]


def _case(network: Network, inputs: InputSet, folder: Path, stem: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "kind": inputs.kind,
        "batch": inputs.batch,
        "time": inputs.time,
        "seed": inputs.seed,
        "inputs": [],
        "outputs": [],
    }
    for at, port in enumerate(network.inputs):
        values = np.asarray(inputs.feeds[port.name])
        file = f"{stem}-input-{at}.bin"
        _write(folder / file, values)
        made["inputs"].append(
            {"name": port.name, "dtype": values.dtype.name, "shape": values.shape, "file": file}
        )
    expected = expect(network, inputs.feeds, seed=inputs.seed)
    for at, port in enumerate(network.outputs):
        dtype = network.spec(port.tensor).dtype
        made["outputs"].append(
            {"name": port.name, "dtype": dtype}
            | _output(expected[port.name], dtype, inputs.time, folder, f"{stem}-output-{at}")
        )
    return made


def _output(
    item: Expected, dtype: str, time: int | None, folder: Path, stem: str
) -> dict[str, Any]:
    exact = not is_floating(dtype)
    value, bound = f"{stem}-value.bin", f"{stem}-bound.bin"
    _write(folder / value, item.value.astype(dtype if exact else np.float64))
    _write(folder / bound, item.bound.astype(np.float64))
    return {
        "shape": item.value.shape,
        "exact": exact,
        "steps": time if item.steps is None else item.steps,
        "value": value,
        "bound": bound,
    }


def _write(path: Path, values: np.ndarray) -> None:
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    path.write_bytes(np.ascontiguousarray(little).tobytes())
