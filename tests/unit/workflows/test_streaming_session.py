"""A streaming session: chunks of any sizes equal one pass, rows begin anew by themselves, wrong feeds are named."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest

from rnn_export import StreamingSession, builders, export, judge
from rnn_export.errors import ReadError, RuntimeRefused
from rnn_export.network import ArrayWeight, Draft, Network, Source, TensorId, activation
from rnn_export.network.ops import Cell, Dense, Recurrent
from rnn_export.network.streaming import streaming
from rnn_export.runtimes import OnnxFile, Options
from rnn_export.runtimes.contract import Session
from rnn_export.runtimes.onnxruntime import cpu
from rnn_export.verifier import Facts, Observation, Outcome

ROWS, TIME, FEATURES, UNITS = 3, 17, 5, 4
RNG = np.random.default_rng(12)
CUTS = {
    "steps": range(TIME + 1),
    "halves": (0, 8, TIME),
    "uneven": (0, 1, 3, 4, 12, TIME),
    "whole": (0, TIME),
}


def weight(*shape: int) -> ArrayWeight:
    return ArrayWeight((RNG.normal(size=shape) * 0.4).astype(np.float32))


def cell(features: int, units: int, name: str = "", kind: str = "tanh") -> Cell:
    kernels = weight(features, units), weight(units, units), weight(units)
    return Cell(name, *kernels, activation(kind))


def layers(dtype: str = "float32", kind: str = "elu") -> Network:
    """Two recurrent layers with a Dense between, all steps and the last output."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), dtype)

    def call(name: str, op: object, tensor: TensorId) -> tuple[TensorId, ...]:
        return draft.call(name, op, [tensor], dtype=dtype)  # type: ignore[arg-type]

    stack = (cell(FEATURES, 6, "low"), cell(6, UNITS, "high", kind))
    (y,) = call("stack", Recurrent(stack, ("sequence",)), x)
    (y,) = call("mix", Dense(weight(UNITS, 7), weight(7), activation("relu")), y)
    draft.output("mix", y)
    (last,) = call("last", Recurrent((cell(7, 2),), ("output",)), y)
    draft.output("last", last)
    return draft.finish(Source("python", "layers"))


@pytest.fixture(scope="module")
def network() -> Network:
    return layers()


