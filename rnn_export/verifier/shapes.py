"""Names, dtypes and ranks of what was shown, before any number is looked at: no broadcasting, nothing extra."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnn_export.network import Network, show
from rnn_export.verifier.observation import Observation


def unfit(network: Network, observation: Observation) -> str | None:
    """Return what is wrong with the outputs by their names, dtypes or shapes, in one line; None if nothing."""
    sizes = _sizes(network, observation.feeds)
    for name, outputs in (("shipped", observation.shipped), ("tapped", observation.tapped)):
        if outputs is None:
            continue
        wrong = _outputs(network, outputs, sizes)
        if wrong is not None:
            return f"{name} file: {wrong}" if name == "tapped" else wrong
    return None


def _sizes(network: Network, feeds: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Return the sizes of the symbolic axes in this run."""
    found: dict[str, int] = {}
    for port in network.inputs:
        feed = feeds.get(port.name)
        shape = network.spec(port.tensor).shape
        if feed is not None and feed.ndim == len(shape):
            found.update(
                {
                    dim: size
                    for dim, size in zip(shape, feed.shape, strict=True)
                    if isinstance(dim, str)
                }
            )
    return found


def _outputs(
    network: Network, outputs: Mapping[str, np.ndarray], sizes: Mapping[str, int]
) -> str | None:
    wanted = [port.name for port in network.outputs]
    if missing := [name for name in wanted if name not in outputs]:
        return f"expected outputs {wanted}, got none named {missing}"
    if extra := [name for name in outputs if name not in wanted]:
        return f"expected outputs {wanted}, got also {extra}"
    for port in network.outputs:
        spec, array = network.spec(port.tensor), outputs[port.name]
        if array.dtype.name != spec.dtype:
            return f"output {port.name!r}: expected dtype {spec.dtype}, got {array.dtype.name}"
        shape = [sizes.get(dim) if isinstance(dim, str) else dim for dim in spec.shape]
        fits = array.ndim == len(shape) and all(
            size is None or size == got for size, got in zip(shape, array.shape, strict=True)
        )
        if not fits:
            known = tuple(
                dim if size is None else size for dim, size in zip(spec.shape, shape, strict=True)
            )
            return f"output {port.name!r}: expected shape {show(known)}, got {show(array.shape)}"
    return None
