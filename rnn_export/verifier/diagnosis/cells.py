"""Bugs of one cell, as changes to the case that would make what was shown right."""

from __future__ import annotations

from collections.abc import Iterator

from rnn_export.verifier.diagnosis.activations import activation_hypotheses
from rnn_export.verifier.diagnosis.arithmetics import arithmetics
from rnn_export.verifier.diagnosis.hypothesis import Hypothesis, Subject
from rnn_export.verifier.diagnosis.orders import order_hypotheses
from rnn_export.verifier.diagnosis.weights import (
    rounded_weights,
    scaled_weights,
    weight_hypotheses,
)


def cell_hypotheses(subject: Subject) -> Iterator[Hypothesis]:
    """Yield every hypothesis about a cell whose states are wrong."""
    yield from weight_hypotheses(subject)
    yield from rounded_weights(subject)
    yield from arithmetics(subject)
    yield from activation_hypotheses(subject)
    yield from scaled_weights(subject)
    yield from order_hypotheses(subject)
