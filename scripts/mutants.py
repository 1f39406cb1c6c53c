"""Print the mutation score: every corrupted model, the check that killed it, and the name it was given.

    .venv/bin/python scripts/mutants.py [--seeds 10] [--only TEXT]

The static check and the comparison of the shipped with the tapped file are off: comparing bytes proves
nothing about the verifier. Exit code 1 unless all mutants are killed and no equivalent rewrite is flagged.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rnn_export.verifier import Checks, Outcome
from tests.mutants.catalogue import Mutant, mutants
from tests.mutants.equivalents import equivalents
from tests.mutants.trying import ALONE, Tried, attempt, try_model, world


def main() -> int:
    """Try everything and print the table."""
    parser = argparse.ArgumentParser(description="The mutation score of the verifier.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="", help="mutants whose name holds this text")
    options = parser.parse_args()
    chosen = [mutant for mutant in mutants() if options.only in mutant.id]
    started = time.perf_counter()
    print(f"{'mutant':46} {'killed':>7} {'by':28} {'named':>6} {'layer':>6} {'static':>7}")
    tried = {mutant: _tries(mutant, options.seeds) for mutant in chosen}
    flagged = _flagged(options.seeds) if not options.only else 0
    everything = [item for found in tried.values() for item in found]
    named = [item for mutant, found in tried.items() if mutant.named for item in found]
    killed = sum(item.killed for item in everything)
    print(
        f"\n{len(chosen)} mutants, {options.seeds} seeds: killed {killed} of {len(everything)}"
        f" ({killed / len(everything):.1%}), named and nothing else"
        f" {sum(item.unique for item in named) / max(len(named), 1):.1%} of {len(named)},"
        f" right layer {sum(item.located for item in everything) / len(everything):.1%},"
        f" seen by the static check alone {sum(item.static for item in everything) / len(everything):.1%}."
        f" {time.perf_counter() - started:.0f} s."
    )
    return int(killed < len(everything) or flagged > 0)


def _tries(mutant: Mutant, seeds: int) -> list[Tried]:
    found = [attempt(mutant, seed) for seed in range(seeds)]
    count = sum(item.killed for item in found)
    by = ", ".join(
        f"{name} {n}" for name, n in Counter(item.by for item in found if item.by).most_common(2)
    )
    names = sum(item.unique for item in found) if mutant.named else "-"
    print(
        f"{mutant.id:46} {count:>4}/{seeds:<2} {by:28} {names!s:>6} {sum(item.located for item in found):>6}"
        f" {sum(item.static for item in found):>7}" + ("" if count == seeds else "   <-- survives"),
        flush=True,
    )
    return found


def _flagged(seeds: int) -> int:
    """Print and return how often an equivalent rewrite was flagged."""
    total = bad = 0
    for rewrite in equivalents():
        for seed in range(seeds):
            network, model, _ = world(rewrite.world, seed)
            made = rewrite.make(network, model)
            for checks in (ALONE, Checks()):
                verdict = try_model(rewrite.world, seed, made, checks)
                total += 1
                if verdict.outcome != Outcome.PASS:
                    bad += 1
                    print(f"flagged: {rewrite.id}, seed {seed}: {verdict.outcome} {verdict.reason}")
    print(
        f"\n{len(equivalents())} equivalent rewrites, {seeds} seeds, both sets of checks: flagged {bad} of {total}."
    )
    return bad


if __name__ == "__main__":
    sys.exit(main())
