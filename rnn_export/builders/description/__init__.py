"""Networks described layer by layer with Keras' parameter names, in Python or TOML."""

from rnn_export.builders.description.sequential import sequential
from rnn_export.builders.description.stacks import simple_rnn, stacked
from rnn_export.builders.description.toml_file import networks_from_toml

__all__ = ["networks_from_toml", "sequential", "simple_rnn", "stacked"]
