"""The HTML report of a real verification: every file drawn, every run with its curves, the command as it was."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from rnn_export.verifier import Report
from rnn_export.workflows.pages import Pictures
from rnn_export.workflows.verification import verify
from tests.unit.cli.programs import program
from tests.unit.verifier.showing import network


@pytest.fixture(scope="module")
def verified() -> tuple[Report, Pictures]:
    pictures = Pictures()
    report = verify(
        network((7, 4), emits=("sequence",)),
        forms=("rnn", "scan"),
        runtimes=("numpy", "onnxruntime:cpu"),
        pictures=pictures,
    )
    return report, pictures


def test_every_run_has_a_profile(verified: tuple[Report, Pictures]) -> None:
    report, _ = verified
    assert report.exit_code == 0
    assert all(case.profile is not None and case.profile.curves for case in report.cases)
    subjects = {
        curve.subject for case in report.cases if case.profile for curve in case.profile.curves
    }
    assert {"states of rnn0#0", "states of rnn1#0"} <= subjects


def test_every_file_is_drawn_and_the_versions_stand_at_the_end(
    verified: tuple[Report, Pictures],
) -> None:
    report, pictures = verified
    page = pictures.page(report).decode()
    assert [graph.title for graph in pictures.graphs] == ["rnn", "scan"]
    assert page.count('<svg class="graph"') == 4  # two files, and the bodies of two Scan nodes
    for name in ("Python", "numpy", "onnx", "machine"):
        assert f"<dt>{name}</dt>" in page


def test_nobody_who_asks_for_no_pictures_pays_for_them() -> None:
    report = verify(network(), runtimes=("onnxruntime:cpu",))
    assert all(case.profile is None for case in report.cases)


def test_an_artifacts_page_names_the_files_of_its_folder(verified: tuple[Report, Pictures]) -> None:
    report, pictures = verified
    page = pictures.artifact_page(report, "model.keras").decode()
    assert "python -m rnn_export verify model.keras --form rnn --form scan --runtime numpy" in page


def test_the_command_on_the_page_does_it_again(tmp_path: Path) -> None:
    asked = ["last-output", "--form", "scan", "--runtime", "numpy", "--require", "onnxruntime:cpu"]
    first = program("verify", *asked, "--seed", "3", "--html", "first.html", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    command = re.search(
        r"<code>(python -m rnn_export verify [^<]*)</code>", (tmp_path / "first.html").read_text()
    )
    assert command is not None
    again = program(*shlex.split(command[1])[3:], "--html", "again.html", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    seconds = re.compile(r"<td class=\"number\">\d+\.\d\d</td>")
    pages = [
        seconds.sub("", (tmp_path / f"{name}.html").read_text()) for name in ("first", "again")
    ]
    assert pages[0] == pages[1]
