"""The static check: the weights in a file are the network's, bit for bit, wherever a form has put them.

Each weight is looked for in every initializer: as it is or transposed, behind axes of size 1, as a block of a
larger matrix, scaled where the form's recipe scales (R of a selu), and as Wb + Rb. A block that is nearly a
weight, but neither it nor any other weight of the network, is a fault. A weight that is found nowhere is not
applicable: the graph is laid out in a way that this check does not know, which is no fault. The tables of a folded
file are checked by themselves (`tables`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from rnn_export.builders.reference.rounding import rounded
from rnn_export.network import Network, op_weights
from rnn_export.network.activations import SELU_SCALE
from rnn_export.network.dtypes import HALF
from rnn_export.network.ops import BatchNormalization, LayerNormalization, Recurrent
from rnn_export.verifier.tables import check_tables

NEAR, ENOUGH = 0.05, 8
"""A block is nearly a weight if its distance from it, in root mean squares, is at most this part of it. Of fewer
entries than enough, some other weight would be so near by chance: they have to be nearer, to be as unlikely..."""

EQUAL = 0.5
"""...or if at least this part of its entries is equal."""


@dataclass(frozen=True)
class StaticFault:
    """A weight in the file that is not the network's."""

    layer: str
    text: str


@dataclass(frozen=True)
class StaticFinding:
    """What the check found.

    Args:
        checked: paths of the weights that stand in the file bit for bit.
        faults: blocks that are nearly a weight.
        skipped: paths of the weights that were not recognised.
    """

    checked: tuple[str, ...] = ()
    faults: tuple[StaticFault, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sought:
    """A weight as a form may hold it: transposed, if ``turned``."""

    path: str
    values: np.ndarray
    turned: bool = False

    @property
    def uniform(self) -> bool:
        """One number throughout, which stands in many places without being meant."""
        return self.values.size < 2 or not np.any(self.values != self.values.flat[0])


# A file may hold anything, infinities and NaN too.
@np.errstate(all="ignore")
def check_weights(
    network: Network,
    stored: Mapping[str, np.ndarray],
    folded: Mapping[str, str] = MappingProxyType({}),
) -> StaticFinding:
    """Return which of a network's weights stand in a file's initializers.

    Args:
        network: what the file should hold.
        stored: initializer's name to values, for every floating initializer of the file.
        folded: path of a recurrent call to the name of the table E W + b that it reads, as the file says.
    """
    tables = list(check_tables(network, stored, folded))
    stored = {
        name: values
        for name, values in stored.items()
        if name not in {table.name for table in tables}
    }
    found = list(_sought(network))
    sought = [item for item in found if not item.uniform]
    uniform = [item for item in found if item.uniform]
    sizes = _offsets(sought)
    exact = {path for table in tables if not table.text for path in table.paths}
    known: set[str] = set()
    doubtful: list[_Doubt] = []
    for name, held in [*_matrices(stored, sought), *_bias_sums(stored)]:
        if any(_same(held, item.values) for item in uniform):
            continue
        right, near = _compared(name, held, sought, sizes)
        exact |= right
        known |= {name} if right else set()
        doubtful += near
    faults = [StaticFault(table.layer, table.text) for table in tables if table.text]
    # What is exact elsewhere may be half of Wb + Rb here, beside one that is whole.
    faults += (
        _fault(doubt.name, doubt.item, doubt.block)
        for doubt in doubtful
        if not (doubt.explained or (doubt.item.path in exact and doubt.name in known))
    )
    paths = dict.fromkeys(item.path for item in sought)
    wrong = {doubt.item.path for doubt in doubtful}
    wrong |= {path for table in tables if table.text for path in table.paths}
    return StaticFinding(
        tuple(path for path in paths if path in exact),
        tuple(faults),
        tuple(path for path in paths if path not in exact and path not in wrong),
    )


@dataclass(frozen=True)
class _Doubt:
    """A block that is nearly a weight; ``explained`` where it is other weights that make the difference."""

    name: str
    item: _Sought
    block: np.ndarray
    explained: bool


def _compared(
    name: str, held: np.ndarray, sought: list[_Sought], sizes: tuple[int, ...]
) -> tuple[set[str], list[_Doubt]]:
    """Return the paths of the weights that stand in an initializer, and the blocks of it that nearly are one."""
    exact: set[str] = set()
    covered = np.zeros(held.shape, bool)
    near: dict[tuple[object, ...], tuple[_Sought, np.ndarray, np.ndarray]] = {}
    for item in sought:
        for row, column, block, over in _blocks(held, covered, item.values.shape, sizes):
            if not _near(block, item.values):
                continue
            if np.array_equal(block, item.values):
                exact.add(item.path)
                over[...] = True
            else:
                near.setdefault((row, column, block.shape), (item, block, over))
    doubts = [
        _Doubt(name, item, block, bool(over[block != item.values].all()))
        for item, block, over in near.values()
    ]
    return exact, doubts


def _sought(network: Network) -> Iterator[_Sought]:
    """Yield every weight in each layout and scale that a form's recipe may give it."""
    seen: set[tuple[str, int]] = set()
    for call in network.calls:
        scales = {}
        if isinstance(call.op, Recurrent):
            for cell in call.op.cells:
                if cell.activation.name == "selu":
                    scales[cell.recurrent_kernel.digest] = np.float32(SELU_SCALE)
        for path, weight in op_weights(call.op, call.layer):
            if (path, id(weight)) in seen:
                continue
            seen.add((path, id(weight)))
            # Keras normalises in float32 at least, by weights that are not rounded.
            wide = isinstance(call.op, (BatchNormalization, LayerNormalization))
            dtype = "float32" if wide and call.dtype in HALF else call.dtype
            values = _plain(rounded(weight.read(), dtype))
            layouts = [values] if values.ndim == 1 else [values, values.swapaxes(-1, -2)]
            for layout in layouts:
                turned = layout is not values
                yield _Sought(path, layout, turned)
                if weight.digest in scales:
                    scaled = layout * scales[weight.digest].astype(layout.dtype)
                    yield _Sought(path, scaled, turned)


def _plain(values: np.ndarray) -> np.ndarray:
    """Return float16 and bfloat16 as float32, in which files hold them as well."""
    return values.astype(np.float32) if values.dtype.itemsize < 4 else values


def _matrices(
    stored: Mapping[str, np.ndarray], sought: list[_Sought]
) -> list[tuple[str, np.ndarray]]:
    """Return initializers without axes of size 1 in front; directions side by side are taken apart.

    What has the shape of an RNN node's B, (directions, 2 units), counts as Wb + Rb alone; what is nearly a weight as a
    whole, such as R of two units, is not taken apart.
    """
    made = []
    biases = {2 * item.values.size for item in sought if item.values.ndim == 1}
    for name, values in stored.items():
        held = _plain(values)
        if held.ndim == 2 and any(
            held.shape == item.values.shape and _near(held, item.values) for item in sought
        ):
            made.append((name, held))
        elif held.ndim == 3:
            made += [(f"{name}[{k}]", part) for k, part in enumerate(held)]
        elif held.ndim == 2 and held.shape[0] <= 2 and held.shape[1] in biases:
            continue
        elif held.ndim == 2 and held.shape[0] <= 2:
            made += [(f"{name}[{k}]", part) for k, part in enumerate(held)]
        elif held.ndim in (1, 2):
            made.append((name, held))
    return made


def _bias_sums(stored: Mapping[str, np.ndarray]) -> list[tuple[str, np.ndarray]]:
    """Return Wb + Rb of everything that can be the B of an RNN node: (directions, 2 units)."""
    made = []
    for name, values in stored.items():
        if values.ndim == 2 and values.shape[0] <= 2 and values.shape[1] % 2 == 0:
            half = values.shape[1] // 2
            held = _plain(values)
            made += [(f"{name}[{k}]", row[:half] + row[half:]) for k, row in enumerate(held)]
    return made


def _offsets(sought: list[_Sought]) -> tuple[int, ...]:
    """Return where a block may begin: after any run of the network's own sizes."""
    starts = {0}
    total = 0
    for item in sought:
        for size in item.values.shape:
            starts.add(size)
        if item.values.ndim == 2 and item.values.shape[0] == item.values.shape[1]:
            total += item.values.shape[0]
            starts.add(total // 2)
            starts.add(total)
    return tuple(sorted(starts))


def _blocks(
    held: np.ndarray, covered: np.ndarray, shape: tuple[int, ...], starts: tuple[int, ...]
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """Yield (row, column, block, the same of ``covered``) for every place where a weight of this shape may stand."""
    if held.ndim != len(shape):
        return
    if held.ndim == 1:
        for start in starts:
            if start + shape[0] <= held.shape[0]:
                place = slice(start, start + shape[0])
                yield start, 0, held[place], covered[place]
        return
    for row in starts:
        for column in starts:
            if row + shape[0] <= held.shape[0] and column + shape[1] <= held.shape[1]:
                where = slice(row, row + shape[0]), slice(column, column + shape[1])
                yield row, column, held[where], covered[where]


def _same(held: np.ndarray, values: np.ndarray) -> bool:
    """Tell whether an initializer is a weight, axes of size 1 aside."""
    return np.array_equal(held.squeeze(), values.squeeze())


def _near(block: np.ndarray, values: np.ndarray) -> bool:
    if block.dtype != values.dtype:
        return False
    # A glance at a few entries spares most comparisons.
    few = tuple(slice(None, None, max(1, size // 5)) for size in values.shape)
    glance, wanted = block[few].astype(np.float64), values[few].astype(np.float64)
    spread = np.sqrt(np.mean(np.square(wanted)))
    near = NEAR ** max(1.0, ENOUGH / values.size)
    if (
        np.mean(glance == wanted) < EQUAL / 2
        and np.median(np.abs(glance - wanted)) > 2 * near * spread
    ):
        return False
    if np.mean((block == values) & (values != 0)) >= EQUAL:
        return True
    wide = values.astype(np.float64)
    away = np.sqrt(np.mean(np.square(block.astype(np.float64) - wide)))
    return bool(away <= near * np.sqrt(np.mean(np.square(wide))))


def _fault(name: str, item: _Sought, block: np.ndarray) -> StaticFault:
    differs = np.argwhere(block != item.values)
    first = tuple(int(k) for k in differs[0])
    layer = item.path.rpartition("/")[0]
    # Rows and columns as Keras counts them, however the file lays them out.
    place = list(first[:-2] + first[:-3:-1] if item.turned else first)
    count = f"{len(differs)} of {block.size} entries differ" if len(differs) > 1 else "differs"
    return StaticFault(
        layer,
        f"weight {item.path} {count} in the file's {name}: expected {item.values[first]:.9g}"
        f" at {place}, got {block[first]:.9g}",
    )
