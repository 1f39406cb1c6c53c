"""Diagnosis: known bugs replayed on what was shown; the one that explains it names the fault."""

from rnn_export.verifier.diagnosis.naming import Diagnosis, diagnose, suspected

__all__ = ["Diagnosis", "diagnose", "suspected"]
