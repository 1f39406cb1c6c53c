"""Evidence: every observation of a verification in a folder, from which the verdict can be passed again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any

from rnn_export.errors import StoreError
from rnn_export.network import Network
from rnn_export.runtimes import frames
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
    index = {
        "schema": SCHEMA,
        "source": opened.name,
        "file": source,
        "network": opened.network.digest,
    }
    write_bytes(folder / INDEX, (json.dumps(index, indent=2) + "\n").encode())


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
    path = folder / f"observation-{len(list(folder.glob('observation-*'))):03d}"
    with storing(path), FileIO(path, "x") as pipe:
        frames.write(pipe, header, arrays)


def rejudge(folder: str | Path) -> Report:
    """Pass the verdict again on everything that a verification has kept.

    Runtimes that showed nothing (not installed, refused) left no evidence, and are not in the report.

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
    for path in sorted(place.glob("observation-*")):
        cases += _case(network, *_loaded(path))
    return Report(str(folder), tuple(cases), (), network.digest)


def _case(
    network: Network, observation: Observation, header: Mapping[str, Any]
) -> Iterator[CaseResult]:
    verdict = judge(network, observation)
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


def _index(folder: Path) -> dict[str, Any]:
    with storing(folder / INDEX, expected="evidence, kept by `verify --evidence`"):
        text = (folder / INDEX).read_text()
    try:
        index: dict[str, Any] = json.loads(text)
        known = index["schema"] == SCHEMA and {"source", "file", "network"} <= index.keys()
        inside = index["file"] is None or Path(index["file"]).name == index["file"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(folder, f"an index that is none ({error})") from error
    if not known or not inside:
        raise _damaged(folder, "an index of another kind")
    return index


def _loaded(path: Path) -> tuple[Observation, dict[str, Any]]:
    try:
        with storing(path, expected="a file that can be read"), FileIO(path, "r") as pipe:
            header, arrays = frames.read(pipe)
        return unpacked(header, arrays), header
    except (
        frames.BadFrame,
        frames.NoDtype,
        EOFError,
        LookupError,
        TypeError,
        ValueError,
        MemoryError,
    ) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _damaged(subject: Path, got: str) -> StoreError:
    return StoreError(
        str(subject),
        expected="evidence as `verify --evidence` wrote it",
        got=got,
        advice="Verify again.",
    )
