"""The HTML report of a verification: what it draws is gathered while `verify` runs."""

from __future__ import annotations

import platform
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_export.network import Network
from rnn_export.reports.html import Graph, graph_of, html
from rnn_export.verifier import Observation, Report
from rnn_export.verifier.profile import Profile, profile
from rnn_export.workflows.benchmarks.machine import describe_machine
from rnn_export.workflows.onnx_input import open_onnx

if TYPE_CHECKING:
    from rnn_export.workflows.subjects import Subject

PACKAGES = ("numpy", "onnx", "keras", "tensorflow")


class Pictures:
    """Graphs and profiles for one report; handed to `verify`, then asked for the page."""

    def __init__(self) -> None:
        self.graphs: list[Graph] = []
        self._source: dict[str, str] = {}

    def see_file(self, subject: Subject) -> None:
        """Keep the graph of an ONNX file that is about to run.

        Raises:
            ReadError: it cannot be read.
        """
        title = Path(subject.file).name if subject.file else subject.form
        self.graphs.append(graph_of(open_onnx(subject.path).model, title))

    def see_run(self, network: Network, observation: Observation) -> Profile:
        """Return the profile of a run, for its case."""
        self._source = {
            name.replace("_version", " that wrote the source"): text
            for name, text in network.source.facts
            if name.endswith("_version")
        }
        return profile(network, observation)

    def page(self, report: Report, *, command: str = "") -> bytes:
        """Return the HTML report.

        Args:
            report: what `verify` returned.
            command: how to do it again; "" to take it from the report.
        """
        return html(report, graphs=self.graphs, facts=facts() | self._source, command=command)

    def artifact_page(self, report: Report, source: str) -> bytes:
        """Return the HTML report that stands in an artifact's folder, whose files it names.

        Args:
            report: of the artifact's files, named as they are in the folder.
            source: name of the Keras file in the folder.
        """
        from rnn_export.reports.html.reproducing import command_of

        return self.page(report, command=command_of(replace(report, source=source)))


def facts() -> dict[str, str]:
    """Return versions and the machine, as the report ends with."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    machine = describe_machine()
    found["machine"] = f"{machine.system}, {machine.processor}"
    return found
