"""What a verification was asked for, beside its source: the same for every runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rnn_export.runtimes import Options

if TYPE_CHECKING:
    from rnn_export.workflows.pages import Pictures

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What `verify` was asked for, beside the source.

    Args:
        seed: of the inputs.
        allow_precision: bits from which PRECISION-DOWNGRADED is permitted; None for never.
        options: of the workers.
        evidence: takes every observation, or None.
        progress: told each step, for people.
        pictures: gathers what an HTML report draws, or None.
    """

    seed: int = 0
    allow_precision: float | None = None
    options: Options = field(default_factory=Options)
    evidence: Path | None = None
    progress: Progress = lambda text: None
    pictures: Pictures | None = None
