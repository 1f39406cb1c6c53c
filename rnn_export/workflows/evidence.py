"""Evidence: every observation of a verification in a folder, from which the verdict can be passed again.

index.json names the source and the sha256 of every file; each observation is one .npz of arrays and one .json.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from rnn_export.errors import StoreError
from rnn_export.network import Network
from rnn_export.network.streaming import streaming
from rnn_export.runtimes.frames import dtype_named
from rnn_export.store import write_bytes
from rnn_export.store.writing import storing
from rnn_export.verifier import (
    CaseResult,
    InputSet,
    Observation,
    Outcome,
    Report,
    judge,
)
from rnn_export.workflows.exporting import network_of
from rnn_export.workflows.packing import packed, unpacked
from rnn_export.workflows.sources import Opened

INDEX = "index.json"
SCHEMA = 1


def begin(folder: Path, opened: Opened) -> None:
    """Make the folder for one verification's evidence, with the Keras file that it judges against.

    Raises:
        StoreError: there is something in it already, or it cannot be written.
    """
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise StoreError(
                str(folder),
                expected="an empty folder for the evidence",
                got="one with files in it",
                advice="Name another, or empty it.",
            )
        source = None
        if opened.keras is not None:
            source = f"source{opened.keras.suffix}"
            shutil.copyfile(opened.keras, folder / source)
    index: dict[str, Any] = {
        "schema": SCHEMA,
        "source": opened.name,
        "file": source,
        "network": opened.network.digest,
        "sha256": {} if source is None else {source: _sum(folder / source)},
    }
    _seal(folder, index)


def keep(folder: Path, observation: Observation, inputs: InputSet, file: str) -> None:
    """Add one observation to the folder.

    Args:
        folder: that `begin` made.
        observation: what was shown.
        inputs: the set that was run.
        file: the ONNX file, as the user named it.

    Raises:
        StoreError: it cannot be written.
    """
    header, arrays = packed(observation)
    dtypes = {key: values.dtype.name for key, values in arrays.items()}
    header |= {
        "inputs": {
            "kind": inputs.kind,
            "batch": inputs.batch,
            "time": inputs.time,
            "seed": inputs.seed,
        },
        "coverage": inputs.coverage,
        "idle": bool(inputs.idle),
        "file": file,
    }
    index = _index(folder)
    name = f"observation-{len(list(folder.glob('observation-*.json'))):03d}"
    arrays = {key: _storable(values) for key, values in arrays.items()}
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **{f"a{at}": arrays[key] for at, key in enumerate(arrays)})
    header["arrays"] = [[key, dtypes[key]] for key in arrays]
    write_bytes(folder / f"{name}.npz", buffer.getvalue())
    write_bytes(folder / f"{name}.json", (json.dumps(header, indent=1) + "\n").encode())
    for suffix in (".npz", ".json"):
        index["sha256"][f"{name}{suffix}"] = _sum(folder / f"{name}{suffix}")
    _seal(folder, index)


def rejudge(
    folder: str | Path, tell: Callable[[str, int, int], None] = lambda name, done, of: None
) -> Report:
    """Pass the verdict again on everything that a verification has kept.

    Runtimes that showed nothing (not installed, refused) left no evidence, and are not in the report.

    Args:
        folder: what `verify --evidence` wrote.
        tell: told what was judged, how many are done, and how many there are.

    Raises:
        StoreError: there is no evidence, or it was changed.
        ReadError: the Keras file in it cannot be read.
    """
    place = Path(folder)
    index = _index(place)
    source = place / index["file"] if index["file"] else index["source"]
    network = network_of(str(source))
    if network.digest != index["network"]:
        raise _damaged(place, "another network than the evidence is of")
    cases: list[CaseResult] = []
    kept = [
        name
        for name in sorted(index["sha256"])
        if name.startswith("observation-") and name.endswith(".json")
    ]
    for done, name in enumerate(kept, 1):
        cases += _case(network, *_loaded(place / name))
        tell(name, done, len(kept))
    return Report(str(folder), tuple(cases), (), network.digest)


def _case(
    network: Network, observation: Observation, header: Mapping[str, Any]
) -> Iterator[CaseResult]:
    verdict = judge(_meant(network, observation.facts.network_digest), observation)
    if header["idle"] and verdict.outcome == Outcome.UNVERIFIABLE:
        return  # as in `verify`: such a set can fail a file, and no more
    facts = observation.facts
    yield CaseResult(
        facts.form,
        facts.runtime,
        replace(verdict, coverage=header["coverage"]),
        version=facts.version,
        placement=facts.placement,
        inputs=header["inputs"],
        file=header["file"],
    )


def _meant(network: Network, digest: str) -> Network:
    """Return the network that an observation is of: the source's, or its streaming version."""
    if digest == network.digest or network.streams:
        return network
    streams = streaming(network)
    return streams if streams.digest == digest else network


def _index(folder: Path) -> dict[str, Any]:
    with storing(folder / INDEX, "evidence", advice="`verify --evidence DIR` keeps some."):
        text = (folder / INDEX).read_text()
    try:
        index: dict[str, Any] = json.loads(text)
        known = index["schema"] == SCHEMA and {"source", "file", "network"} <= index.keys()
        inside = index["file"] is None or Path(index["file"]).name == index["file"]
        sealed = index.pop("seal") == _digest(index)
        sums = {Path(name).name: str(value) for name, value in index["sha256"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(folder, f"an index that is none ({error})") from error
    if not known or not inside:
        raise _damaged(folder, "an index of another kind")
    if not sealed:
        raise _damaged(folder, "an index that was edited")
    for name, wanted in sums.items():
        with storing(folder / name, expected="a file that can be read"):
            if _sum(folder / name) != wanted:
                raise _damaged(folder / name, "a file that was edited")
    return index


def _seal(folder: Path, index: dict[str, Any]) -> None:
    """Write the index with the digest of itself: against mistakes and touching up, not against forgers."""
    sealed = {**index, "seal": _digest(index)}
    write_bytes(folder / INDEX, (json.dumps(sealed, indent=2) + "\n").encode())


def _digest(index: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _storable(values: np.ndarray) -> np.ndarray:
    """Return bfloat16 as the bits that it is: NumPy's files know no such dtype."""
    return values.view(np.uint16) if values.dtype.name == "bfloat16" else values


def _loaded(path: Path) -> tuple[Observation, dict[str, Any]]:
    try:
        with storing(path, expected="a file that can be read"):
            header: dict[str, Any] = json.loads(path.read_text())
            held = np.load(path.with_suffix(".npz"), allow_pickle=False)
        arrays = {}
        for at, (name, dtype) in enumerate(header["arrays"]):
            values = held[f"a{at}"]
            arrays[name] = values.view(dtype_named(dtype)) if dtype == "bfloat16" else values
        return unpacked(header, arrays), header
    except (LookupError, TypeError, ValueError, EOFError, MemoryError, BadZipFile) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _damaged(subject: Path, got: str) -> StoreError:
    return StoreError(
        str(subject),
        expected="evidence as `verify --evidence` wrote it",
        got=got,
        advice="Verify again.",
    )
