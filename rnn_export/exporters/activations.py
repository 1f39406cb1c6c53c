"""Activations as ONNX operators, outside the RNN node."""

from __future__ import annotations

from rnn_export.errors import ExportError
from rnn_export.exporters.elements import carrier
from rnn_export.exporters.formulas import FORMULAS
from rnn_export.exporters.graph import Graph
from rnn_export.exporters.terms import Terms
from rnn_export.network import Activation
from rnn_export.network.dtypes import numpy_dtype


def activate(graph: Graph, activation: Activation, x: str, dtype: str, subject: str) -> str:
    """Return ``activation`` of ``x``; one that acts on rows acts on the last axis.

    Args:
        graph: where the nodes go, a Scan's body included.
        activation: which.
        x: a value in the carrier of ``dtype``.
        dtype: what the call computes in.
        subject: the layer, for errors.

    Raises:
        ExportError: an activation that is not known.
    """
    terms = Terms(graph, numpy_dtype(carrier(dtype)))
    formula = FORMULAS.get(activation.name)
    if formula is None:
        raise ExportError(
            subject,
            expected=f"an activation that ONNX operators can compute in {dtype}",
            got=str(activation),
            advice="Use another one.",
        )
    return formula(terms, x, **activation.options)
