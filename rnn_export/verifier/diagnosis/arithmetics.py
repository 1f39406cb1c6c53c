"""No bug, but coarser arithmetic: operands, or the states that are put away, in a shorter format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from rnn_export.verifier.diagnosis.formats import FORMATS, STORED
from rnn_export.verifier.diagnosis.hypothesis import Hypothesis, Subject, Trial
from rnn_export.verifier.steps import Steps


def arithmetics(subject: Subject) -> Iterator[Hypothesis]:
    """Yield every coarser arithmetic."""
    for name in FORMATS:
        yield Hypothesis(f"arithmetic in {name}", _in_format(subject, name), name.split()[0])
        if name in STORED:
            yield Hypothesis(f"states stored in {name}", _stored(subject, name))


def _in_format(subject: Subject, name: str) -> Callable[[], bool]:
    """Return a test of operands rounded to a format, sums in float32, results perhaps stored in the format."""
    case, rounding = subject.case, FORMATS[name]

    def seen(steps: Steps) -> Steps:
        return replace(steps, x=rounding(steps.x), before=rounding(steps.before))

    def explains() -> bool:
        affine = case.affine
        assert affine.recurrent is not None
        kernel, recurrent = rounding(affine.kernel), rounding(affine.recurrent)
        biases = [affine.bias] if affine.bias is None else [affine.bias, rounding(affine.bias)]
        for bias in biases:
            coarse = replace(affine, kernel=kernel, recurrent=recurrent, bias=bias)
            for stored in (0.0, STORED.get(name, 0.0)):
                envelope = replace(case.envelope, stored=stored)
                changed = replace(case, affine=coarse, envelope=envelope)
                if Trial(changed, subject.sets, seen).holds():
                    return True
        return False

    return explains


def _stored(subject: Subject, name: str) -> Callable[[], bool]:
    def explains() -> bool:
        for steps in subject.sets:
            if not np.array_equal(FORMATS[name](steps.after), steps.after):
                return False
        stored = replace(subject.case.envelope, stored=STORED[name])
        return Trial(replace(subject.case, envelope=stored), subject.sets).holds()

    return explains
