"""What an artifact is made of, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rnn_export.errors import RnnExportError
from rnn_export.verifier import Report

REQUIRED = ("keras:tensorflow", "numpy", "onnxruntime:cpu")
"""Who must agree before anything is stored: Keras, the manual reference, onnxruntime."""


@dataclass(frozen=True)
class Settings:
    """How artifacts are made.

    Args:
        out: the folder they stand in.
        forms: to export and store; the peer's is verified beside them, and not stored.
        runtimes: to verify on beside those that are required.
        allow_nonfinite: take weights that are NaN or infinite.
        seed: of the inputs for verification.
        resume: leave alone what an earlier run has finished.
    """

    out: Path
    forms: tuple[str, ...] = ("rnn",)
    runtimes: tuple[str, ...] = ()
    allow_nonfinite: bool = False
    seed: int = 0
    resume: bool = False


@dataclass(frozen=True)
class Artifact:
    """What became of one source.

    Args:
        name: of the artifact.
        source: as the user wrote it.
        folder: where it stands.
        report: of its verification; None when it did not come to that.
        changed: files that are new, changed or gone; none when all came out equal.
        rejected: where the files are that did not pass; None when they did.
        seconds: by step.
        error: what kept it from being made.
        kept: it was finished by an earlier run, and is as it was.
    """

    name: str
    source: str
    folder: Path
    report: Report | None = None
    changed: tuple[str, ...] = ()
    rejected: Path | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: RnnExportError | None = None
    kept: bool = False

    @property
    def passed(self) -> bool:
        """Whether it stands there with a pass of everything that was asked for."""
        return self.kept or (
            self.report is not None and not self.error and self.report.exit_code == 0
        )
