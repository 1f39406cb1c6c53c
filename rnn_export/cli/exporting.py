"""``export SOURCE -o FILE.onnx``: one file, with the core packages alone."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_export.cli.boundary import Stop
from rnn_export.cli.options import FILE, Command, json_option, nonfinite_option
from rnn_export.cli.words import ALL, Form, Source, Target

if TYPE_CHECKING:
    from rnn_export.reports.table import Page
    from rnn_export.workflows.exporting import Written


@click.command("export", cls=Command)
@click.argument("source", type=Source())
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="FILE.onnx",
    help="Where to write; a folder, with --target all.",
)
@click.option(
    "--form",
    type=Form("auto"),
    help='Of the graph; "auto" takes the fastest.  [default: rnn; with --target the fastest that is right there]',
)
@click.option(
    "--target",
    type=Target(),
    help="The runtime that is to take the file: its form, sizes and opset are chosen so, and the reason is "
    'printed; "all" writes a folder with a file for each.',
)
@click.option(
    "--measure",
    is_flag=True,
    help="Let auto time the forms on this machine, in place of its table: some seconds.",
)
@click.option("--opset", type=int, metavar="N", help="Of ONNX, 14 to 26.  [default: 17]")
@click.option("--batch", type=int, metavar="N", help="Fix the batch size.")
@click.option("--time", type=int, metavar="N", help="Fix the number of time steps.")
@click.option(
    "--streaming",
    is_flag=True,
    help="Make states inputs and outputs, to be carried from run to run.",
)
@click.option("--taps", is_flag=True, help="Also put out every recurrent layer's states.")
@click.option(
    "--padding",
    type=click.Choice(["any", "right"]),
    default="any",
    show_default=True,
    help="Promise that masked steps only follow valid ones, for a shorter graph.",
)
@click.option(
    "--fold",
    is_flag=True,
    help="Make one table of an Embedding and the products that read it: faster, and larger. Not in form rnn.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Judge the file in onnxruntime, or on the target, before it gets its name.",
)
@nonfinite_option
@json_option
def command(
    source: str,
    output: Path,
    form: str | None,
    target: str | None,
    measure: bool,
    opset: int | None,
    batch: int | None,
    time: int | None,
    streaming: bool,
    taps: bool,
    padding: str,
    fold: bool,
    check: bool,
    allow_nonfinite: bool,
    json_file: Path | None,
) -> None:
    """Write one ONNX file from a Keras model, a preset or a TOML file.

    SOURCE is a .keras or .h5 file, the name of a preset, or FILE.toml:NAME. Needs neither Keras nor TensorFlow.
    """
    from rnn_export.cli.output import emit
    from rnn_export.workflows.exporting import Asked, export_file

    if check and taps:
        raise click.UsageError(
            "--check judges a file without --taps; it makes its own. Leave out one."
        )
    form = form or ("rnn" if target is None else "auto")
    if measure and form != "auto":
        raise click.UsageError("--measure is for --form auto.")
    asked = Asked(form, opset, batch, time, padding, taps, streaming, target, measure, fold)
    if target == ALL:
        if check:
            raise click.UsageError("--check judges one file; name one target.")
        from rnn_export.cli.targeting import write_all

        write_all(source, output, asked, allow_nonfinite, json_file)
        return
    written = export_file(source, output, asked, check=check, allow_nonfinite=allow_nonfinite)
    emit(page_of(written), document_of(written), json_file)
    if written.report is not None and written.report.exit_code:
        raise Stop(written.report.exit_code)


def document_of(written: Written) -> dict[str, object]:
    """Return what is written as JSON."""
    parts = {item.name: getattr(written, item.name) for item in fields(written)}
    return parts | {"report": written.report.to_json() if written.report else None}


def page_of(written: Written) -> Page:
    """Return what was written in a line, and a line for each remark; a failed check in its place."""
    from rnn_export.cli.output import size
    from rnn_export.reports.table import Cell

    if written.report is not None and written.report.exit_code:
        from rnn_export.reports.verdicts import page_of as page_of_report

        return (
            *page_of_report(written.report),
            Cell(f"{written.file}: not written, since it did not pass", "bad"),
        )
    text = (
        f"{written.file}: form {written.form}, opset {written.opset}, {written.nodes} nodes, "
        f"{written.parameters:,} parameters, {size(written.size)}"
    )
    if written.report is not None:
        text += f"; {' and '.join(written.report.agreed)} agrees"
    return (Cell(text), *(Cell(f"note: {note}", "doubtful") for note in written.notes))
