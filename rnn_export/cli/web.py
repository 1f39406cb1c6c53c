"""``web DIR``: a page that runs an artifact's model in the browser and judges it there."""

from __future__ import annotations

from pathlib import Path

import click

from rnn_export.cli.options import FILE, Command, json_option


@click.command("web", cls=Command)
@click.argument("artifact", metavar="DIR", type=FILE)
@click.option(
    "-o", "--out", type=FILE, metavar="DIR", help="The page's folder.  [default: NAME-web, here]"
)
@click.option("--form", default="rnn", show_default=True, metavar="F", help="Which of the models.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the inputs.")
@json_option
def command(artifact: Path, out: Path | None, form: str, seed: int, json_file: Path | None) -> None:
    """Write a page that runs a model in whatever browser opens it, and judges it there.

    DIR is a folder that `build` wrote. The page holds the model, inputs, the float64 reference with its
    bound, and onnxruntime-web, which npm installs into the cache folder the first time. Any static server will
    do; a page opened as a file may not load the rest.
    """
    from rnn_export.cli.output import emit, size
    from rnn_export.cli.progress import Progress
    from rnn_export.reports.table import Cell, Page
    from rnn_export.workflows.web import write_page

    with Progress("writing the page"):
        written = write_page(artifact, out, form=form, seed=seed)
    page: Page = (
        Cell(f"{written.folder}: {written.cases} runs to judge, {size(written.size)}", "strong"),
        Cell(f"Serve it: python -m http.server --directory {written.folder}"),
        Cell("then open http://localhost:8000/"),
    )
    emit(page, written, json_file)
