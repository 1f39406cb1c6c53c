"""Replaying an observation on another network: on one row of the batch first, then on all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rnn_export.builders.reference import run
from rnn_export.errors import NetworkError
from rnn_export.network import BATCH, Network
from rnn_export.verifier.comparing import Comparison
from rnn_export.verifier.observation import CellReading
from rnn_export.verifier.trail import Shown, Trail
from rnn_export.verifier.walk import walk

NEARER = 0.1
"""A network that explains an output comes at least this much nearer to it..."""

SLACK = 3.0
"""...or as near as the bound that was missed, this many times."""


@dataclass(frozen=True)
class Replays:
    """What other networks are tried on.

    Args:
        network: the right one.
        feeds, shown: what was walked.
        trail: what the walk found.
        failed: the comparison to be explained.
    """

    network: Network
    feeds: Mapping[str, np.ndarray]
    shown: Shown
    trail: Trail
    failed: Comparison

    def clean(self, network: Network | None = None, shown: Shown | None = None) -> bool:
        """Tell whether nothing is wrong with what was shown if ``network`` ran, or if ``shown`` was."""
        tried, seen = network or self.network, shown or self.shown
        if not self._comes_nearer(tried, seen):
            return False
        rows = self._rows
        few = rows is None or _clean(tried, _feeds(self.feeds, rows), _only(seen, rows))
        return few and _clean(tried, self.feeds, seen)

    @cached_property
    def _rows(self) -> slice | None:
        """The row that failed; None where rows cannot be taken apart, or are few."""
        ports = (*self.network.inputs, *self.network.outputs)
        shapes = [self.network.spec(port.tensor).shape for port in ports]
        apart = all(shape and shape[0] == BATCH for shape in shapes)
        count = min((feed.shape[0] for feed in self.feeds.values() if feed.ndim), default=0)
        if not apart or count < 3:
            return None
        row = min(self.failed.where.row or 0, count - 1)
        return slice(row, row + 1)

    def _comes_nearer(self, network: Network, shown: Shown) -> bool:
        """Tell whether a float64 run of the row comes much nearer to the output that is wrong than the right network's.

        Only where no states are seen: sampling how errors travel is what costs time then.
        """
        if self.trail.treads or self._rows is None or shown is not self.shown:
            return True
        name = next(
            (port.name for port in network.outputs if repr(port.name) in self.failed.subject), ""
        )
        if not name:
            return True
        before, after = self._away(self.network, name), self._away(network, name)
        part = max(NEARER, min(1.0, SLACK / max(self.failed.ratio, 1.0)))
        return not (np.isfinite(before) and after > part * before)

    def _away(self, network: Network, name: str) -> float:
        """Return how far a float64 run of the row lies from what was shown, up to the step that failed."""
        assert self._rows is not None
        try:
            value = run(network, _feeds(self.feeds, self._rows), np.float64)[name]
        except NetworkError:
            return np.inf
        shown = self.shown.outputs[name][self._rows].astype(np.float64)
        if value.shape != shown.shape:
            return np.inf
        if self.failed.where.step is not None and shown.ndim > 2:
            value, shown = (item[:, : self.failed.where.step + 1] for item in (value, shown))
        return float(np.abs(value - shown).max(initial=0.0))


def _clean(network: Network, feeds: Mapping[str, np.ndarray], shown: Shown) -> bool:
    try:
        trail = walk(network, feeds, shown)
    except NetworkError:
        return False
    return not any(found.failed for found in trail.comparisons)


def _feeds(feeds: Mapping[str, np.ndarray], rows: slice) -> dict[str, np.ndarray]:
    return {name: feed[rows] for name, feed in feeds.items()}


def _only(shown: Shown, rows: slice | None) -> Shown:
    """Return some rows of what was shown."""
    if rows is None:
        return shown
    return replace(
        shown,
        outputs=_feeds(shown.outputs, rows),
        cells=tuple(_reading(cell, rows) for cell in shown.cells),
    )


def _reading(cell: CellReading, rows: slice) -> CellReading:
    def of(values: np.ndarray | None, batch: int) -> np.ndarray | None:
        if values is None:
            return None
        return values[(slice(None),) * batch + (rows,)] if values.ndim > batch else values

    return replace(
        cell,
        states=cell.states[:, rows],
        x=of(cell.x, 1),
        initial=of(cell.initial, 0),
        lengths=of(cell.lengths, 0),
        mask=of(cell.mask, 1),
        added=of(cell.added, 1),
    )
