"""The Keras adapter runs the original file: structure, names, states and dtypes as Keras has them, no code run."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rnn_export.runtimes import Connection, KerasFile, Options, Refused, connect
from tests.unit.runtimes import small_models as small

# Keras' NumPy backend does its linear algebra with SciPy.
NEEDS = {"numpy": "scipy", "tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
BACKENDS = [
    name
    for name, module in NEEDS.items()
    if importlib.util.find_spec("keras") and importlib.util.find_spec(module)
]
pytestmark = pytest.mark.skipif(not BACKENDS, reason="no Keras here")

WRITE = """
import sys
from pathlib import Path
import keras, numpy as np
folder = Path(sys.argv[1])
layers = keras.layers
keras.utils.set_random_seed(1)

x = keras.Input((None, 5), name="x")
tokens = keras.Input((None,), name="tokens", dtype="int32")
both = layers.Concatenate(name="both")([x, layers.Embedding(10, 4, name="embed")(tokens)])
sequence, state = layers.SimpleRNN(6, return_sequences=True, return_state=True, name="rnn")(both)
head = layers.Dense(2, name="head")(state)
keras.Model({"x": x, "tokens": tokens}, [sequence, {"b": state, "a": head}]).save(folder / "nested.keras")

called = keras.Sequential([layers.Embedding(10, 4, name="embed"), layers.SimpleRNN(3, name="rnn")])
called(np.zeros((2, 7)))
called.save(folder / "called.keras")

x = keras.Input((None, 5), batch_size=2, name="x")
keras.Model(x, layers.SimpleRNN(3, stateful=True, name="rnn")(x)).save(folder / "stateful.keras")

x = keras.Input((None, 5), name="x", dtype="float64")
keras.Model(x, layers.SimpleRNN(3, dtype="float64", name="rnn")(x)).save(folder / "double.keras")

x = keras.Input((None, 5), name="x")
model = keras.Model(x, layers.SimpleRNN(3, name="rnn")(layers.Lambda(lambda v: v * 2)(x)))
model.save(folder / "lambda.keras")
model.save(folder / "lambda.h5")
keras.Sequential([layers.SimpleRNN(3)]).save(folder / "unbuilt.keras")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keras")
    small.run_keras(WRITE, folder)
    small.write_keras(folder, small.make_weights())
    return folder


@pytest.fixture(scope="module", params=BACKENDS)
def keras(request: pytest.FixtureRequest) -> Iterator[Connection]:
    with connect(f"keras:{request.param}") as connection:
        yield connection


X = np.random.default_rng(3).standard_normal((2, 7, 5)).astype(np.float32)


def test_inputs_and_outputs_are_flat_in_keras_order_and_named(
    keras: Connection, folder: Path
) -> None:
    tokens = np.arange(14, dtype=np.int32).reshape(2, 7) % 10
    with keras.open(KerasFile(folder / "nested.keras")) as session:
        # Dictionaries in the order of their keys, as keras.tree flattens them.
        assert [slot.name for slot in session.inputs] == ["tokens", "x"]
        assert [slot.name for slot in session.outputs] == ["rnn", "head", "rnn_1"]
        assert [slot.dtype for slot in session.inputs] == ["int32", "float32"]
        results = session.run({"x": X, "tokens": tokens})
    assert [array.shape for array in results.values()] == [(2, 7, 6), (2, 2), (2, 6)]
    assert np.array_equal(results["rnn"][:, -1], results["rnn_1"])


def test_tokens_go_to_an_input_that_was_stored_as_float32(keras: Connection, folder: Path) -> None:
    tokens = (
        np.arange(15, dtype=np.int32).reshape(3, 5) % 10
    )  # another shape than the stored one, too
    with keras.open(KerasFile(folder / "called.keras")) as session:
        assert session.inputs[0].dtype == "float32"
        name = session.inputs[0].name
        as_integers = session.run({name: tokens})
        as_floats = session.run({name: tokens.astype(np.float32)})
    assert np.array_equal(as_integers["rnn"], as_floats["rnn"])
    assert as_integers["rnn"].shape == (3, 3)


def test_a_stateful_layers_state_goes_in_and_comes_out(keras: Connection, folder: Path) -> None:
    with keras.open(KerasFile(folder / "stateful.keras")) as session:
        before, after = session.inputs[-1], session.outputs[-1]
        assert (before.name, after.name) == ("rnn/h_in", "rnn/h_out")
        assert before.shape is not None
        zeros = np.zeros([int(size or 0) for size in before.shape], np.float32)
        whole = session.run({"x": X, before.name: zeros})
        first = session.run({"x": X[:, :3], before.name: zeros})
        rest = session.run({"x": X[:, 3:], before.name: first[after.name]})
        again = session.run({"x": X, before.name: zeros})
    assert not np.array_equal(first[after.name], zeros)
    assert np.array_equal(again["rnn"], whole["rnn"])
    # The same operations on the same numbers; only blocks of a matrix product may be summed otherwise.
    np.testing.assert_array_max_ulp(rest["rnn"], whole["rnn"], maxulp=64)


def test_float64_stays_float64(keras: Connection, folder: Path) -> None:
    if keras.name != "keras:tensorflow":
        pytest.skip("Keras' dtypes.result_type makes float64 float32 on every other backend")
    with keras.open(KerasFile(folder / "double.keras")) as session:
        result = session.run({"x": X.astype(np.float64) + 1e-12})["rnn"]
    assert result.dtype == np.float64
    assert not np.array_equal(result, result.astype(np.float32))


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_code_in_a_file_is_not_run(keras: Connection, folder: Path, name: str) -> None:
    with pytest.raises(Refused, match="Lambda"):
        keras.open(KerasFile(folder / name))


def test_a_legacy_file_runs_like_the_new_one(keras: Connection, folder: Path) -> None:
    feeds = small.make_feeds()
    with (
        keras.open(KerasFile(folder / "small.keras")) as new,
        keras.open(KerasFile(folder / "small.h5")) as old,
    ):
        ours, theirs = new.run(feeds), old.run(feeds)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_an_unbuilt_model_is_refused(keras: Connection, folder: Path) -> None:
    with pytest.raises(Refused, match="built"):
        keras.open(KerasFile(folder / "unbuilt.keras"))


def test_another_number_of_threads_than_at_the_start_is_refused(
    keras: Connection, folder: Path
) -> None:
    with pytest.raises(Refused, match=r"expected threads=1, .* got threads=3"):
        keras.open(KerasFile(folder / "small.keras"), Options(threads=3))


def test_facts_state_keras_its_backend_and_the_device(keras: Connection, folder: Path) -> None:
    with keras.open(KerasFile(folder / "small.keras")) as session:
        assert keras.name.removeprefix("keras:") in session.facts.version
        assert session.facts.details["device"] == "cpu"
