"""The work of a network is counted from its shapes, and the floor follows from it and the measured rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from rnn_export.builders import simple_rnn, stacked
from rnn_export.workflows.benchmarks import floors
from rnn_export.workflows.benchmarks.work import Product, work


def test_one_layer_has_a_product_for_all_inputs_and_one_for_each_step() -> None:
    found = work(simple_rnn(5, 3), batch=2, time=7)
    assert found.products == (Product(1, 14, 3, 5), Product(7, 2, 5, 5))
    assert found.activations == 2 * 7 * 5


def test_a_stack_takes_the_width_of_the_layer_below() -> None:
    found = work(stacked([5, 4], 3), batch=2, time=7)
    assert found.products[2:] == (Product(1, 14, 5, 4), Product(7, 2, 4, 4))


def test_both_directions_count() -> None:
    one = work(simple_rnn(5, 3), batch=2, time=7)
    both = work(simple_rnn(5, 3, bidirectional="concat"), batch=2, time=7)
    assert both.operations == 2 * one.operations
    assert both.activations == 2 * one.activations


def test_a_linear_layer_has_no_activations() -> None:
    assert work(simple_rnn(5, 3, activation="linear"), 2, 7).activations == 0


def test_operations_are_multiplications_and_additions() -> None:
    product = Product(times=3, rows=2, inner=5, columns=7)
    assert product.operations == 3 * (2 * 5 * 7) * 2
    assert product.weights == 3 * 5 * 7 * np.dtype(np.float32).itemsize


@pytest.fixture
def rates(tmp_path: Path) -> dict[str, tuple[Path, np.ndarray]]:
    return floors.rate_models(work(simple_rnn(5, 3), 2, 7), tmp_path)


def seconds(side: int) -> dict[str, float]:
    """Return times of the rate models that make rates powers of two, so that every quotient is exact."""
    return {
        floors.GEMM: 2 * floors.SIDE**3 / 2**36,
        floors.STREAM: floors.CHAIN * 4 * side**2 / 2**33,
        floors.TANH: floors.CHAIN * floors.ACTIVATIONS / 2**30,
    }


def sides(side: int) -> dict[str, int]:
    return {floors.GEMM: floors.SIDE, floors.STREAM: side, floors.TANH: floors.ACTIVATIONS}


def test_the_floor_is_what_the_rates_say() -> None:
    sums = work(simple_rnn(600, 300), batch=64, time=10)
    found = floors.floor(sums, seconds(600), sides(600))
    assert (found.gemm_rate, found.bandwidth, found.activation_rate) == (2**36, 2**33, 2**30)
    project = 2 * 640 * 300 * 600 / 2**36
    steps = 10 * 2 * 64 * 600 * 600 / 2**36
    assert found.products == project + steps
    assert found.activations == 64 * 10 * 600 / 2**30
    assert found.seconds == found.products + found.activations


def test_with_one_row_reading_the_weights_is_what_takes_time() -> None:
    sums = work(simple_rnn(600, 300), batch=1, time=10)
    found = floors.floor(sums, seconds(600), sides(600))
    project = max(2 * 10 * 300 * 600 / 2**36, 4 * 300 * 600 / 2**33)
    assert found.products == project + 10 * 4 * 600 * 600 / 2**33


def test_the_rate_models_are_sound_and_finite(rates: dict[str, tuple[Path, np.ndarray]]) -> None:
    for path, x in rates.values():
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        results = ReferenceEvaluator(model).run(None, {"x": x})
        assert isinstance(results, list)
        assert results[0].shape == x.shape
        assert np.isfinite(results[0]).all()