@pytest.fixture(scope="module")
def file(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("streaming") / "stream.onnx"
    export(streaming(network)).save(path)
    return path


def sequences(rows: int = ROWS) -> np.ndarray:
    return RNG.standard_normal((rows, TIME, FEATURES)).astype(np.float32)


def in_one(network: Network, folder: Path, form: str, x: np.ndarray) -> Mapping[str, np.ndarray]:
    path = folder / "whole.onnx"
    export(network, form=form).save(path)
    session: Session = cpu.open(OnnxFile(path), Options())
    return session.run({"x": x})


def in_chunks(
    session: StreamingSession, x: np.ndarray, cuts: tuple[int, ...]
) -> Mapping[str, np.ndarray]:
    made = [session.run(x[:, start:stop]) for start, stop in pairwise(cuts)]
    joined = np.concatenate([found["mix"] for found in made], axis=1)
    return {"mix": joined, "last": made[-1]["last"]}


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("form", ["rnn", "scan", "wavefront"])
def test_chunks_of_any_sizes_equal_one_pass_to_the_bit(
    network: Network, form: str, cuts: str, tmp_path: Path
) -> None:
    x = sequences()
    export(streaming(network), form=form).save(tmp_path / "stream.onnx")
    with StreamingSession(tmp_path / "stream.onnx") as session:
        got = in_chunks(session, x, tuple(CUTS[cuts]))
    for name, want in in_one(network, tmp_path, form, x).items():
        np.testing.assert_array_equal(got[name], want)


# One row times a matrix is another routine of onnxruntime than several, and the RNN operator's states of selu are
# scaled: the last bits may differ.
@pytest.mark.parametrize(
    ("dtype", "kind", "rows"),
    [("float32", "elu", 1), ("float64", "elu", 1), ("float32", "selu", 3)],
)
def test_where_bits_differ_one_step_at_a_time_is_one_pass_within_the_bound(
    dtype: str, kind: str, rows: int, tmp_path: Path
) -> None:
    network = layers(dtype, kind)
    export(streaming(network)).save(tmp_path / "stream.onnx")
    with StreamingSession(tmp_path / "stream.onnx") as session:
        x = sequences(rows).astype(dtype)
        got = in_chunks(session, x, tuple(range(TIME + 1)))
    seen = Observation({"x": x}, got, Facts("onnxruntime:cpu", network_digest=network.digest))
    verdict = judge(network, seen)
    assert verdict.outcome == Outcome.PASS, verdict
    assert verdict.verified_steps == TIME


def test_a_state_that_is_dropped_is_found_by_the_same_judge(network: Network, file: Path) -> None:
    x = sequences()
    made = []
    with StreamingSession(file) as session:
        for start, stop in pairwise(CUTS["halves"]):
            made.append(session.run(x[:, start:stop]))
            session.reset()
    got = {
        "mix": np.concatenate([found["mix"] for found in made], axis=1),
        "last": made[-1]["last"],
    }
    seen = Observation({"x": x}, got, Facts("onnxruntime:cpu", network_digest=network.digest))
    assert judge(network, seen).outcome == Outcome.FAIL


def test_rows_begin_anew_by_themselves(file: Path) -> None:
    x, y = sequences(), sequences()
    with StreamingSession(file) as session:
        session.run(x)
        session.reset([1])
        got = session.run(y)["mix"]
        session.reset()
        session.run(x)
        kept = session.run(y)["mix"]
        session.reset()
        fresh = session.run(y)["mix"]
    np.testing.assert_array_equal(got[1], fresh[1])
    np.testing.assert_array_equal(got[[0, 2]], kept[[0, 2]])
    assert not np.array_equal(kept[1], fresh[1])


def test_states_can_be_kept_and_given_back(file: Path) -> None:
    x, y = sequences(), sequences()
    with StreamingSession(file) as session, StreamingSession(file) as other:
        session.run(x)
        states = session.states
        assert {name: state.shape for name, state in states.items()} == {
            "stack/low/h_in": (ROWS, 6),
            "stack/high/h_in": (ROWS, UNITS),
            "last/h_in": (ROWS, 2),
        }
        want = session.run(y)
        other.restore(states)
        got = other.run(y)
    for name in want:
        np.testing.assert_array_equal(got[name], want[name])


def test_after_a_reset_of_all_rows_their_number_may_change(file: Path) -> None:
    with StreamingSession(file) as session:
        session.run(sequences(3))
        session.reset()
        assert session.states == {}
        assert session.run(sequences(2))["mix"].shape == (2, TIME, 7)


def test_a_worker_gives_the_same_bits(file: Path) -> None:
    x = sequences()
    with StreamingSession(file) as here, StreamingSession(file, runtime="onnxruntime:cpu") as there:
        for start, stop in pairwise(CUTS["uneven"]):
            want, got = (one.run({"x": x[:, start:stop]}) for one in (here, there))
            for name in want:
                np.testing.assert_array_equal(got[name], want[name])


def test_an_initial_state_that_is_an_input_is_carried_and_can_be_set(tmp_path: Path) -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), "float32")
    h = draft.input("h", ("batch", UNITS), "float32")
    op = Recurrent((cell(FEATURES, UNITS),), ("sequence",))
    draft.output("mix", *draft.call("rnn", op, [x], initial=[h]))
    network = draft.finish(Source("python", "given"))
    export(streaming(network)).save(tmp_path / "stream.onnx")
    export(network).save(tmp_path / "whole.onnx")
    values, start = sequences(), RNG.standard_normal((ROWS, UNITS)).astype(np.float32)
    (want,) = (
        cpu.open(OnnxFile(tmp_path / "whole.onnx"), Options())
        .run({"x": values, "h": start})
        .values()
    )
    with StreamingSession(tmp_path / "stream.onnx") as session:
        assert [slot.name for slot in session.inputs] == ["x"]
        assert [slot.name for slot in session.outputs] == ["mix"]
        first = session.run({"x": values[:, :4], "h": start})["mix"]
        second = session.run(values[:, 4:])["mix"]
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), want)


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ({"y": sequences()}, "expected the inputs x, got y"),
        ({}, "expected the inputs x, got none"),
        ({"x": sequences(), "z": sequences()}, "expected the inputs x, got x, z"),
        ({"x": sequences().astype(np.float64)}, "expected dtype float32, got float64"),
        ({"x": sequences()[..., 1:]}, r"expected shape \(batch, time, 5\), got \(3, 17, 4\)"),
        ({"x": sequences()[0]}, r"expected shape \(batch, time, 5\), got \(17, 5\)"),
        ({"x": sequences()[:, :0]}, "expected at least one row and one step"),
        ({"x": sequences(4)}, "expected 3 rows, as before, got 4"),
        ({"x": sequences().tolist()}, "expected a NumPy array, got list"),
    ],
)
def test_wrong_feeds_are_named_and_leave_the_states(
    file: Path, feeds: dict[str, np.ndarray], words: str
) -> None:
    x = sequences()
    with StreamingSession(file) as session:
        session.run(x)
        before = session.states
        with pytest.raises(RuntimeRefused, match=words):
            session.run(feeds)
        for name, state in session.states.items():
            np.testing.assert_array_equal(state, before[name])


def test_rows_that_are_not_there_are_named(file: Path) -> None:
    with StreamingSession(file) as session:
        with pytest.raises(RuntimeRefused, match="expected a chunk before rows are reset"):
            session.reset([0])
        session.run(sequences())
        with pytest.raises(RuntimeRefused, match="expected rows from 0 to 2, got row 3"):
            session.reset([1, 3])
        with pytest.raises(RuntimeRefused, match="expected the states last/h_in, stack/high"):
            session.restore({"h": np.zeros((1, 1), np.float32)})


def test_a_file_that_carries_no_states_is_refused_with_the_way_out(tmp_path: Path) -> None:
    export(builders.stacked([4], 3)).save(tmp_path / "plain.onnx")
    with pytest.raises(ReadError, match="Export it with --streaming"):
        StreamingSession(tmp_path / "plain.onnx")


def test_files_that_do_not_say_their_states_are_known_by_names(file: Path, tmp_path: Path) -> None:
    model = onnx.load(file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    x = sequences()
    with StreamingSession(file) as session, StreamingSession(tmp_path / "bare.onnx") as bare:
        np.testing.assert_array_equal(bare.run(x)["mix"], session.run(x)["mix"])
        np.testing.assert_array_equal(bare.run(x)["last"], session.run(x)["last"])
