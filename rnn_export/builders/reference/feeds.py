"""Inputs of the reference: every port fed once, by name, in its own dtype and shape."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnn_export.builders.reference.rounding import working
from rnn_export.errors import NetworkError
from rnn_export.network import Network, Port, TensorId, show


def bind(
    network: Network, feeds: Mapping[str, np.ndarray], dtype: np.dtype
) -> dict[TensorId, np.ndarray]:
    """Return the input tensors' values: each feed in its port's dtype, fractions then in ``dtype``.

    Raises:
        NetworkError: a port without a feed, a feed without a port, a shape that does not fit or that
            contradicts another port's batch or time, values that are not numbers.
    """
    known = [port.name for port in network.inputs]
    for name in feeds:
        if name not in known:
            raise NetworkError(
                f"input {name!r}",
                expected=f"one of {', '.join(known)}",
                got="a name of no input",
            )
    sizes: dict[str, tuple[int, str]] = {}
    bound: dict[TensorId, np.ndarray] = {}
    for port in network.inputs:
        if port.name not in feeds:
            raise NetworkError(
                f"input {port.name!r}",
                expected="to be fed",
                got=f"feeds for {', '.join(map(repr, feeds)) or 'nothing'}",
                advice=f"Give an array of shape {show(network.spec(port.tensor).shape)}.",
            )
        values = np.asarray(feeds[port.name])
        _fit(network, port, values, sizes)
        bound[port.tensor] = working(values, network.spec(port.tensor).dtype, dtype)
    return bound


def _fit(
    network: Network, port: Port, values: np.ndarray, sizes: dict[str, tuple[int, str]]
) -> None:
    """Raise NetworkError unless dtype and shape fit the port; note what "batch" and "time" are."""
    spec = network.spec(port.tensor)
    subject = f"input {port.name!r}"
    # Kind "V" is how NumPy sees the numbers of ml_dtypes.
    if values.dtype.kind not in "biufV" or values.dtype.names:
        raise NetworkError(subject, expected="real numbers", got=f"dtype {values.dtype}")
    if values.ndim != spec.rank:
        raise NetworkError(subject, expected=f"shape {show(spec.shape)}", got=show(values.shape))
    for axis, (dim, size) in enumerate(zip(spec.shape, values.shape, strict=True)):
        if isinstance(dim, int):
            if dim != size:
                raise NetworkError(
                    subject,
                    expected=f"shape {show(spec.shape)}",
                    got=show(values.shape),
                )
            continue
        wanted, origin = sizes.setdefault(dim, (size, port.name))
        if wanted != size:
            raise NetworkError(
                subject,
                expected=f"{dim} {wanted} on axis {axis}, as in input {origin!r}",
                got=str(size),
            )
