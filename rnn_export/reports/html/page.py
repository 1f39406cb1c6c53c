"""The page: a report, its drawings and the files' graphs, put into the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnn_export._version import __version__
from rnn_export.reports.html.axes import times
from rnn_export.reports.html.graph import Graph
from rnn_export.reports.html.graph_drawing import draw_graphs
from rnn_export.reports.html.key_figures import figures_of, sentence_of
from rnn_export.reports.html.lanes import lanes_of
from rnn_export.reports.html.reproducing import command_of
from rnn_export.reports.html.summary import (
    BITS,
    LAST_BIT,
    bits_of,
    findings_of,
    matrix_of,
    model_of,
    rows_of,
)
from rnn_export.reports.telling import layer_of
from rnn_export.reports.verdicts import grounds_of, headline
from rnn_export.verifier.bounds.products import SIGMAS
from rnn_export.verifier.verdicts import Report

if TYPE_CHECKING:
    from jinja2 import Environment


def html(
    report: Report,
    *,
    graphs: Sequence[Graph] = (),
    facts: Mapping[str, str] | None = None,
    command: str = "",
) -> bytes:
    """Return the report as one HTML file, UTF-8, that needs nothing else; equal reports give equal bytes.

    Args:
        report: what to tell.
        graphs: of the ONNX files that ran, to be drawn.
        facts: further versions and properties, such as those of Keras and of the machine.
        command: how to do it again; "" to take it from the report.
    """
    text = (
        environment()
        .get_template("page.html")
        .render(
            report=report,
            tone=headline(report).tone,
            said=sentence_of(report),
            figures=figures_of(report),
            matrix=matrix_of(report),
            findings=findings_of(report),
            grounds=grounds_of(report),
            lanes=lanes_of(report),
            sigmas=SIGMAS,
            bits=bits_of(report),
            bit_marks=[(bits, name, bits / LAST_BIT) for bits, name in BITS],
            graphs=[draw_graphs(graph) for graph in graphs],
            rows=rows_of(report),
            placements=_placements(report),
            facts={"rnn_export": __version__, **(facts or {})},
            command=command or command_of(report),
        )
    )
    return text.encode("utf-8", "replace")


def environment() -> Environment:
    """Return Jinja with this package's templates; every value is escaped, since names in files are hostile."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("rnn_export.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["times"] = times
    made.filters["layer"] = layer_of
    return made


def _placements(report: Report) -> dict[str, list[tuple[str, str]]]:
    """Return, for each form and runtime, where which operators ran."""
    found: dict[str, dict[str, list[str]]] = {}
    for case in report.cases:
        for op, where in case.placement.items():
            places = found.setdefault(f"{model_of(case)} on {case.runtime}", {})
            if op not in places.setdefault(where, []):
                places[where].append(op)
    return {
        title: [(where, ", ".join(ops)) for where, ops in places.items()]
        for title, places in found.items()
    }
