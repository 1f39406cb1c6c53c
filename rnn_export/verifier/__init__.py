"""The verifier: verdicts with grounds instead of tolerances; pure, it opens no files and runs no runtimes."""

from rnn_export.verifier.bounds.envelope import Envelope
from rnn_export.verifier.comparing import Where
from rnn_export.verifier.inputs import InputSet, design
from rnn_export.verifier.judging import Checks, judge
from rnn_export.verifier.observation import CellReading, Facts, Observation
from rnn_export.verifier.verdicts import CaseResult, Outcome, Report, Verdict

__all__ = [
    "CaseResult",
    "CellReading",
    "Checks",
    "Envelope",
    "Facts",
    "InputSet",
    "Observation",
    "Outcome",
    "Report",
    "Verdict",
    "Where",
    "design",
    "judge",
]
