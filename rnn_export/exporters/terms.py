"""Short words for writing a formula as nodes: numbers become constants of the right dtype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_export.exporters.graph import Graph


@dataclass(frozen=True)
class Terms:
    """A graph and the dtype that a formula's numbers take in it.

    Args:
        graph: where the nodes go.
        dtype: NumPy dtype of all values and constants.
    """

    graph: Graph
    dtype: np.dtype

    @property
    def wide(self) -> bool:
        """Whether values are float64, for which onnxruntime's CPU provider has few operators."""
        return self.dtype == np.float64

    def __call__(self, kind: str, *inputs: str | float, **attributes: Any) -> str:
        """Add a node; numbers among its inputs become constants."""
        names = [item if isinstance(item, str) else self.number(item) for item in inputs]
        return self.graph.add(kind, names, **attributes)

    def number(self, value: float) -> str:
        """Return a constant."""
        return self.graph.constant(value, self.dtype)
