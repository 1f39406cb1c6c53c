"""``verify SOURCE [FILE.onnx ...] ...``: the verdict on files and forms, on runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_export.cli.boundary import Stop, say
from rnn_export.cli.options import FILE, Command, json_option, nonfinite_option
from rnn_export.cli.sharing import scheduler_option, shard_option
from rnn_export.cli.words import Form, Runtime, Source

if TYPE_CHECKING:
    from rnn_export.workflows.shards import Shard
    from rnn_export.workflows.verifying_each import Judging, Wanted


@click.command("verify", cls=Command)
@click.argument(
    "words", nargs=-1, required=True, type=Source(), metavar="SOURCE [FILE.onnx]... [SOURCE ...]..."
)
@click.option(
    "--form",
    "forms",
    type=Form("loop"),
    multiple=True,
    help='To export and judge too; "loop" is Keras\' own translation.  [default: rnn where no file is named]',
)
@click.option(
    "--runtime",
    "runtimes",
    type=Runtime(),
    multiple=True,
    help="To run on; may be repeated.  [default: keras:tensorflow, numpy, onnxruntime:cpu]",
)
@click.option(
    "--require",
    type=Runtime(),
    multiple=True,
    help="A runtime without whose pass the exit code is 3; may be repeated.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the inputs.")
@click.option(
    "--allow-precision",
    type=float,
    metavar="BITS",
    help="Permit coarser arithmetic down to so many significant bits.",
)
@click.option("--evidence", type=FILE, metavar="DIR", help="Keep all that was shown, for `judge`.")
@click.option(
    "--html", type=FILE, metavar="FILE", help="Write a page that opens offline, with pictures."
)
@click.option("--junit", type=FILE, metavar="FILE", help="Write JUnit XML, for CI systems.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes, where several sources are named.",
)
@scheduler_option
@shard_option
@nonfinite_option
@json_option
def command(
    words: tuple[str, ...],
    forms: tuple[str, ...],
    runtimes: tuple[str, ...],
    require: tuple[str, ...],
    seed: int,
    allow_precision: float | None,
    evidence: Path | None,
    html: Path | None,
    junit: Path | None,
    jobs: int,
    scheduler: str | None,
    shard: Shard | None,
    allow_nonfinite: bool,
    json_file: Path | None,
) -> None:
    """Judge ONNX files against the model they come from, on runtimes.

    SOURCE is a .keras or .h5 file, a preset, FILE.toml:NAME or an artifact's folder. Where no FILE is named, it is
    exported first. Each FILE belongs to the SOURCE before it. There are no tolerances: each verdict states the
    bound that it rests on.
    """
    from rnn_export.workflows.verification import DEFAULT_RUNTIMES
    from rnn_export.workflows.verifying_each import Judging, subjects

    judging = Judging(
        forms or None,
        runtimes or DEFAULT_RUNTIMES,
        require,
        seed,
        allow_precision,
        allow_nonfinite,
    )
    wanted = subjects(words)
    if len(wanted) == 1 and scheduler is None and shard is None:
        _one(wanted[0], judging, evidence, html, junit, json_file)
        return
    if evidence is not None or html is not None:
        raise click.UsageError("--evidence and --html are of one source; name one.")
    _each(wanted, judging, jobs, scheduler, shard, junit, json_file)


def _each(
    wanted: tuple[Wanted, ...],
    judging: Judging,
    jobs: int,
    scheduler: str | None,
    shard: Shard | None,
    junit: Path | None,
    json_file: Path | None,
) -> None:
    """Judge several sources, here or elsewhere."""
    from rnn_export.cli.output import emit
    from rnn_export.cli.progress import Progress
    from rnn_export.cli.verified import document_of, page_of, reports_of
    from rnn_export.workflows.verifying_each import exit_code, verify_each

    with Progress("verifying") as progress:
        verified = verify_each(
            wanted, judging, jobs=jobs, scheduler=scheduler, shard=shard, tell=progress.step
        )
    emit(page_of(verified), document_of(verified), json_file)
    if junit is not None:
        from rnn_export.reports.junit import junit as junit_of
        from rnn_export.store import write_bytes

        write_bytes(junit, junit_of(reports_of(verified)))
    for one in verified:
        if one.error is not None:
            say(str(one.error))
    if exit_code(verified):
        raise Stop(exit_code(verified))


def _one(
    wanted: Wanted,
    judging: Judging,
    evidence: Path | None,
    html: Path | None,
    junit: Path | None,
    json_file: Path | None,
) -> None:
    """Judge one source."""
    from rnn_export.cli.output import emit
    from rnn_export.cli.progress import Progress
    from rnn_export.reports.verdicts import page_of
    from rnn_export.store import write_bytes
    from rnn_export.workflows.verification import verify

    pictures = None
    if html is not None:
        from rnn_export.workflows.pages import Pictures

        pictures = Pictures()
    # Reading, exporting each form, running on each runtime: as `verify` tells of them.
    forms = judging.forms or (() if wanted.files else ("rnn",))
    runtimes = dict.fromkeys((*judging.runtimes, *judging.require))
    with Progress("verifying", 1 + len(forms) + len(runtimes)) as progress:
        report = verify(
            wanted.source,
            wanted.files,
            forms=judging.forms,
            runtimes=judging.runtimes,
            require=judging.require,
            seed=judging.seed,
            allow_precision=judging.allow_precision,
            evidence=evidence,
            allow_nonfinite=judging.allow_nonfinite,
            progress=progress.note,
            pictures=pictures,
        )
    emit(page_of(report), report.to_json(), json_file)
    if html is not None and pictures is not None:
        write_bytes(html, pictures.page(report))
    if junit is not None:
        from rnn_export.reports.junit import junit as junit_of

        write_bytes(junit, junit_of([report]))
    if report.exit_code:
        raise Stop(report.exit_code)
