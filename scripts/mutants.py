"""Print the mutation score: every corrupted model, the check that killed it, and the name it was given.

    .venv/bin/python scripts/mutants.py [--seeds 10] [--first 0] [--only TEXT] [--into FOLDER]

Each mutant is judged twice: by the bounds and the regression alone, since comparing bytes proves nothing about
the verifier, and with every check. --into writes the figures, mutants.json and mutants.md; where the folder
holds figures of other seeds already, they are added up. Exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rnn_export.workflows.benchmarks.machine import describe_machine
from tests.mutants.catalogue import mutants
from tests.mutants.equivalents import equivalents
from tests.mutants.scoring import Row, Score, flagged, score


def main() -> int:
    """Try everything and print the table."""
    parser = argparse.ArgumentParser(description="The mutation score of the verifier.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", default="", help="mutants whose name holds this text")
    parser.add_argument("--into", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    started = time.perf_counter()
    print(f"{'mutant':62} {'killed':>7} {'all on':>6} {'named':>5} {'layer':>5} {'static':>6}  by")
    rows = []
    for mutant in mutants():
        if options.only in mutant.id:
            rows.append(score(mutant, seeds))
            print(_line(rows[-1]), flush=True)
    alarms: list[str] = []
    rewrites = [] if options.only else list(equivalents())
    for rewrite in rewrites:
        alarms += flagged(rewrite, seeds)
    found = Score(tuple(rows), tuple(item.id for item in rewrites), len(seeds), tuple(alarms))
    if options.into is not None:
        found = _added(found, options.into / "mutants.json")
        _write(found, options.into)
    print(f"\n{json.dumps(found.figures(), indent=1)}")
    print(f"{time.perf_counter() - started:.0f} s")
    for text in found.missed():
        print(f"MISSED: {text}")
    return int(bool(found.missed()))


def _line(row: Row) -> str:
    by = ", ".join(f"{name} {count}" for name, count in row.by.items())
    named = str(row.unique) if row.single else "-"
    return (
        f"{row.mutant:62} {row.killed:>4}/{row.seeds:<2} {row.killed_by_all:>6} {named:>5}"
        f" {row.located:>5} {row.static:>6}  {by}"
    ) + ("" if row.killed == row.killed_by_all == row.seeds else "   <-- survives")


def _added(found: Score, file: Path) -> Score:
    """Return a score together with the one in a file, of the same mutants and other seeds."""
    if not file.exists():
        return found
    held = json.loads(file.read_text())
    rows = {row["mutant"]: Row(**row) for row in held["rows"]}
    if set(rows) != {row.mutant for row in found.rows}:
        raise SystemExit(f"{file}: of other mutants; remove it")
    return Score(
        tuple(rows[row.mutant].and_(row) for row in found.rows),
        found.rewrites,
        held["seeds"] + found.seeds,
        (*held["alarms"], *found.alarms),
    )


def _write(found: Score, folder: Path) -> None:
    """Write the figures for programs and for people."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = describe_machine()
    written = {
        "machine": asdict(machine),
        "figures": found.figures(),
        "seeds": found.seeds,
        "rewrites": found.rewrites,
        "alarms": found.alarms,
        "rows": [asdict(row) for row in found.rows],
    }
    (folder / "mutants.json").write_text(json.dumps(written, indent=1) + "\n")
    figures = found.figures()
    lines = [
        "# The mutation score",
        "",
        "Written by `scripts/mutants.py --into docs/figures`. Each model below is corrupted in one way and judged",
        "on onnxruntime's CPU provider, by the bounds and the regression alone (comparing bytes proves nothing",
        "about the verifier), and again with every check on.",
        "",
        f"Measured on {machine.processor}, {machine.cores} cores, {machine.system}; Python {machine.python}, "
        + ", ".join(f"{name} {version}" for name, version in machine.packages.items())
        + ".",
        "",
        "| | |",
        "|---|---|",
        *(
            f"| {name.replace('_', ' ')} | {f'{value:.1%}' if isinstance(value, float) else value} |"
            for name, value in figures.items()
        ),
        "",
        "Of so many seeds, each mutant was killed, killed with every check on, named uniquely, found in the right",
        "layer, and seen by the static check alone:",
        "",
        "| mutant | killed | with every check | named | layer | static |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.mutant} | {row.killed}/{row.seeds} | {row.killed_by_all}"
            f" | {row.unique if row.single else '-'} | {row.located} | {row.static} |"
            for row in found.rows
        ),
        "",
        f"Equivalent rewrites, none of which may be flagged: {', '.join(found.rewrites)}.",
    ]
    (folder / "mutants.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
