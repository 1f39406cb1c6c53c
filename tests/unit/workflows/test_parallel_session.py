"""A batch that callers share gives the very numbers of each share alone, for every kind of input."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest

from rnn_export import ParallelSession, builders, export, judge, presets
from rnn_export.builders import reference
from rnn_export.errors import ReadError, RuntimeRefused
from rnn_export.network import Network
from rnn_export.runtimes import OnnxFile, Options
from rnn_export.runtimes.onnxruntime import cpu
from rnn_export.verifier import Facts, Observation, Outcome
from rnn_export.workflows.examples import example

ROWS, TIME = 7, 5


@pytest.fixture(scope="module")
def network() -> Network:
    return builders.stacked(
        [6, 4], 3, bidirectional="concat", bias_initializer="uniform", return_state=True
    )


def saved(network: Network, folder: Path, form: str = "scan", **fixed: int) -> Path:
    file = folder / "model.onnx"
    export(network, form=form, **fixed).save(file)  # type: ignore[arg-type]
    return file


def alone(file: Path, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return cpu.open(OnnxFile(file), Options()).run(feeds)


@pytest.mark.parametrize("form", ["rnn", "scan", "wavefront"])
@pytest.mark.parametrize("callers", [1, 2, 3])
def test_each_share_is_what_it_is_alone(
    network: Network, tmp_path: Path, form: str, callers: int
) -> None:
    file = saved(network, tmp_path, form)
    feeds = example(network, ROWS, TIME)
    ends = [number * ROWS // callers for number in range(callers + 1)]
    parts = [
        alone(file, {name: array[start:end] for name, array in feeds.items()})
        for start, end in itertools.pairwise(ends)
    ]
    with ParallelSession(file, callers=callers) as session:
        found = session.run(feeds)
    assert len(found) == len(network.outputs)
    for name, array in found.items():
        np.testing.assert_array_equal(array, np.concatenate([part[name] for part in parts]))


def test_the_whole_batch_passes_the_verifier(tmp_path: Path) -> None:
    network = builders.simple_rnn(4, 3, return_sequences=True, bias_initializer="uniform")
    feeds = example(network, ROWS, TIME)
    with ParallelSession(saved(network, tmp_path), callers=2) as session:
        found = session.run(feeds)
    facts = Facts("onnxruntime:cpu", network_digest=network.digest)
    verdict = judge(network, Observation(feeds, found, facts))
    assert verdict.outcome is Outcome.PASS, verdict
    # The rows of the second caller count as much as those of the first.
    swapped = {name: array[::-1].copy() for name, array in found.items()}
    assert judge(network, Observation(feeds, swapped, facts)).outcome is Outcome.FAIL


def test_a_fixed_batch_is_that_of_each_caller(network: Network, tmp_path: Path) -> None:
    feeds = example(network, 6, TIME)
    with ParallelSession(saved(network, tmp_path, batch=3), callers=2) as session:
        assert all(slot.shape and slot.shape[0] == 6 for slot in session.inputs)
        found = session.run(feeds)
    exact = reference.run(network, feeds, np.float64)
    assert [array.shape for array in found.values()] == [array.shape for array in exact.values()]


def test_one_input_may_be_given_alone(tmp_path: Path) -> None:
    network = builders.simple_rnn(4, 3)
    x = example(network, ROWS, TIME)
    with ParallelSession(saved(network, tmp_path), callers=2) as session:
        (given,) = x.values()
        (one,), (other,) = session.run(given).values(), session.run(x).values()
    np.testing.assert_array_equal(one, other)


def test_a_dtype_that_numpy_lacks_is_shared_out_too(tmp_path: Path) -> None:
    network = builders.stacked([4, 3], 3, return_sequences=True, dtype="bfloat16")
    file = saved(network, tmp_path)
    feeds = example(network, 4, TIME)
    (name,) = (port.name for port in network.outputs)
    halves = [
        alone(file, {key: array[part] for key, array in feeds.items()})[name]
        for part in (slice(2), slice(2, 4))
    ]
    with ParallelSession(file, callers=2) as session:
        found = session.run(feeds)[name]
    assert found.dtype.name == "bfloat16"
    np.testing.assert_array_equal(found, np.concatenate(halves))


@pytest.mark.parametrize("row", [0, 3])
def test_what_onnxruntime_says_of_one_share_is_said_of_all(tmp_path: Path, row: int) -> None:
    network = presets.network("embedding-last")
    tokens = next(iter(example(network, 4, TIME).values()))
    with ParallelSession(saved(network, tmp_path), callers=2) as session:
        before = session.run(tokens)
        wrong = tokens.copy()
        wrong[row, 0] = 10**6
        with pytest.raises(Exception, match="indices element out of data bounds"):
            session.run(wrong)
        after = session.run(tokens)
    assert all((before[name] == after[name]).all() for name in before)


def test_wrong_names_and_counts_are_told(network: Network, tmp_path: Path) -> None:
    file = saved(network, tmp_path)
    with ParallelSession(file, callers=2) as session:
        with pytest.raises(RuntimeRefused, match=r"expected the inputs .*, got nonsense"):
            session.run({"nonsense": np.zeros((2, 3, 4), np.float32)})
        with pytest.raises(RuntimeRefused, match="dtype float32"):
            session.run(
                {name: array.astype(np.float64) for name, array in example(network, 4, 3).items()}
            )
    with pytest.raises(ValueError, match="callers: expected at least 1, got 0"):
        ParallelSession(file, callers=0)


def test_a_file_of_another_tool_is_refused(network: Network, tmp_path: Path) -> None:
    file = saved(network, tmp_path)
    model = onnx.load(file)
    model.producer_name = "somebody"
    onnx.save(model, file)
    with pytest.raises(ReadError, match="in which no row depends on another, got one by somebody"):
        ParallelSession(file)
