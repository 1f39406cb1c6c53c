"""A whole network, call by call."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnn_export.builders.reference.computing import evaluate
from rnn_export.builders.reference.feeds import bind
from rnn_export.errors import NetworkError
from rnn_export.network import Network, TensorId

WORKING = (np.dtype(np.float32), np.dtype(np.float64))


def trace(
    network: Network,
    feeds: Mapping[str, np.ndarray],
    dtype: type[np.floating] | np.dtype = np.float32,
) -> dict[TensorId, np.ndarray]:
    """Return every tensor of the network, inputs included, by its id.

    Args:
        network: what to evaluate.
        feeds: one array for each input port by name; cast to the port's dtype first.
        dtype: the working dtype, float32 or float64; fractions of any stored dtype are computed in it.

    Returns:
        Fractions in ``dtype``, masks in bool, integers in their own dtype.

    Raises:
        NetworkError: feeds that do not fit the ports (the port is named), or another working dtype.
    """
    kind = np.dtype(dtype)
    if kind not in WORKING:
        raise NetworkError("the reference", expected="float32 or float64", got=str(kind))
    values = bind(network, feeds, kind)
    for call in network.calls:
        mask = None if call.mask is None else values[call.mask]
        inputs = [values[tensor] for tensor in call.inputs]
        initial = [values[tensor] for tensor in call.initial]
        made = evaluate(call, inputs, mask, initial, kind)
        values.update(zip(call.outputs, made, strict=True))
    return values


def run(
    network: Network,
    feeds: Mapping[str, np.ndarray],
    dtype: type[np.floating] | np.dtype = np.float32,
) -> dict[str, np.ndarray]:
    """Return the network's outputs by port name; arguments and errors as for :func:`trace`."""
    values = trace(network, feeds, dtype)
    return {port.name: values[port.tensor] for port in network.outputs}
