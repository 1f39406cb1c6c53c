"""``bench SOURCE``: how fast each form runs on each runtime, beside peers and the floor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_export.cli.options import FILE, Command, json_option
from rnn_export.cli.words import Form, Runtime, Source

if TYPE_CHECKING:
    from rnn_export.reports.table import Page, Table
    from rnn_export.workflows.benchmarks.result import Benchmark, Point

NO_PEER = "none"


class _Peer(click.ParamType[str]):
    """A peer's name, or "none"."""

    name = "peer"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        from rnn_export.workflows.benchmarks.peers.table import peer_names

        known = (*peer_names(), NO_PEER)
        if value not in known:
            self.fail(f"{value!r} is none of {', '.join(known)}.", param, ctx)
        return str(value)


@click.command("bench", cls=Command)
@click.argument("source", type=Source())
@click.option(
    "--runtime",
    "runtimes",
    type=Runtime(),
    multiple=True,
    help="To run our files on; may be repeated.  [default: onnxruntime:cpu]",
)
@click.option(
    "--form",
    "forms",
    type=Form(),
    multiple=True,
    help="Of our files; may be repeated.  [default: all]",
)
@click.option(
    "--peer",
    "peers",
    type=_Peer(),
    multiple=True,
    help='Another way to run the model; may be repeated; "none" for none.  [default: all that are installed]',
)
@click.option(
    "--batch",
    "batches",
    type=click.IntRange(1),
    multiple=True,
    metavar="N",
    help="[default: 1, 32]",
)
@click.option(
    "--time", "times", type=click.IntRange(1), multiple=True, metavar="N", help="[default: 100]"
)
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="For everyone."
)
@click.option(
    "--callers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Time everything also when called by so many at once, who share the rows (where they divide) and threads.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=15,
    show_default=True,
    help="How often each contender is timed with the machine calm; 6 are the least that give an interval.",
)
@click.option(
    "--plot", type=FILE, metavar="FILE", help="Draw it, as .svg or .png (needs matplotlib)."
)
@json_option
def command(
    source: str,
    runtimes: tuple[str, ...],
    forms: tuple[str, ...],
    peers: tuple[str, ...],
    batches: tuple[int, ...],
    times: tuple[int, ...],
    threads: int,
    callers: int,
    rounds: int,
    plot: Path | None,
    json_file: Path | None,
) -> None:
    """Time a model in each form on each runtime, beside peers, all in turns in one run.

    SOURCE is a .keras or .h5 file, a preset, or FILE.toml:NAME. Times include what a caller in Python pays; each
    is a median with the quartiles beside it. Nothing is judged: that is `verify`.
    """
    if threads % callers:
        raise click.BadParameter(
            f"{callers} callers cannot share {threads} thread(s); give --threads a multiple of them.",
            param_hint="'--callers'",
        )
    from rnn_export.cli.output import emit
    from rnn_export.cli.progress import Progress
    from rnn_export.exporters import FORMS
    from rnn_export.workflows.benchmarks.asked import Asked
    from rnn_export.workflows.benchmarks.benching import bench
    from rnn_export.workflows.benchmarks.peers.table import peer_names

    with Progress("timing") as progress:
        steps = 0

        def tell(text: str) -> None:
            nonlocal steps
            steps += 1
            progress.step(text, steps, 0)

        asked = Asked(
            forms=forms or FORMS,
            runtimes=runtimes or Asked.runtimes,
            peers=tuple(name for name in peers or peer_names() if name != NO_PEER),
            sizes=tuple((batch, time) for batch in batches or (1, 32) for time in times or (100,)),
            threads=threads,
            callers=callers,
            rounds=rounds,
            tell=tell,
        )
        found = bench(source, asked)
    if plot is not None:
        from rnn_export.workflows.benchmarks.plotting import draw

        draw([found], plot)
    emit(page_of(found), found, json_file)


def page_of(found: Benchmark) -> Page:
    """Return a line on the machine and a table for each size."""
    from rnn_export.reports.table import Cell

    machine = found.machine
    lines = (
        f"{found.source}: {found.words}, {found.parameters:,} parameters",
        f"{machine.processor}, {machine.cores} cores, load {machine.load:.1f}",
    )
    return (*(Cell(text, "quiet") for text in lines), *map(_table, found.points))


def _table(point: Point) -> Table:
    from rnn_export.reports.table import Cell, Column, Table, row

    rows = []
    for entry in point.entries:
        if entry.seconds is None or entry.ratio is None:
            rows.append(row(entry.name, "", "", "", "", "", Cell(entry.reason, "quiet")))
            continue
        seconds, ratio = entry.seconds, entry.ratio
        first = entry is point.entries[0]
        rows.append(
            row(
                Cell(entry.name, "good" if first else "quiet" if entry.peer else ""),
                f"{seconds.median * 1e3:.3f}",
                f"{seconds.lower * 1e3:.3f} to {seconds.upper * 1e3:.3f}",
                "" if entry.least is None else f"{entry.least * 1e3:.3f}",
                "" if first else f"{ratio.median:.2f}",
                "" if entry.of_floor is None else f"{entry.of_floor:.0%}",
                Cell(
                    "" if entry.max_difference is None else f"{entry.max_difference:.1e}", "quiet"
                ),
            )
        )
    disturbed = sum(share > point.fair for share in point.foreign)
    noise = f"; {disturbed} of {len(point.foreign)} rounds disturbed" if disturbed else ""
    floor = f"; the sums alone take {point.floor.seconds * 1e3:.2g} ms" if point.floor else ""
    title = f"batch {point.batch}, time {point.time}, {point.threads} thread(s){floor}{noise}"
    columns = (
        Column("form or peer"),
        Column("ms", right=True),
        Column("middle half", right=True),
        Column("shortest", right=True),
        Column("times the best", right=True),
        Column("of the floor", right=True),
        Column("difference, or why not", fold=True),
    )
    return Table(columns, tuple(rows), title)
