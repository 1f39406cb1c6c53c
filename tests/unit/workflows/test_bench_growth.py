"""Where forms cross: between the sizes that were measured, where their straight lines meet."""

from __future__ import annotations

from rnn_export.workflows.benchmarks.growth import crossings
from rnn_export.workflows.measured import Row


def row(units: int, **seconds: float) -> Row:
    return Row("onnxruntime:cpu", 1, 1, units, 1, 1, 100, seconds)


def test_two_forms_cross_where_their_lines_between_logarithms_meet() -> None:
    # rnn grows fourfold from 16 to 64 units, scan not at all: they are equal at 32.
    rows = [row(64, rnn=2.0, scan=1.0), row(16, rnn=0.5, scan=1.0)]
    assert crossings(rows) == [32.0]


def test_a_form_that_leads_throughout_is_not_crossed() -> None:
    assert crossings([row(16, rnn=1.0, scan=2.0), row(64, rnn=2.0, scan=3.0)]) == []


def test_forms_that_are_equally_fast_do_not_cross() -> None:
    assert crossings([row(16, scan=1.0, wavefront=1.01), row(64, scan=1.01, wavefront=1.0)]) == []


def test_unrolled_is_left_out_for_it_needs_a_fixed_time() -> None:
    assert crossings([row(16, scan=1.0, unrolled=2.0), row(64, scan=2.0, unrolled=1.0)]) == []
