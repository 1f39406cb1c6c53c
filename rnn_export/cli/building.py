"""``build [SOURCE ...]``: artifacts that Keras, the manual reference and onnxruntime agree on."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_export.cli.boundary import Stop, say
from rnn_export.cli.options import DEBUG, FILE, Command, json_option, nonfinite_option
from rnn_export.cli.sharing import scheduler_option, shard_option
from rnn_export.cli.words import Form, Runtime, Source

if TYPE_CHECKING:
    from rnn_export.reports.table import Cell, Page
    from rnn_export.workflows.artifact import Artifact
    from rnn_export.workflows.building import Built
    from rnn_export.workflows.shards import Shard


MOST_JOBS = 4
"""Where nobody asks for more: each takes 1.5 GB, most of it TensorFlow, twice."""


@click.command("build", cls=Command)
@click.argument(
    "sources", nargs=-1, type=Source(), metavar="[PRESET | MODEL.keras | NETWORKS.toml]..."
)
@click.option(
    "--out",
    type=FILE,
    default=Path("artifacts"),
    show_default=True,
    help="The folder of the artifacts.",
)
@click.option(
    "--form",
    "forms",
    type=Form(),
    multiple=True,
    default=("rnn",),
    show_default="rnn",
    help="To export and store; may be repeated.",
)
@click.option(
    "--runtime",
    "runtimes",
    type=Runtime(),
    multiple=True,
    help="To verify on beside the three that are required; may be repeated.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Processes.  [default: one for each core, at most 4]",
)
@scheduler_option
@shard_option
@click.option(
    "--resume",
    is_flag=True,
    help="Leave alone what an earlier run has finished: whole, of the same network, with a pass.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the inputs for verification."
)
@nonfinite_option
@json_option
def command(
    sources: tuple[str, ...],
    out: Path,
    forms: tuple[str, ...],
    runtimes: tuple[str, ...],
    jobs: int | None,
    scheduler: str | None,
    shard: Shard | None,
    resume: bool,
    seed: int,
    allow_nonfinite: bool,
    json_file: Path | None,
) -> None:
    """Build, export, verify and store networks; every preset when none is named.

    Each becomes a folder of the Keras file, the ONNX file, test data, a manifest and a report. It is stored
    only when Keras, the manual NumPy reference and onnxruntime agree on it.
    """
    from rnn_export.cli.output import emit
    from rnn_export.cli.progress import Progress
    from rnn_export.workflows.building import build

    with Progress("building") as progress:
        built = build(
            sources,
            out=out,
            forms=forms,
            runtimes=runtimes,
            jobs=jobs or min(len(os.sched_getaffinity(0)), MOST_JOBS),
            scheduler=scheduler,
            shard=shard,
            resume=resume,
            allow_nonfinite=allow_nonfinite,
            seed=seed,
            tell=progress.step,
        )
    emit(page_of(built), document_of(built), json_file)
    for artifact in built.artifacts:
        if artifact.error is not None:
            if click.get_current_context().meta.get(DEBUG):
                traceback.print_exception(artifact.error)
            say(str(artifact.error))
    if built.exit_code:
        raise Stop(built.exit_code)


def document_of(built: Built) -> dict[str, object]:
    """Return what is written as JSON."""
    return {
        "schema": 1,
        "agreeing": built.agreeing,
        "agreed": built.agreed,
        "exit_code": built.exit_code,
        "seconds": {name: round(seconds, 3) for name, seconds in built.seconds.items()},
        "artifacts": [
            {
                "name": artifact.name,
                "source": artifact.source,
                "folder": artifact.folder,
                "verdict": str(artifact.report.verdict) if artifact.report else None,
                "changed": artifact.changed,
                "kept": artifact.kept,
                "rejected": artifact.rejected,
                "error": str(artifact.error) if artifact.error else None,
                "seconds": {name: round(seconds, 3) for name, seconds in artifact.seconds.items()},
                "report": artifact.report.to_json() if artifact.report else None,
            }
            for artifact in built.artifacts
        ],
    }


def page_of(built: Built) -> Page:
    """Return who agreed in the first line, one row an artifact, and what did not pass."""
    from rnn_export.reports.table import Cell, Column, Table, row
    from rnn_export.reports.verdicts import reasons

    columns = (
        Column("artifact"),
        Column("verdict"),
        Column("error/bound", right=True),
        Column("cases", right=True),
        Column("files"),
        Column("s", right=True),
    )
    rows = tuple(
        row(
            artifact.name,
            _verdict(artifact),
            _ratio(artifact),
            str(len(artifact.report.cases)) if artifact.report else "-",
            _files(artifact),
            Cell(f"{sum(artifact.seconds.values()):.1f}", "quiet"),
        )
        for artifact in built.artifacts
    )
    told = {
        f"{artifact.name}: {line.text}": line.tone
        for artifact in built.artifacts
        if artifact.report
        for line in reasons(artifact.report)
    }
    aside = [
        Cell(
            f"{artifact.name}: not stored; its files are in {artifact.rejected} until the next build",
            "bad",
        )
        for artifact in built.artifacts
        if artifact.rejected
    ]
    lines = [Cell(text, tone) for text, tone in told.items()]
    return (_first_line(built), Table(columns, rows), *lines, *aside, *_failures(built))


def _failures(built: Built) -> list[Cell]:
    """Return the line that names those of many that did not come to a pass."""
    from rnn_export.reports.table import Cell

    failed = [artifact.name for artifact in built.artifacts if not artifact.passed]
    if not failed or len(built.artifacts) == 1:
        return []
    text = f"{len(failed)} of {len(built.artifacts)} did not pass: {', '.join(failed)}"
    return [Cell(f"{text}; the same command with --resume builds only these again", "bad")]


def _first_line(built: Built) -> Cell:
    from rnn_export.reports.table import Cell
    from rnn_export.reports.verdicts import agreeing

    count = len(built.artifacts)
    share = f"{count}" if built.agreed == count else f"{built.agreed} of {count}"
    text = f"{agreeing(built.agreeing)} on {share} network{'s' if count > 1 else ''}"
    return Cell(text, "good" if built.agreed == count else "bad")


def _verdict(artifact: Artifact) -> Cell:
    from rnn_export.reports.table import Cell

    if artifact.kept:
        return Cell("PASS", "good")
    if artifact.report is None:
        return Cell("ERROR", "bad")
    return Cell(str(artifact.report.verdict), "bad" if artifact.report.exit_code else "good")


def _ratio(artifact: Artifact) -> str:
    from rnn_export.reports.verdicts import ratio_of

    cases = artifact.report.cases if artifact.report else ()
    ratios = [case.verdict.max_ratio for case in cases if case.verdict.max_ratio is not None]
    return ratio_of(max(ratios, default=None))


def _files(artifact: Artifact) -> str:
    if artifact.kept:
        return "kept"
    if artifact.error is not None:
        return "not made"
    if artifact.rejected is not None:
        return "not stored"
    count = len(artifact.changed)
    return f"{count} written" if count else "as before"
