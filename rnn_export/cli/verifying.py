"""``verify SOURCE [FILE.onnx ...]``: the verdict on files and forms, on runtimes."""

from __future__ import annotations

from pathlib import Path

import click

from rnn_export.cli.boundary import Stop
from rnn_export.cli.options import FILE, Command, json_option, nonfinite_option
from rnn_export.cli.words import Form, Runtime, Source


@click.command("verify", cls=Command)
@click.argument("source", type=Source())
@click.argument("files", nargs=-1, type=FILE, metavar="[FILE.onnx]...")
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
@nonfinite_option
@json_option
def command(
    source: str,
    files: tuple[Path, ...],
    forms: tuple[str, ...],
    runtimes: tuple[str, ...],
    require: tuple[str, ...],
    seed: int,
    allow_precision: float | None,
    evidence: Path | None,
    html: Path | None,
    junit: Path | None,
    allow_nonfinite: bool,
    json_file: Path | None,
) -> None:
    """Judge ONNX files against the model they come from, on runtimes.

    SOURCE is a .keras or .h5 file, a preset, or FILE.toml:NAME. Where no FILE is named, it is exported first.
    There are no tolerances: each verdict states the bound that it rests on.
    """
    from rnn_export.cli.output import emit
    from rnn_export.cli.progress import Progress
    from rnn_export.reports.verdicts import page_of
    from rnn_export.store import write_bytes
    from rnn_export.workflows.verification import DEFAULT_RUNTIMES, verify

    pictures = None
    if html is not None:
        from rnn_export.workflows.pages import Pictures

        pictures = Pictures()
    with Progress("verifying") as progress:
        report = verify(
            source,
            files,
            forms=forms or None,
            runtimes=runtimes or DEFAULT_RUNTIMES,
            require=require,
            seed=seed,
            allow_precision=allow_precision,
            evidence=evidence,
            allow_nonfinite=allow_nonfinite,
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
