"""One suite for every form: any network, in every form, is the network, to the last bit; and so are its taps."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_export.builders import reference
from rnn_export.exporters import FORMS, export
from rnn_export.exporters.recurrent import stacking
from rnn_export.exporters.taps import CellTap, tap
from rnn_export.network import Call, Network, TensorId
from rnn_export.network.ops import Cell, Recurrent
from tests.unit.exporters.exact import Arrays, Drawn, exact, feeds, run

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(1, 5), st.integers(1, 8))


CHAINED = "scan, chained"
"""What form scan becomes for large fixed batches."""
GRAPHS = (*FORMS, CHAINED)


def exported(
    network: Network, form: str, time: int, padding: str = "any", **options: object
) -> onnx.ModelProto:
    if form == CHAINED:
        with patch.object(stacking, "chains", lambda *asked: True):
            return exported(network, "scan", time, padding, **options)
    fixed = time if form == "unrolled" else None
    return export(network, form=form, time=fixed, padding=padding, **options).model  # type: ignore[arg-type]


def truth(network: Network, given_feeds: Arrays) -> dict[TensorId, np.ndarray]:
    """Every tensor in float64, up to the first that float32 may not hold."""
    values = reference.trace(network, given_feeds, np.float64)
    reliable = {port.tensor for port in network.inputs}
    for call in network.calls:
        if all(tensor in reliable for tensor in call.reads):
            reliable.update(
                tensor for tensor in call.outputs if exact(values[tensor].astype(np.float64))
            )
    return {tensor: values[tensor] for tensor in reliable}


def cells_of(network: Network) -> Iterator[tuple[str, Call, Recurrent, Cell]]:
    for call in network.recurrent():
        assert isinstance(call.op, Recurrent)
        for cell in call.op.cells:
            yield f"{call.path}/{cell.name}" if cell.name else call.path, call, call.op, cell


@pytest.mark.parametrize("padding", ["any", "right"])
@pytest.mark.parametrize("form", GRAPHS)
@given(seed=SEEDS, sizes=SIZES, raised=st.booleans())
def test_every_form_is_the_network_to_the_last_bit(
    form: str, padding: str, seed: int, sizes: tuple[int, int], raised: bool
) -> None:
    network = Drawn(seed, raised).network()
    given_feeds = feeds(network, np.random.default_rng(seed), *sizes, right=padding == "right")
    want = truth(network, given_feeds)
    got = run(exported(network, form, sizes[1], padding), given_feeds)
    assert list(got) == [port.name for port in network.outputs]
    for port in network.outputs:
        if port.tensor in want:
            np.testing.assert_array_equal(got[port.name], want[port.tensor], err_msg=port.name)


@pytest.mark.parametrize("form", GRAPHS)
@given(seed=SEEDS)
def test_forms_have_the_same_ports(form: str, seed: int) -> None:
    network = Drawn(seed).network()
    native = exported(network, "rnn", 4).graph
    other = exported(network, form, 4).graph
    assert [item.name for item in other.input] == [item.name for item in native.input]
    assert [item.name for item in other.output] == [item.name for item in native.output]
    if form != "unrolled":
        assert list(other.input) == list(native.input)
        assert list(other.output) == list(native.output)


@pytest.mark.parametrize("padding", ["any", "right"])
@pytest.mark.parametrize("form", GRAPHS)
@given(seed=SEEDS, sizes=st.tuples(st.integers(1, 4), st.integers(2, 6)))
def test_taps_show_the_states_that_each_cell_goes_through(
    form: str, padding: str, seed: int, sizes: tuple[int, int]
) -> None:
    network = Drawn(seed).network()
    given_feeds = feeds(network, np.random.default_rng(seed), *sizes, right=padding == "right")
    want = truth(network, given_feeds)
    shipped = exported(network, form, sizes[1], padding)
    tapped = tap(shipped)
    onnx.checker.check_model(tapped.model, full_check=True)
    got = run(tapped.model, given_feeds)
    for name, values in run(shipped, given_feeds).items():
        np.testing.assert_array_equal(got[name], values)
    shown = {cell.cell: cell for cell in tapped.cells}
    read = {tensor for call in network.calls for tensor in call.reads}
    read |= {port.tensor for port in network.outputs}
    for path, call, op, cell in cells_of(network):
        if not read.intersection(call.outputs):
            continue
        steps_follow(shown.pop(path), call, op, cell, got, want)
    assert not set(shown) - {path for path, *_ in cells_of(network)}


def steps_follow(
    shown: CellTap,
    call: Call,
    op: Recurrent,
    cell: Cell,
    outputs: Arrays,
    want: dict[TensorId, np.ndarray],
) -> None:
    """Every state is one step from the one before, on the node's own input, under the network's mask."""
    assert shown.x is not None
    x, states = shown.x(outputs).astype(np.float64), shown.states(outputs) * shown.scale
    time, batch = states.shape[:2]
    assert x.shape == (time, batch, cell.features)
    assert states.shape == (time, batch, cell.units)
    state = np.zeros((batch, cell.units))
    if shown.initial is not None:
        state = shown.initial(outputs).astype(np.float64) * shown.scale
    if not call.initial:
        assert not state.any()
    active = np.ones((time, batch), bool)
    if call.mask in want:
        mask = want[call.mask].T
        assert shown.lengths is not None or shown.mask is not None
        if shown.lengths is not None:
            np.testing.assert_array_equal(shown.lengths(outputs), mask.sum(axis=0))
            active = np.arange(time)[:, None] < mask.sum(axis=0)
        if shown.mask is not None:
            seen = shown.mask(outputs)
            np.testing.assert_array_equal(
                seen, mask[::-1] if op.go_backwards != shown.reverse else mask
            )
            active = seen
    weights = [np.asarray(w.read(), np.float64) for w in (cell.kernel, cell.recurrent_kernel)]
    bias = 0.0 if cell.bias is None else cell.bias.read().astype(np.float64)
    for t in reversed(range(time)) if shown.reverse else range(time):
        z = x[t] @ weights[0] + state @ weights[1] + bias
        if not exact(z):
            return
        stepped = np.where(active[t][:, None], cell.activation(z), state)
        counts = active[t] if shown.lengths is not None else np.ones(batch, bool)
        np.testing.assert_array_equal(states[t][counts], stepped[counts])
        state = stepped


@pytest.mark.parametrize("form", GRAPHS)
@given(seed=SEEDS, sizes=SIZES)
def test_exported_taps_are_the_states_of_the_network(
    form: str, seed: int, sizes: tuple[int, int]
) -> None:
    network = Drawn(seed).network()
    given_feeds = feeds(network, np.random.default_rng(seed), *sizes)
    want = truth(network, given_feeds)
    model = exported(network, form, sizes[1], taps=True)
    got = run(model, given_feeds)
    names = [port.name for port in network.outputs]
    assert [item.name for item in model.graph.output][: len(names)] == names
    for call in network.recurrent():
        assert isinstance(call.op, Recurrent)
        last = call.op.cells[-1]
        name = f"{call.layer}/{last.name}/states" if last.name else f"{call.layer}/states"
        kept = call.mask is not None and (call.op.zero_output_for_mask or call.initial)
        if name not in got or call.op.emits[0] != "sequence" or kept or call.outputs[0] not in want:
            continue
        turned = call.op.go_backwards and not call.op.time_order
        sequence = want[call.outputs[0]]
        np.testing.assert_array_equal(got[name], sequence[:, ::-1] if turned else sequence)
