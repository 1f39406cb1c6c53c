"""The matrix for people: who runs what, and rightly; and every refusal in the runtime's own words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import median

from rnn_export.reports.table import Cell, Column, Line, Page, Table, Tone, row
from rnn_export.verifier import Outcome
from rnn_export.workflows.matrix.result import SOURCE, Entry, Matrix, Row

WORDS: dict[Outcome, tuple[str, Tone]] = {
    Outcome.PASS: ("right", "good"),
    Outcome.KNOWN_DIFFERENCE: ("right, known difference", "good"),
    Outcome.UNSUPPORTED: ("refused", "doubtful"),
    Outcome.UNVERIFIABLE: ("unverifiable", "doubtful"),
    Outcome.UNAVAILABLE: ("unavailable", "doubtful"),
    Outcome.PRECISION_DOWNGRADED: ("coarse", "bad"),
    Outcome.FAIL: ("WRONG", "bad"),
    Outcome.CRASHED: ("CRASHED", "bad"),
}

LONGEST = 160
"""Letters of a reason that are shown; the JSON has all of them."""


def summary(matrix: Matrix) -> Page:
    """Return the page for the console: who is right, how fast, and what did not agree."""
    title = "Samples that agree, of those that have the form"
    tables = (_counts(matrix, title), *_speeds(matrix))
    return (Line(_headline(matrix), "strong"), *tables, *_lines(_complaints(matrix)))


def whole(matrix: Matrix) -> Page:
    """Return the page that is committed."""
    traits = [sample.name for sample in matrix.samples if sample.kind == "trait"]
    presets = [sample.name for sample in matrix.samples if sample.kind == "preset"]
    ran = [item for item in matrix.rows if "onnx" in item.accepts]
    pages: list[Table | Line] = [Line(_headline(matrix)), Line(_machine(matrix))]
    pages.append(_counts(matrix, "Samples that agree, of those that have the form"))
    for form in matrix.forms:
        columns = [item for item in ran if matrix.of(item.name, form)]
        if traits and columns:
            pages.append(_grid(matrix, form, traits, columns))
    if presets:
        pages += [*_speeds(matrix), _fastest(matrix, presets)]
    pages.append(_takes(ran))
    if any(item.bodies for item in ran):
        pages.append(_bodies(ran))
    pages.append(Line("What did not agree, and why", "strong"))
    return (*pages, *(Line(f"- {line.text}") for line in _lines(_complaints(matrix))))


def _headline(matrix: Matrix) -> str:
    here = [item for item in matrix.rows if not item.missing]
    agreeing = [item for item in here if any(entry.tried.agrees for entry in matrix.of(item.name))]
    return (
        f"{len(matrix.samples)} networks, {len(matrix.forms)} forms, {len(matrix.rows)} runtimes "
        f"({len(here)} here, {len(agreeing)} of them right in at least one form); "
        f"{len(matrix.entries)} results in {matrix.seconds:.0f} s"
    )


def _machine(matrix: Matrix) -> str:
    machine = matrix.machine
    return (
        f"rnn-export {matrix.program}, Python {machine.python}, {machine.processor}, "
        f"{machine.cores} cores, {machine.system}. One thread each, {matrix.jobs} at a time. "
        "`rnn-export matrix` measures it again."
    )


def _counts(matrix: Matrix, title: str) -> Table:
    """One row a runtime: how many samples agree in each form."""
    forms = (SOURCE, *matrix.forms)
    columns = (
        Column("runtime"),
        Column("version", fold=True),
        Column("precision"),
        *(Column(form or "(source)", right=True) for form in forms),
    )
    return Table(columns, tuple(_count_row(matrix, item, forms) for item in matrix.rows), title)


def _count_row(matrix: Matrix, item: Row, forms: Sequence[str]) -> tuple[Cell, ...]:
    if item.missing:
        blank = [Cell("") for _ in forms]
        return row(item.name, Cell("UNAVAILABLE, not run", "doubtful"), "", *blank)
    cells = []
    for form in forms:
        entries = matrix.of(item.name, form)
        good = sum(entry.tried.agrees for entry in entries)
        tone: Tone = "good" if good == len(entries) else "doubtful" if good else "bad"
        cells.append(Cell(f"{good}/{len(entries)}", tone) if entries else Cell("-", "quiet"))
    return row(item.name, Cell(item.version, "quiet"), Cell(item.precision, "quiet"), *cells)


def _speeds(matrix: Matrix) -> Iterable[Table]:
    """One row a runtime: how long a run takes in each form, over the presets that are right in it."""
    forms = (SOURCE, *matrix.forms)
    rows = []
    for item in matrix.rows:
        times = [
            typical(entry.tried.seconds for entry in matrix.of(item.name, form)) for form in forms
        ]
        if any(times):
            shown = (Cell("-", "quiet") if value is None else Cell(_time(value)) for value in times)
            rows.append(row(item.name, *shown))
    heads = (Column("runtime"), *(Column(form or "(source)", right=True) for form in forms))
    if rows:
        yield Table(heads, tuple(rows), "One run: the median over the presets that agree")


def _grid(matrix: Matrix, form: str, samples: Sequence[str], columns: Sequence[Row]) -> Table:
    """One row a trait, one column a runtime, in one form."""
    rows = []
    for sample in samples:
        cells = []
        for item in columns:
            found = [entry for entry in matrix.of(item.name, form) if entry.sample == sample]
            cells.append(_word(found[0]) if found else Cell("-", "quiet"))
        if any(cell.text != "-" for cell in cells):
            rows.append(row(sample, *cells))
    heads = (Column("asked for"), *(Column(item.name) for item in columns))
    return Table(heads, tuple(rows), f"Form {form}")


def _word(entry: Entry) -> Cell:
    word, tone = WORDS[entry.tried.outcome]
    if entry.tried.agrees and str(entry.tried.fit):
        return Cell(f"{word} ({entry.tried.fit})", "good")
    if entry.tried.outcome is Outcome.PRECISION_DOWNGRADED and entry.tried.effective_bits:
        word = f"{word}, {entry.tried.effective_bits:.0f} bits"
    return Cell(word, tone)


def _fastest(matrix: Matrix, samples: Sequence[str]) -> Table:
    """One row a preset: the fastest right form on each runtime, and its time."""
    runtimes = [item for item in matrix.rows if not item.missing]
    sizes = {item.name: f"{item.batch}x{item.time}" for item in matrix.samples}
    rows = []
    for sample in samples:
        cells = []
        for item in runtimes:
            own = [entry for entry in matrix.of(item.name) if entry.sample == sample]
            right = [entry for entry in own if entry.tried.seconds is not None]
            best = min(right, key=lambda entry: entry.tried.seconds or 0.0, default=None)
            cells.append(
                Cell(
                    "-"
                    if best is None
                    else f"{_time(best.tried.seconds or 0.0)} {best.form}".strip()
                )
            )
        rows.append(row(f"{sample} {sizes[sample]}", *cells))
    heads = (Column("preset, batch x time"), *(Column(item.name, right=True) for item in runtimes))
    return Table(heads, tuple(rows), "Fastest right form of each preset, median of one run")


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def _takes(ran: Sequence[Row]) -> Table:
    """What each runtime wants of a file's sizes, and which opsets it takes."""
    rows = []
    for item in ran:
        fixed = {form: axes for form, axes in item.fixed.items() if axes}
        sizes = "; ".join(f"{form}: {' and '.join(axes)} fixed" for form, axes in fixed.items())
        opsets = [opset for opset, outcome in item.opsets.items() if outcome == Outcome.PASS]
        free = "free" if item.fixed else "-"
        rows.append(row(item.name, sizes or free, ", ".join(opsets) or "-"))
    heads = (Column("runtime"), Column("sizes"), Column("opsets that agree"))
    return Table(heads, tuple(rows), "Sizes and opsets")


