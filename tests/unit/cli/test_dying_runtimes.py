"""``verify`` outlives runtimes that abort, hang and hoard: each is CRASHED, and the others have their verdicts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.cli.programs import one_line, program

ROOT = Path(__file__).resolve().parents[3]

MODULE = """
import os, sys, time
import numpy as np
from rnn_export.runtimes import Available, RunFacts
from rnn_export.runtimes.onnx_slots import load_slots

class Runtime:
    accepts, precisions = ("onnx",), ("float32",)
    def __init__(self, name, deed):
        self.name, self.deed = name, deed
    def probe(self):
        return Available("1")
    def open(self, model, options):
        return Session(self, model)

class Session:
    def __init__(self, runtime, model):
        self.inputs, self.outputs = load_slots(model.path)
        self.facts = RunFacts(runtime.name, "1", "float32")
        self.run = runtime.deed
    def close(self):
        pass

def abort(feeds):
    print("assertion failed: batch > 0", file=sys.stderr)
    os.abort()

def hang(feeds):
    if "z" in feeds:  # the probe of its activation: one hang is enough
        return {"probe": feeds["z"]}
    time.sleep(1000)

def hoard(feeds):
    held = []
    while True:
        held.append(np.ones(2**24))  # 128 MiB that are touched

aborting, hanging, hoarding = (Runtime(f"dying:{deed.__name__}", deed) for deed in (abort, hang, hoard))
"""

POINTS = """[rnn_export.runtimes]
dying:abort = dying_runtimes:aborting
dying:hang = dying_runtimes:hanging
dying:hoard = dying_runtimes:hoarding
"""


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """Environment in which a package with three runtimes is installed, and workers have tight limits."""
    (tmp_path / "dying_runtimes.py").write_text(MODULE)
    described = tmp_path / "dying-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: dying\nVersion: 1\n")
    (described / "entry_points.txt").write_text(POINTS)
    return {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        "RNN_EXPORT_TIME_LIMIT": "8",
        "RNN_EXPORT_MEMORY_LIMIT": "500",
    }


def test_each_is_crashed_for_its_own_reason_and_the_others_pass(
    variables: dict[str, str], tmp_path: Path
) -> None:
    names = ("dying:abort", "dying:hang", "dying:hoard", "onnxruntime:cpu", "numpy")
    asked = [word for name in names for word in ("--runtime", name)]
    report = tmp_path / "report.json"
    done = program("verify", "last-output", *asked, "--json", report, variables=variables)
    assert done.returncode == 1, done.stderr
    cases = json.loads(report.read_text())["cases"]
    found = {name: [case for case in cases if case["runtime"] == name] for name in names}
    for name, words in (
        ("dying:abort", "SIGABRT. Its last words: assertion failed: batch > 0"),
        ("dying:hang", "time limit of 8 s"),
        ("dying:hoard", "memory limit of 500 MiB"),
    ):
        assert [case["verdict"] for case in found[name]] == ["CRASHED"]
        assert words in found[name][0]["reason"]
    for name in ("onnxruntime:cpu", "numpy"):
        assert {case["verdict"] for case in found[name]} == {"PASS"}


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan"])
def test_a_limit_that_is_no_number_is_an_error_in_a_line(
    variables: dict[str, str], value: str
) -> None:
    done = program("verify", "last-output", variables={**variables, "RNN_EXPORT_TIME_LIMIT": value})
    assert done.returncode == 4
    assert f"RNN_EXPORT_TIME_LIMIT: expected seconds, a number above 0, got '{value}'" in one_line(
        done
    )
