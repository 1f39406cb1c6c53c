"""Draw Keras models at random, export them in every form, and hold Keras and onnxruntime against each other.

Every layer that is read, masks, activations, merges, states and dtype policies are drawn; what Keras computes and
what each file computes is judged by the verifier. Prints the seed, how many there were of each verdict, what was
refused and why, and every failure as a recipe; exits 1 if there was any. Repeatable by the seed. With --folded the
models begin with an Embedding, and are exported folded.

    .venv/bin/python scripts/random_models.py [--models 2000] [--seed 0] [--form rnn ...] [--folded] [--minutes M]
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hypothesis import HealthCheck, Phase, given, seed, settings

from rnn_export.exporters import FORMS
from rnn_export.runtimes import connect
from tests.property.judged_models import FOLDED, tried
from tests.property.keras_models import JUDGED, LOOKED_UP, Recipe

warnings.simplefilter("ignore", UserWarning)  # Keras, whenever a layer ends a mask


SHOWN = 2
"""Failures of a kind that are printed whole."""


class Campaign:
    """The figures of one run.

    Args:
        forms: to try.
        most: models.
        until: the time.monotonic() at which to stop.
    """

    def __init__(self, forms: tuple[str, ...], most: int, until: float) -> None:
        self.forms = forms
        self.most = most
        self.until = until
        self.models = 0
        self.counts: dict[str, Counter[str]] = {}
        self.faults: Counter[str] = Counter()
        self.others: Counter[str] = Counter()
        self._seen: set[Recipe] = set()
        self.connection = connect("onnxruntime:cpu")

    def see(self, recipe: Recipe) -> None:
        """Try one model, unless it was there already, and count what came of it."""
        if time.monotonic() > self.until or self.models == self.most:
            return
        bare = replace(recipe, seed=0)
        if bare in self._seen:
            return
        self._seen.add(bare)
        self.models += 1
        for found in tried(recipe, self.connection, self.forms):
            self.counts.setdefault(found.form, Counter())[found.word] += 1
            if not found.wrong and found.word != "PASS":
                self.others[f"{found.form}: {found.word}: {_kind(found.reason)}"] += 1
            if found.wrong:
                kind = f"{found.word}: {_kind(found.reason)}"
                self.faults[kind] += 1
                if self.faults[kind] <= SHOWN:
                    print(f"{found.form}: {found.word}: {found.reason}\n    {recipe!r}", flush=True)


def _kind(reason: str) -> str:
    """Return a reason without what tells models apart: names, numbers, files."""
    line = re.sub(r"/\S+: ", "", reason.partition("\n")[0].partition(" Where")[0])
    line = re.sub(r"\S*_no_\S*", "LAYER", line)
    return re.sub(r"[\d.]+(e-?\d+)?", "N", line)[:300]


def main() -> int:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--form", action="append", choices=FORMS, help="default: every form")
    parser.add_argument("--folded", action="store_true")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    asked = parser.parse_args()
    until = time.monotonic() + 60 * asked.minutes
    forms = FOLDED if asked.folded else tuple(asked.form or FORMS)
    campaign = Campaign(forms, asked.models, until)
    draw = settings(
        max_examples=2 * asked.models,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    started = time.monotonic()
    try:
        drawn = LOOKED_UP if asked.folded else JUDGED
        seed(asked.seed)(draw(given(drawn)(campaign.see)))()
    finally:
        campaign.connection.close()
    print(f"seed {asked.seed}: {campaign.models} models in {time.monotonic() - started:.0f} s")
    for form, words in campaign.counts.items():
        print(f"{form:17}", ", ".join(f"{count} {word}" for word, count in words.most_common()))
    for text, count in (campaign.faults + campaign.others).most_common():
        print(f"{count:5} {text}")
    return 1 if campaign.faults or not campaign.models else 0


if __name__ == "__main__":
    raise SystemExit(main())
