"""Recurrent calls in every form."""

from rnn_export.exporters.recurrent import lowering as _lowering  # noqa: F401
