"""A benchmark times every form, says why one cannot run, and is plain data."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from rnn_export.builders import simple_rnn, stacked
from rnn_export.errors import RnnExportError
from rnn_export.reports.documents import document
from rnn_export.workflows.benchmarks.asked import Asked
from rnn_export.workflows.benchmarks.benching import bench
from rnn_export.workflows.benchmarks.plotting import draw
from rnn_export.workflows.benchmarks.result import Benchmark
from rnn_export.workflows.benchmarks.stored import read_benchmark
from tests.unit.cli.programs import program

SHORT = Asked(rounds=2, slice_seconds=0.0)


@pytest.fixture(scope="module")
def found() -> Benchmark:
    return bench(stacked([5, 4], 3), SHORT, forms=("rnn", "scan"), sizes=((2, 7), (3, 4)))


def test_every_size_and_form_is_timed(found: Benchmark) -> None:
    assert [(point.batch, point.time) for point in found.points] == [(2, 7), (3, 4)]
    for point in found.points:
        assert {entry.form for entry in point.entries} == {"rnn", "scan"}
        assert all(entry.seconds and entry.seconds.median > 0 for entry in point.entries)


def test_the_fastest_comes_first_with_a_ratio_of_one(found: Benchmark) -> None:
    for point in found.points:
        medians = [entry.seconds.median for entry in point.entries if entry.seconds]
        assert medians == sorted(medians)
        first = point.entries[0].ratio
        assert first is not None
        assert (first.median, first.lower, first.upper) == (1.0, 0.0, math.inf)


def test_the_floor_is_below_what_anything_took(found: Benchmark) -> None:
    # By an order of magnitude: these layers are so small that the calls are nearly all of the time.
    for point in found.points:
        assert point.floor is not None
        assert point.floor.seconds > 0
        for entry in point.entries:
            assert entry.of_floor is not None
            assert 0 < entry.of_floor < 1


def test_a_form_that_cannot_carry_the_network_says_why() -> None:
    network = simple_rnn(5, 3)
    (point,) = bench(network, SHORT, forms=("nonsense",), sizes=((2, 7),)).points
    assert point.entries[0].seconds is None
    assert point.entries[0].reason.startswith("UNSUPPORTED: form")


def test_a_benchmark_is_json(found: Benchmark) -> None:
    read = json.loads(document(found))
    assert read["schema"] == 1
    assert read["words"] == "5+4 of 3"
    assert read["machine"]["cores"] >= 1
    assert read["points"][0]["entries"][0]["ratio"]["upper"] == "inf"


def test_a_benchmark_is_read_back_as_it_was(found: Benchmark) -> None:
    assert read_benchmark(json.loads(document(found))) == found


def test_a_drawing_needs_a_suffix_that_tells_its_format(found: Benchmark, tmp_path: Path) -> None:
    with pytest.raises(RnnExportError, match=r"expected a name that ends in \.svg"):
        draw([found], tmp_path / "drawing.xyz")


def test_a_drawing_is_written_or_the_way_to_matplotlib_told(
    found: Benchmark, tmp_path: Path
) -> None:
    path = tmp_path / "drawing.svg"
    try:
        draw([found], path)
    except RnnExportError as error:
        assert "pip install 'rnn-export[reports]'" in str(error)  # noqa: PT017
    else:
        assert "rnn@onnxruntime:cpu" in path.read_text()


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    done = program(
        "bench", "embedding-last", "--form", "rnn", "--peer", "none", "--batch", "2", "--time", "3",
        "--rounds", "1", "--json", str(file),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "rnn@onnxruntime:cpu" in done.stdout
    assert json.loads(file.read_text())["points"][0]["batch"] == 2


def test_an_unknown_peer_is_usage() -> None:
    done = program("bench", "embedding-last", "--peer", "nobody")
    assert done.returncode == 2
    assert "torch:eager" in done.stderr


def test_callers_share_the_rows_where_they_divide() -> None:
    asked = Asked(rounds=2, slice_seconds=0.0, threads=2, callers=2, forms=("scan",))
    found = bench(simple_rnn(5, 3), asked, sizes=((1, 7), (3, 7), (4, 7)))
    ways = [{entry.way: entry for entry in point.entries} for point in found.points]
    assert [set(each) for each in ways] == [{"", "1 thread"}, {""}, {"", "2 callers"}]
    entry = ways[2]["2 callers"]
    assert entry.name == "scan@onnxruntime:cpu, 2 callers"
    assert entry.seconds is not None
    assert entry.max_difference is not None
    assert entry.max_difference < 1e-5


def test_callers_that_cannot_share_the_threads_are_told() -> None:
    with pytest.raises(ValueError, match=r"divides 3 thread\(s\), got 2"):
        Asked(threads=3, callers=2)