def _bodies(ran: Sequence[Row]) -> Table:
    """How each runtime takes each way to write the body of a Scan."""
    told = [item for item in ran if item.bodies]
    rows = []
    for name in told[0].bodies:
        outcomes = [item.bodies.get(name, "-").partition(":")[0] for item in told]
        rows.append(row(name, *(_outcome(text) for text in outcomes)))
    heads = (Column("body"), *(Column(item.name) for item in told))
    return Table(heads, tuple(rows), "Bodies of Scan")


def _outcome(text: str) -> Cell:
    if text not in set(Outcome):
        return Cell(text, "quiet")
    word, tone = WORDS[Outcome(text)]
    return Cell(word, tone)


def _complaints(matrix: Matrix) -> dict[tuple[str, str, Outcome, str], list[str]]:
    """Return samples by runtime, form, outcome and reason, for all that did not agree."""
    found: dict[tuple[str, str, Outcome, str], list[str]] = {}
    for entry in matrix.entries:
        tried = entry.tried
        if tried.agrees or entry.same_as:
            continue
        reason = _short(tried.diagnosis or tried.reason)
        found.setdefault((entry.runtime, entry.form, tried.outcome, reason), []).append(
            entry.sample
        )
    return found


def _lines(complaints: dict[tuple[str, str, Outcome, str], list[str]]) -> Iterable[Line]:
    merged: dict[tuple[str, str, Outcome], list[tuple[str, list[str]]]] = {}
    for (runtime, form, outcome, reason), names in complaints.items():
        merged.setdefault((runtime, form, outcome), []).append((reason, names))
    for (runtime, form, outcome), parts in merged.items():
        # Reasons that name steps and nodes differ from sample to sample: the first stands for all.
        samples = [name for _, names in parts for name in names]
        which = ", ".join(samples) if len(samples) < 9 else f"{len(samples)} samples"
        yield Line(
            f"{runtime}, {form or 'source'}: {outcome} for {which}: {parts[0][0]}",
            WORDS[outcome][1],
        )


def _short(reason: str) -> str:
    text = re.sub(r"(?<!\w)/\S*/rnn_export-\S*?(?=[\s:,]|$)", "FILE", " ".join(reason.split()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def typical(values: Iterable[float | None]) -> float | None:
    """Return the median of those that there are; None of nothing."""
    found = [value for value in values if value is not None]
    return median(found) if found else None
