"""The HTML report says what the report says, keeps hostile names harmless, and needs nothing but itself."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from rnn_export.exporters import export
from rnn_export.reports.html import Graph, GraphNode, graph_of, html
from rnn_export.reports.html.reproducing import command_of
from rnn_export.verifier import judge
from rnn_export.verifier.comparing import Where
from rnn_export.verifier.profile import Profile, profile
from rnn_export.verifier.verdicts import CaseResult, Outcome, Report, Verdict
from tests.unit.verifier.showing import altered, feeds, first_cell, network, observe

HOSTILE = "</style><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;\x00\ud800"

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Elements(HTMLParser):
    """Every element with its attributes, its text, and what was not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts))

    @property
    def names(self) -> set[str]:
        return {tag for tag, _ in self.found}


def case(*, wrong: bool = False, form: str = "rnn", file: str = "", **more: object) -> CaseResult:
    """A case that really was judged, of a right runtime or of one with a transposed kernel."""
    net = network((7, 4), emits=("sequence",), seed=3)
    kernel = first_cell(net, "rnn1").recurrent_kernel.read()
    ran = altered(net, "rnn1", recurrent_kernel=np.ascontiguousarray(kernel.T)) if wrong else net
    seen = observe(ran, feeds(net))
    return CaseResult(
        form,
        "onnxruntime:cpu",
        judge(net, seen),
        version="1.31.1",
        placement={"RNN": "CPUExecutionProvider", "Squeeze": "CPUExecutionProvider"},
        inputs={"kind": "odd", "batch": 3, "time": 9, "seed": 4},
        file=file,
        profile=profile(net, seen),
        **more,  # type: ignore[arg-type]
    )


def parsed(report: Report, **settings: object) -> Elements:
    return Elements(html(report, **settings).decode())  # type: ignore[arg-type]


def test_a_pass_is_said_with_its_ratio_bits_steps_placement_version_and_command() -> None:
    one = case()
    page = parsed(Report("model.keras", (one,), ("onnxruntime:cpu",), "abc123"))
    assert "PASS onnxruntime:cpu agrees." in page.text
    assert one.verdict.max_ratio is not None
    assert one.verdict.effective_bits is not None
    assert f"{one.verdict.max_ratio:.2g} of the bound" in page.text
    assert f"{one.verdict.effective_bits:.1f}" in page.text
    assert "CPUExecutionProvider: RNN, Squeeze" in page.text
    assert "1.31.1" in page.text
    assert "abc123" in page.text
    assert (
        "python -m rnn_export verify model.keras --form rnn --require onnxruntime:cpu --seed 4"
        in page.text
    )
    assert (page.wrong, page.open) == ([], [])


def test_a_failure_names_layer_step_unit_row_and_likely_bug() -> None:
    one = case(wrong=True, file="model.onnx")
    page = parsed(Report("model.keras", (one,)))
    where = one.verdict.where
    assert one.outcome is Outcome.FAIL
    assert where is not None
    layer = where.layer.removesuffix("#0")
    assert f"layer {layer}, step {where.step}, unit {where.unit}, row {where.row}: " in page.text
    assert one.verdict.reason.replace("#0", "") in page.text
    assert "1 of 1 cases does not pass." in page.text
    assert "verify model.keras model.onnx --runtime onnxruntime:cpu --seed 4" in page.text
    assert "--form" not in page.text
    # Steps beyond the bound are marked in the drawing.
    assert sum(attrs.get("class") == "wrong" for tag, attrs in page.found if tag == "circle") > 0


def test_a_diagnosis_is_said() -> None:
    verdict = Verdict(Outcome.FAIL, "out of bounds", diagnosis="recurrent kernel transposed")
    page = parsed(Report("m", (CaseResult("rnn", "tract", verdict),)))
    assert "Looks like: recurrent kernel transposed" in page.text


def test_every_curve_and_histogram_is_drawn() -> None:
    one = case()
    assert one.profile is not None
    page = parsed(Report("m", (one,)))
    labels = [attrs.get("aria-label") or "" for tag, attrs in page.found if tag == "svg"]
    assert [label.partition(":")[0] for label in labels[:2]] == [
        "states of rnn0",
        "states of rnn1",
    ]
    assert labels[2].startswith("histogram of 297 errors")
    dots = [attrs for tag, attrs in page.found if tag == "circle"]
    assert len(dots) == sum(len(curve.error) for curve in one.profile.curves)


def test_the_graph_of_a_file_is_drawn_with_its_body() -> None:
    net = network((7, 4), emits=("sequence",))
    graph = graph_of(export(net, form="scan").model, "scan")
    page = parsed(Report("m", (case(),)), graphs=[graph])
    ops = re.findall(
        r'<text class="op"[^>]*>([^<]*)<', html(Report("m", ()), graphs=[graph]).decode()
    )
    assert ops.count("Scan") == 2
    assert ops.count("Tanh") == 2
    assert "body of Scan" in page.text


