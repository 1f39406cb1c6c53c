"""The sums that a network has to do at one size: products, activations and bytes of weights, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from rnn_export.network import BATCH, TIME, Network, Spec
from rnn_export.network.ops import Dense, Recurrent


@dataclass(frozen=True)
class Product:
    """A matrix product that is done some number of times, one after the other.

    Args:
        times: how often, each waiting for the one before.
        rows, inner, columns: (rows, inner) by (inner, columns).
    """

    times: int
    rows: int
    inner: int
    columns: int

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * self.times * self.rows * self.inner * self.columns

    @property
    def weights(self) -> int:
        """Bytes of the right-hand matrix in float32, read each time."""
        return 4 * self.times * self.inner * self.columns


@dataclass(frozen=True)
class Work:
    """What has to be done, however it is done.

    Args:
        products: of recurrent layers and Dense ones.
        activations: values of non-linear functions.
    """

    products: tuple[Product, ...]
    activations: int

    @property
    def operations(self) -> int:
        """Multiplications and additions of all products."""
        return sum(product.operations for product in self.products)


def work(network: Network, batch: int, time: int) -> Work:
    """Return a network's work for one run.

    A layer's products with its input are counted as one product over all steps, which they can be; those with
    its state as one for each step, which they must be.

    Args:
        network: whose work it is.
        batch, time: sizes of the axes; a further sequence's axis counts as ``time``.
    """
    products: list[Product] = []
    activations = 0
    for call in network.calls:
        shape = _sizes(network.spec(call.inputs[0]), batch, time) if call.inputs else ()
        if isinstance(call.op, Recurrent):
            rows, steps = shape[0], shape[1]
            for cell in call.op.cells:
                products.append(Product(1, rows * steps, cell.features, cell.units))
                products.append(Product(steps, rows, cell.units, cell.units))
                if cell.activation.name != "linear":
                    activations += rows * steps * cell.units
        elif isinstance(call.op, Dense):
            features, units = call.op.kernel.shape
            rows = prod(shape[:-1])
            products.append(Product(1, rows, features, units))
            if call.op.activation.name != "linear":
                activations += rows * units
    return Work(tuple(products), activations)


def _sizes(spec: Spec, batch: int, time: int) -> tuple[int, ...]:
    known = {BATCH: batch, TIME: time}
    return tuple(axis if isinstance(axis, int) else known.get(axis, time) for axis in spec.shape)
