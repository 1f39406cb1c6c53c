"""What a comparison says of the goals follows from the paired times, for and against us alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnn_export.workflows import choosing
from rnn_export.workflows.benchmarks.figures import spread
from rnn_export.workflows.benchmarks.goals import against, chosen, label, ours
from rnn_export.workflows.benchmarks.machine import describe_machine
from rnn_export.workflows.benchmarks.result import Benchmark, Entry, Point
from rnn_export.workflows.benchmarks.summary import summary
from rnn_export.workflows.measured import Row
from rnn_export.workflows.shapes import Shape

ORT, OTHER = "onnxruntime:cpu", "mnn"


def timed(form: str, runtime: str, *rounds: float, of_floor: float = 0.5, way: str = "") -> Entry:
    name = f"{form}@{runtime}" if form else runtime
    times = spread(rounds), min(rounds), None, of_floor, 0.0
    return Entry(f"{name}, {way}", form, runtime, "1", *times, rounds, "", way)


def benchmark(*entries: Entry, batch: int = 1) -> Benchmark:
    counted = tuple(range(min(len(entry.rounds) for entry in entries)))
    ordered = sorted(entries, key=lambda entry: entry.seconds.median if entry.seconds else 1e9)
    point = Point(batch, 100, 1, None, tuple(ordered), (), 0.1, counted)
    shape = Shape(1, 64.0, 1)
    return Benchmark("x", "", "64 of 32", shape, 1, describe_machine(), (point,))


def test_our_best_is_our_fastest_and_never_a_peer() -> None:
    found = benchmark(
        timed("rnn", ORT, 2.0), timed("scan", OTHER, 1.0), timed("", "torch:eager", 0.5)
    )
    best = ours(found.points[0])
    assert best is not None
    assert (best.form, best.runtime) == ("scan", OTHER)
    on_ort = ours(found.points[0], (ORT,))
    assert on_ort is not None
    assert (on_ort.form, on_ort.runtime) == ("rnn", ORT)


def test_a_peer_is_beaten_by_the_median_of_the_pairs() -> None:
    # In the middle pair ours took 0.9 of the peer's time, although its median is larger.
    found = benchmark(timed("scan", ORT, 0.9, 9.0, 1.8), timed("", "torch:eager", 1.0, 1.0, 2.0))
    assert against([found], "torch:eager").faster == 1


def test_rounds_that_do_not_count_do_not_tell() -> None:
    found = benchmark(timed("scan", ORT, 1.0, 9.0, 9.0), timed("", "torch:eager", 2.0, 2.0, 2.0))
    (point,) = found.points
    assert (
        against([replace(found, points=(replace(point, counted=(0,)),))], "torch:eager").faster == 1
    )
    assert against([found], "torch:eager").faster == 0


def test_the_shortest_runs_are_compared_whichever_entry_they_are_of() -> None:
    found = benchmark(
        timed("scan", ORT, 0.8, 9.0, 9.0),
        timed("rnn", ORT, 3.0, 3.0, 3.0),
        timed("", "torch:eager", 1.0, 1.0, 1.0),
    )
    result = against([found], "torch:eager")
    assert (result.faster, result.shorter) == (0, 1)


def test_a_loss_is_told_by_shape_and_ratio() -> None:
    lost = benchmark(timed("scan", ORT, 3.0, 3.0), timed("", "torch:eager", 2.0, 2.0))
    won = benchmark(timed("scan", ORT, 1.0, 1.0), timed("", "torch:eager", 2.0, 2.0))
    found = against([lost, won], "torch:eager")
    assert (found.faster, found.shapes) == (1, 2)
    assert found.slower == {"64 of 32, B1 T100": 1.5}


def test_a_shape_that_the_peer_did_not_run_does_not_count() -> None:
    missing = replace(timed("", "torch:eager", 1.0), seconds=None, reason="UNAVAILABLE: none")
    assert against([benchmark(timed("scan", ORT, 1.0), missing)], "torch:eager").shapes == 0


def test_the_best_form_is_a_good_choice_whatever_its_interval() -> None:
    found = benchmark(timed("scan", ORT, 1.0, 1.0), timed("rnn", ORT, 2.0, 2.0))
    choice = chosen(found, found.points[0], "scan", ORT)
    assert choice is not None
    assert choice.good


def test_a_choice_is_bad_where_its_interval_lies_above_a_tenth() -> None:
    found = benchmark(
        timed("scan", ORT, *[1.0] * 6), timed("rnn", ORT, 1.2, 1.2, 1.2, 1.2, 1.2, 1.11)
    )
    bad = chosen(found, found.points[0], "rnn", ORT)
    assert bad is not None
    assert not bad.good
    near = benchmark(timed("scan", ORT, *[1.0] * 6), timed("rnn", ORT, *[1.2] * 5, 1.09))
    good = chosen(near, near.points[0], "rnn", ORT)
    assert good is not None
    assert good.good


def test_the_page_names_what_was_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row(ORT, 1, 1, 64, 1, 1, 100, {"rnn": 1.0, "scan": 2.0})
    monkeypatch.setattr(choosing, "rows", lambda: (row,))
    found = benchmark(
        timed("scan", ORT, *[1.0] * 6, of_floor=0.4),
        timed("rnn", ORT, *[2.0] * 6, of_floor=0.2),
        timed("", "torch:eager", *[0.5] * 6),
        batch=32,
    )
    page = summary({"threads1": [found]})
    assert (
        "torch:eager: faster on 0 of 1, by the shortest runs on 0; slower at 64 of 32, B32 T100 (2.00)"
        in page
    )
    assert "64 of 32, B32 T100: rnn takes 2.00 [2.00, 2.00] of scan" in page
    assert "64 of 32, B32 T100: 40% by scan; 50% missed" in page
    assert label(found, found.points[0]) in page


def test_each_side_is_run_in_the_way_that_is_best_for_it() -> None:
    found = benchmark(
        timed("scan", ORT, 3.0, 3.0),
        timed("rnn", ORT, 1.0, 1.0, way="2 callers"),
        timed("", "torch:eager", 9.0, 9.0),
        timed("", "torch:eager", 0.5, 0.5, way="2 callers"),
    )
    assert against([found], "torch:eager").slower == {"64 of 32, B1 T100": 2.0}
    assert against([found], "torch:eager").shorter == 0
    # The form is a matter of the file, which is run as a whole.
    choice = chosen(found, found.points[0], "scan", ORT)
    assert choice is not None
    assert choice.best == "scan"


def test_the_page_says_in_which_way() -> None:
    found = benchmark(timed("scan", ORT, *[1.0] * 6, of_floor=0.7, way="2 callers"), batch=32)
    assert "64 of 32, B32 T100: 70% by scan, 2 callers; 50% reached" in summary(
        {"threads2": [found]}
    )
