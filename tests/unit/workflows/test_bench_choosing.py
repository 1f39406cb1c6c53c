"""`--form auto` picks what the table measured fastest, says on what grounds, and never asks for what it has not."""

from __future__ import annotations

import pytest

from rnn_export.builders import sequential, simple_rnn, stacked
from rnn_export.errors import ExportError
from rnn_export.exporters import FORMS
from rnn_export.network import Network
from rnn_export.workflows import choosing
from rnn_export.workflows.choosing import choose, estimate
from rnn_export.workflows.measured import Row, rows
from rnn_export.workflows.shapes import Shape, in_words, shape_of

TABLE = (
    Row("onnxruntime:cpu", 1, 1, 16, 1, 1, 100, {"rnn": 1.0, "scan": 2.0, "unrolled": 3.0}),
    Row("onnxruntime:cpu", 1, 1, 16, 1, 64, 100, {"rnn": 8.0, "scan": 2.0, "unrolled": 1.0}),
    Row("onnxruntime:cpu", 1, 1, 256, 1, 1, 100, {"rnn": 4.0, "scan": 2.0, "unrolled": 3.0}),
    Row("onnxruntime:cpu", 1, 1, 256, 1, 64, 100, {"rnn": 9.0, "scan": 2.0, "unrolled": 3.0}),
)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "rows", lambda: TABLE)


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("units", "batch", "form"), [(16, 1, "rnn"), (256, 1, "scan"), (256, 64, "scan")]
)
def test_a_shape_in_the_table_gets_its_fastest_form(units: int, batch: int, form: str) -> None:
    assert choose(simple_rnn(units, 8), batch=batch).form == form


@pytest.mark.usefixtures("table")
def test_unrolled_is_considered_where_the_time_is_fixed() -> None:
    network = simple_rnn(16, 8)
    assert choose(network, batch=64).form == "scan"
    assert choose(network, batch=64, time=100).form == "unrolled"


@pytest.mark.usefixtures("table")
def test_without_a_batch_the_form_that_loses_least_is_chosen() -> None:
    # rnn is twice as fast at batch 1 and four times as slow at batch 64.
    assert choose(simple_rnn(16, 8)).form == "scan"


def test_of_forms_that_are_equally_fast_the_more_portable_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = Row("onnxruntime:cpu", 1, 1, 16, 1, 1, 100, {"wavefront": 1.0, "scan": 1.01, "rnn": 1.2})
    monkeypatch.setattr(choosing, "rows", lambda: (row,))
    assert choose(simple_rnn(16, 8), batch=1).form == "scan"


@pytest.mark.usefixtures("table")
def test_a_target_outside_the_table_gets_the_most_portable_form() -> None:
    choice = choose(simple_rnn(16, 8), "tract", batch=64)
    assert choice.form == "rnn"
    assert "tract is not in the measured table" in choice.reason


@pytest.mark.usefixtures("table")
def test_the_reason_names_form_target_size_and_what_the_others_take() -> None:
    reason = choose(simple_rnn(16, 8), batch=1, time=100).reason
    assert reason == (
        "rnn by the measured table for onnxruntime:cpu at batch 1, time 100; "
        "times to its own: scan 2.00, unrolled 3.00"
    )


@pytest.mark.usefixtures("table")
def test_equal_questions_get_equal_answers() -> None:
    assert choose(simple_rnn(33, 8)) == choose(simple_rnn(33, 8))


def test_between_two_rows_the_ratio_lies_between_theirs() -> None:
    found = estimate(TABLE[:1] + TABLE[2:3], Shape(1, 64.0, 1), 1, 100, ["rnn", "scan"])
    assert 1.0 / 2.0 < found["rnn"] < 4.0 / 2.0


def test_a_form_that_a_near_row_lacks_is_not_estimated() -> None:
    row = Row("onnxruntime:cpu", 1, 1, 16, 1, 1, 100, {"scan": 2.0})
    assert estimate([row], Shape(1, 16.0, 1), 1, 100, ["rnn", "scan"]) == {"scan": 1.0}


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (simple_rnn(5, 3), Shape(1, 5.0, 1)),
        (stacked([6, 6, 6], 3), Shape(3, 6.0, 1)),
        (stacked([3, 4], 3), Shape(2, 12.5**0.5, 1)),
        (simple_rnn(5, 3, bidirectional="concat"), Shape(1, 5.0, 2)),
        (stacked([6, 6], 3, bidirectional="concat"), Shape(2, 6.0, 2)),
    ],
)
def test_a_network_has_layers_units_and_directions(network: Network, shape: Shape) -> None:
    assert shape_of(network) == shape


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (stacked([6, 6, 6], 3), "3x6 of 3"),
        (stacked([3, 4], 3), "3+4 of 3"),
        (simple_rnn(5, 3), "5 of 3"),
        (stacked([6, 6], 3, bidirectional="concat"), "2x6 both ways of 3"),
    ],
)
def test_a_network_has_words_for_its_layers(network: Network, words: str) -> None:
    assert in_words(network) == words


def test_without_recurrent_layers_there_is_nothing_to_choose() -> None:
    network = sequential([{"class": "Dense", "units": 2}], input={"shape": ["time", 3]})
    assert choose(network).form == "rnn"


def test_a_size_below_one_is_refused() -> None:
    with pytest.raises(ExportError, match="batch: expected a size of at least 1, got 0"):
        choose(simple_rnn(5, 3), batch=0)


def test_the_table_that_comes_along_holds_forms_that_exist_and_times_above_zero() -> None:
    assert rows()
    for row in rows():
        assert set(row.seconds) <= set(FORMS)
        assert all(value > 0 for value in row.seconds.values())


@pytest.mark.parametrize(
    "row",
    [row for row in rows() if row.threads == 1],
    ids=lambda row: str(tuple(vars(row).values())[:-1]),
)
def test_each_row_of_the_table_is_answered_by_a_form_that_none_beats(row: Row) -> None:
    network = stacked(
        [row.units] * row.layers,
        8,
        bidirectional="concat" if row.directions == 2 else None,
        kernel_initializer="zeros",
        recurrent_initializer="zeros",
    )
    choice = choose(network, row.runtime, batch=row.batch, time=row.time)
    assert row.seconds[choice.form] <= choosing.NOISE * min(row.seconds.values())