def test_a_graph_of_many_nodes_is_told_in_numbers() -> None:
    nodes = tuple(GraphNode(f"n{i}", "Add", (f"t{i}",), (f"t{i + 1}",)) for i in range(500))
    page = parsed(Report("m", ()), graphs=[Graph("unrolled", nodes)])
    assert "500 Add" in page.text
    assert "Too many nodes to draw." in page.text


@pytest.mark.parametrize(
    "report",
    [
        Report("m", ()),
        Report("m", (CaseResult("", "tract", Verdict(Outcome.UNAVAILABLE, "not installed")),)),
        Report(
            "m", (CaseResult("rnn", "tract", Verdict(Outcome.CRASHED, "signal 6")),), ("tract",)
        ),
        Report("m", (CaseResult("rnn", "x", Verdict(Outcome.FAIL, "", max_ratio=float("inf"))),)),
        Report("m", (CaseResult("rnn", "x", Verdict(Outcome.FAIL, "", max_ratio=float("nan"))),)),
    ],
)
def test_any_report_has_a_page(report: Report) -> None:
    page = parsed(report)
    assert str(report.verdict) in page.text
    for one in report.cases:
        assert one.verdict.reason in page.text
    assert (page.wrong, page.open) == ([], [])


def test_nothing_is_fetched_and_nothing_runs() -> None:
    graph = graph_of(export(network(), form="rnn").model, "rnn")
    page = parsed(Report("m", (case(), case(wrong=True))), graphs=[graph])
    assert page.names.isdisjoint({"script", "link", "img", "iframe", "object", "form", "base"})
    attributes = {name for _, attrs in page.found for name in attrs}
    assert attributes.isdisjoint({"src", "href", "srcset", "action", "xlink:href"})
    assert not {name for name in attributes if name.startswith("on")}
    policies = [attrs.get("content") for tag, attrs in page.found if "http-equiv" in attrs]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    ]
    assert "url(" not in html(Report("m", (case(),))).decode()


def test_hostile_names_stay_text_wherever_they_stand() -> None:
    verdict = Verdict(
        Outcome.FAIL, HOSTILE, max_ratio=2.0, where=Where(HOSTILE, 1, 2, 3), diagnosis=HOSTILE
    )
    one = CaseResult(
        HOSTILE,
        HOSTILE,
        verdict,
        version=HOSTILE,
        placement={HOSTILE: HOSTILE},
        inputs={"kind": HOSTILE, "seed": 0},
        file=HOSTILE,
        profile=profile_with_subject(HOSTILE),
    )
    graph = Graph(HOSTILE, (GraphNode(HOSTILE, HOSTILE, (HOSTILE,), (HOSTILE,), ((1, 2),)),))
    page = parsed(
        Report(HOSTILE, (one,), (HOSTILE,), HOSTILE), graphs=[graph], facts={HOSTILE: HOSTILE}
    )
    harmless = parsed(
        Report("a", (case(wrong=True, file="b"),), ("c",), "d"), graphs=[graph], facts={"e": "f"}
    )
    assert page.names <= harmless.names | {"b", "code", "small"}
    assert page.names.isdisjoint({"script", "img"})
    assert "alert(2)" in page.text
    assert (page.wrong, page.open) == ([], [])


def profile_with_subject(subject: str) -> Profile:
    made = case().profile
    assert made is not None
    return replace(made, curves=tuple(replace(curve, subject=subject) for curve in made.curves))


@pytest.mark.parametrize(
    "source", ["a b.keras", "nets.toml:first", "artifacts/model", "last-output"]
)
def test_the_command_names_a_source_that_a_command_line_can_name(source: str) -> None:
    words = shlex.split(command_of(Report(source, (case(),))), comments=True)
    assert words[:5] == ["python", "-m", "rnn_export", "verify", source]


def test_the_command_tells_to_save_a_model_that_was_in_memory() -> None:
    command = command_of(Report("sequential_1", (case(),)))
    assert "sequential_1" not in command
    assert "verify model.keras " in command
    assert command.endswith("# model.keras: the model in memory, saved")


def test_the_command_permits_what_was_permitted() -> None:
    verdict = Verdict(Outcome.PRECISION_DOWNGRADED, "tf32", effective_bits=10.97)
    coarse = CaseResult("rnn", "onnxruntime:cuda", verdict, permitted=True)
    assert "--allow-precision 10.9" in command_of(Report("m.keras", (coarse,)))


@pytest.mark.parametrize(
    ("form", "file", "told"),
    [
        ("", "", "(source)"),
        ("rnn", "", "rnn"),
        ("rnn", "a/rnn.onnx", "a/rnn.onnx"),
        ("rnn", "m.onnx", "rnn m.onnx"),
    ],
)
def test_what_ran_is_named_once(form: str, file: str, told: str) -> None:
    page = parsed(Report("m", (case(form=form, file=file),)))
    assert f"PASS {told} on onnxruntime:cpu odd 3x9" in page.text


def test_equal_reports_give_equal_bytes() -> None:
    assert html(Report("m", (case(),))) == html(Report("m", (case(),)))
