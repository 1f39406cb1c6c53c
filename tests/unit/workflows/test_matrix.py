"""The matrix: whatever a runtime does is an entry, nothing ends it, and its table and page say what was found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnn_export.errors import NetworkError
from rnn_export.reports.documents import document
from rnn_export.reports.markdown import markdown
from rnn_export.runtimes import UnknownRuntime
from rnn_export.runtimes.table import TABLE
from rnn_export.verifier import Outcome
from rnn_export.workflows.capabilities import condensed
from rnn_export.workflows.matrix.page import summary, whole
from rnn_export.workflows.matrix.result import Matrix
from rnn_export.workflows.matrix.running import measure
from rnn_export.workflows.matrix.samples import samples

ROOT = Path(__file__).parents[3]
ONLY = ("layer", "relu", "last-output")
RUNTIMES = ("numpy", "dying", "onnxruntime:cpu", "onnxruntime:cuda", "onnx-reference")


@pytest.fixture(scope="module")
def found() -> Matrix:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TABLE, "dying", "tests.unit.workflows.dying:runtime")
        patch.setenv("PYTHONPATH", str(ROOT))
        return measure(runtimes=RUNTIMES, forms=("rnn", "scan", "wavefront"), only=ONLY)


def test_every_runtime_has_its_row_in_order(found: Matrix) -> None:
    assert tuple(row.name for row in found.rows) == RUNTIMES


def test_a_runtime_that_dies_is_crashed_everywhere_and_the_others_go_on(found: Matrix) -> None:
    dead = found.of("dying")
    assert dead
    assert {entry.tried.outcome for entry in dead} == {Outcome.CRASHED}
    assert all("SIGABRT" in entry.tried.reason for entry in dead)
    (row,) = [row for row in found.rows if row.name == "dying"]
    assert row.crashes >= len(ONLY)
    assert all(entry.tried.agrees for entry in found.of("onnxruntime:cpu"))


def test_a_runtime_that_is_missing_keeps_its_row(found: Matrix) -> None:
    (row,) = [row for row in found.rows if row.name == "onnxruntime:cuda"]
    if not row.missing:
        pytest.skip("there is a CUDA device here")
    assert row.install
    assert not found.of("onnxruntime:cuda")


def test_a_refusal_is_quoted(found: Matrix) -> None:
    (entry,) = [item for item in found.of("onnx-reference", "rnn") if item.sample == "relu"]
    assert entry.tried.outcome is Outcome.UNSUPPORTED
    assert "Unknown activation function 'Relu'" in entry.tried.reason


def test_presets_are_timed_where_they_agree(found: Matrix) -> None:
    for entry in found.of("onnxruntime:cpu"):
        assert (entry.tried.seconds is not None) == (entry.sample == "last-output")


def test_equal_graphs_are_measured_once(found: Matrix) -> None:
    # Without a stack, wavefront is scan.
    assert {entry.same_as for entry in found.of("onnxruntime:cpu", "wavefront")} == {"scan"}


def test_the_table_holds_traits_and_not_presets(found: Matrix) -> None:
    table = json.loads(condensed(found))["runtimes"]
    assert "onnxruntime:cuda" not in table
    traits = table["onnx-reference"]["traits"]
    assert set(traits["rnn"]) == {"layer", "relu"}
    assert traits["rnn"]["relu"]["outcome"] == "UNSUPPORTED"
    assert traits["scan"]["relu"] == {"outcome": "PASS"}
    assert table["numpy"]["accepts"] == ["network"]
    assert table["onnxruntime:cpu"]["speed"].keys() == {"rnn", "scan", "wavefront"}


def test_it_is_json_a_page_and_a_table(found: Matrix) -> None:
    assert json.loads(document(found))["schema"] == 1
    text = markdown(whole(found))
    assert "UNAVAILABLE, not run" in text
    assert "SIGABRT" in text
    # How fast each form is, where a preset agrees.
    (speeds,) = [
        part for part in summary(found) if getattr(part, "title", "").startswith("One run")
    ]
    assert [line[0].text for line in speeds.rows] == ["numpy", "onnxruntime:cpu", "onnx-reference"]  # type: ignore[union-attr]
    assert all(line[2].text.endswith("s") for line in speeds.rows[1:])  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_file_of_the_peers_that_is_not_valid_ends_nothing() -> None:
    pytest.importorskip("tf2onnx")
    found = measure(runtimes=("onnxruntime:cpu",), forms=("rnn", "loop"), only=("gelu",))
    # tf2onnx writes an operator Erfc, which ONNX does not have.
    assert "Erfc" in found.samples[0].without["loop"]
    assert [(entry.form, entry.tried.outcome) for entry in found.entries] == [("rnn", Outcome.PASS)]


def test_names_are_looked_up_before_any_work() -> None:
    with pytest.raises(UnknownRuntime):
        measure(runtimes=("nonsense",))
    with pytest.raises(NetworkError, match="one of layer"):
        samples(("nonsense",))
