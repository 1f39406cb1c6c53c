"""Inputs that a verdict can rest on: sizes all distinct, states away from zero, nothing saturated, all weights met."""

from rnn_export.verifier.inputs.coverage import Control, controls, coverage
from rnn_export.verifier.inputs.designing import InputSet, design

__all__ = ["Control", "InputSet", "controls", "coverage", "design"]
