"""A batch that callers share gives the very numbers of each share alone, for every kind of input."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from rnn_export import (
    ParallelSession,
    StreamingSession,
    builders,
    export,
    judge,
    presets,
    read,
)
from rnn_export.builders import reference
from rnn_export.errors import ReadError, RuntimeRefused, RuntimeUnavailable
from rnn_export.network import Draft, Network, Op, Source
from rnn_export.network.ops import Concatenate, ExpandDims, Flip, Permute
from rnn_export.network.streaming import streaming
from rnn_export.runtimes import OnnxFile, Options, Unavailable
from rnn_export.runtimes.onnxruntime import OnnxRuntime, cpu
from rnn_export.verifier import Facts, Observation, Outcome
from rnn_export.workflows.examples import example

ROWS, TIME = 7, 5
TIME_MAJOR = Path(__file__).parents[1] / "readers" / "keras2" / "time_major.h5"


@pytest.fixture(scope="module")
def network() -> Network:
    return builders.stacked(
        [6, 4], 3, bidirectional="concat", bias_initializer="uniform", return_state=True
    )


def saved(
    network: Network,
    folder: Path,
    form: str = "scan",
    batch: int | None = None,
    time: int | None = None,
) -> Path:
    file = folder / "model.onnx"
    export(network, form=form, batch=batch, time=time).save(file)
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
        with pytest.raises(RuntimeRefused, match="indices element out of data bounds"):
            session.run(wrong)
        after = session.run(tokens)
    assert all((before[name] == after[name]).all() for name in before)


def test_wrong_names_and_counts_are_told(network: Network, tmp_path: Path) -> None:
    file = saved(network, tmp_path)
    with ParallelSession(file, callers=2) as session:
        with pytest.raises(RuntimeRefused, match=r"arrays for the inputs .*, got nonsense"):
            session.run({"nonsense": np.zeros((2, 3, 4), np.float32)})
        with pytest.raises(RuntimeRefused, match=r"arrays for the inputs .*, got list"):
            session.run([1.0])  # type: ignore[arg-type]
        with pytest.raises(RuntimeRefused, match="a NumPy array, got list"):
            session.run({slot.name: [1.0] for slot in session.inputs})  # type: ignore[misc]
        with pytest.raises(RuntimeRefused, match="this machine's order of bytes, got the other"):
            session.run(
                {
                    name: array.astype(array.dtype.newbyteorder())
                    for name, array in example(network, 4, 3).items()
                }
            )
        with pytest.raises(RuntimeRefused, match="dtype float32"):
            session.run(
                {name: array.astype(np.float64) for name, array in example(network, 4, 3).items()}
            )
    with pytest.raises(ValueError, match="callers: expected at least 1, got 0"):
        ParallelSession(file, callers=0)


def test_a_closed_session_says_so(tmp_path: Path) -> None:
    session = ParallelSession(saved(builders.simple_rnn(4, 3), tmp_path), callers=2)
    session.close()
    session.close()
    with pytest.raises(RuntimeRefused, match=r"expected an open session, .* got it closed"):
        session.run(np.zeros((2, 3, 3), np.float32))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_fork_is_told_and_ends(tmp_path: Path) -> None:
    file = saved(builders.simple_rnn(4, 3), tmp_path)
    program = f"""
import os, signal, numpy as np
from rnn_export import ParallelSession
from rnn_export.errors import RuntimeRefused
x = np.zeros((4, 3, 3), np.float32)
session = ParallelSession({str(file)!r}, callers=2)
session.run(x)
if child := os.fork():
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
signal.alarm(20)
try:
    session.run(x)
except RuntimeRefused as error:
    assert "a fork of that process" in str(error)
    session.close()
    del session
    os._exit(7)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=60, check=False)
    assert done.returncode == 7


def over_batch(op: Op) -> Network:
    """Return a network with an operator that works along the batch."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    (y,) = draft.call("op", op, [x, x] if isinstance(op, Concatenate) else [x], dtype="float32")
    draft.output("y", y)
    return draft.finish(Source("python", "over batch"))


@pytest.mark.parametrize(
    "op", [Flip(0), Flip(-3), Concatenate(0), Permute((1, 0, 2)), ExpandDims(0)], ids=repr
)
def test_a_file_whose_rows_depend_on_one_another_is_refused(tmp_path: Path, op: Op) -> None:
    with pytest.raises(
        ReadError, match="one whose rows depend on one another, or do not come first"
    ):
        ParallelSession(saved(over_batch(op), tmp_path))


@pytest.mark.parametrize(
    "op",
    [Flip(1), Flip(-1), Concatenate(-1), Permute((2, 1)), ExpandDims(1), ExpandDims(3)],
    ids=repr,
)
def test_a_file_whose_rows_are_apart_is_not(tmp_path: Path, op: Op) -> None:
    x = example(over_batch(op), ROWS, TIME)
    file = saved(over_batch(op), tmp_path)
    with ParallelSession(file, callers=2) as session:
        np.testing.assert_array_equal(session.run(x)["y"], alone(file, x)["y"])


@pytest.mark.parametrize("fixed", [{}, {"time": 4}, {"time": 4, "batch": 4}])
def test_time_before_the_batch_is_refused(tmp_path: Path, fixed: dict[str, int]) -> None:
    with pytest.raises(ReadError, match="or do not come first"):
        ParallelSession(saved(read(TIME_MAJOR), tmp_path, "rnn", **fixed))


def test_a_file_of_another_tool_is_refused(network: Network, tmp_path: Path) -> None:
    file = saved(network, tmp_path)
    model = onnx.load(file)
    model.producer_name = "somebody"
    onnx.save(model, file)
    with pytest.raises(ReadError, match="in which no row depends on another, got one by somebody"):
        ParallelSession(file)


@pytest.mark.parametrize("session", [ParallelSession, StreamingSession])
def test_without_onnxruntime_the_way_to_it_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    session: type[ParallelSession | StreamingSession],
) -> None:
    file = tmp_path / "model.onnx"
    # States in and out, which one of the two asks for, do no harm to the other.
    export(streaming(builders.simple_rnn(4, 3)), form="scan").save(file)
    missing = Unavailable("No module named 'onnxruntime'", "pip install it")
    monkeypatch.setattr(OnnxRuntime, "probe", lambda self: missing)
    with pytest.raises(RuntimeUnavailable, match=r"No module named 'onnxruntime'\. pip install it"):
        session(file)
