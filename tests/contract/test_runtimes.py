"""What every runtime must do alike: one suite, run for each that is installed here."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rnn_export.runtimes import (
    Available,
    Connection,
    KerasFile,
    Model,
    OnnxFile,
    Options,
    Refused,
    RemoteSession,
    Unavailable,
    connect,
    node,
)
from rnn_export.runtimes.contract import kind_of
from rnn_export.runtimes.table import TABLE, interpreter_variable
from tests.unit.runtimes import small_models as small

WEIGHTS = small.make_weights()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    small.write_onnx(folder / "small.onnx", small.onnx_model(WEIGHTS))
    if importlib.util.find_spec("keras"):
        small.write_keras(folder, WEIGHTS)
    return folder


# Found without starting anything, so that what is missing costs no worker and no list of skipped tests.
NEEDS = {
    "numpy": (),
    "keras:tensorflow": ("keras", "tensorflow"),
    "keras:numpy": ("keras", "scipy"),
    "keras:jax": ("keras", "jax"),
    "keras:torch": ("keras", "torch"),
    "onnxruntime:cpu": ("onnxruntime",),
    "onnxruntime:cuda": (
        "onnxruntime",
    ),  # and the distribution below: both wheels have one module name
    "onnx-reference": ("onnx",),
    "onnxruntime-node": ("onnx",),  # and the npm packages below
    "onnxruntime-web:wasm": ("onnx",),
    "openvino:cpu": ("openvino",),
    "tract": ("tract",),
    "mnn": ("MNN",),
    "emx-onnx-cgen": ("emx_onnx_cgen",),
}


def installed(name: str) -> bool:
    if interpreter_variable(name) in os.environ:
        return True
    if name == "onnxruntime:cuda":
        return any(importlib.metadata.distributions(name="onnxruntime-gpu"))
    if TABLE[name].startswith(node.__name__):
        return (node.folder() / "node_modules" / name.partition(":")[0]).is_dir()
    return all(importlib.util.find_spec(module) for module in NEEDS[name])


HERE = [name for name in TABLE if installed(name)]


def test_the_suite_knows_every_built_in_runtime() -> None:
    assert NEEDS.keys() == TABLE.keys()


@pytest.mark.parametrize("name", [name for name in TABLE if name not in HERE])
def test_a_runtime_that_is_missing_says_why_and_how_to_get_it(name: str) -> None:
    with connect(name) as connection:
        found = connection.probe()
    assert isinstance(found, Unavailable)
    assert found.reason
    assert "install" in found.install


@pytest.fixture(scope="module", params=HERE)
def runtime(request: pytest.FixtureRequest) -> Iterator[Connection]:
    with connect(request.param) as connection:
        found = connection.probe()
        if isinstance(found, Unavailable):
            pytest.skip(f"{request.param}: {found.reason} ({found.install})")
        yield connection


@pytest.fixture(scope="module")
def model(runtime: Connection, files: Path) -> Model:
    found = runtime.probe()
    assert isinstance(found, Available)
    (kind,) = found.accepts
    models: dict[str, Model] = {
        "onnx": OnnxFile(files / "small.onnx"),
        "keras": KerasFile(files / "small.keras"),
        "network": small.network(WEIGHTS),
    }
    return models[kind]


@pytest.fixture(scope="module")
def session(runtime: Connection, model: Model) -> Iterator[RemoteSession]:
    with runtime.open(model) as session:
        yield session


def assert_close(results: dict[str, np.ndarray], feeds: dict[str, np.ndarray]) -> None:
    states, bounds = small.loop(WEIGHTS, feeds)
    sequence, last = results.values()
    assert sequence.dtype == last.dtype == np.float32
    assert sequence.shape == states.shape
    assert (np.abs(sequence - states) <= bounds).all()
    assert last.shape == states[:, -1].shape
    assert (np.abs(last - states[:, -1]) <= bounds[:, -1]).all()


def test_probe_states_a_version_and_what_it_takes(runtime: Connection) -> None:
    found = runtime.probe()
    assert isinstance(found, Available)
    assert found.version
    assert found.accepts
    assert found.precisions[0] == "float32"


def test_results_agree_with_the_loop(session: RemoteSession) -> None:
    feeds = small.make_feeds()
    assert_close(session.run(feeds), feeds)


@pytest.mark.parametrize(("batch", "time"), [(1, 1), (2, 9), (6, 2)])
def test_batch_and_time_are_free(session: RemoteSession, batch: int, time: int) -> None:
    feeds = small.make_feeds(batch, time)
    assert_close(session.run(feeds), feeds)


def test_inputs_and_outputs_are_named_and_typed_in_order(session: RemoteSession) -> None:
    assert {slot.name for slot in session.inputs} == {"x", "h0"}
    results = session.run(small.make_feeds())
    assert list(results) == [slot.name for slot in session.outputs]
    assert all(slot.dtype == "float32" for slot in (*session.inputs, *session.outputs))
    widths = {slot.name: slot.shape[-1] for slot in session.inputs if slot.shape}
    assert widths == {"x": small.FEATURES, "h0": small.UNITS}


def test_order_of_feeds_does_not_matter(session: RemoteSession) -> None:
    feeds = small.make_feeds()
    swapped = dict(reversed(feeds.items()))
    assert_close(session.run(swapped), feeds)


def test_feeds_of_any_memory_layout_are_taken(session: RemoteSession) -> None:
    feeds = small.make_feeds()
    strided = {name: np.repeat(array, 2, axis=-1)[..., ::2] for name, array in feeds.items()}
    fortran = {name: np.asfortranarray(array) for name, array in feeds.items()}
    assert_close(session.run(strided), feeds)
    assert_close(session.run(fortran), feeds)


def test_results_of_a_run_outlive_the_next(session: RemoteSession) -> None:
    feeds = small.make_feeds()
    first = session.run(feeds)
    session.run({name: -array for name, array in feeds.items()})
    assert_close(first, feeds)


def test_one_run_leaves_no_state_for_the_next(session: RemoteSession) -> None:
    first, second = session.run(small.make_feeds()), session.run(small.make_feeds())
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_one_worker_serves_many_models(runtime: Connection, model: Model) -> None:
    feeds = small.make_feeds()
    with runtime.open(model) as first, runtime.open(model) as second:
        assert_close(first.run(feeds), feeds)
        first.close()
        assert_close(second.run(feeds), feeds)


def test_facts_state_version_and_precision(runtime: Connection, session: RemoteSession) -> None:
    assert session.facts.runtime == runtime.name
    assert session.facts.version
    assert session.facts.precision == "float32"


def test_float64_for_float32_is_refused(session: RemoteSession) -> None:
    feeds = small.make_feeds()
    # A value that float32 cannot hold: Keras takes the others, as its users expect it to.
    with pytest.raises(Refused, match="float64"):
        session.run({**feeds, "x": feeds["x"].astype(np.float64) + 1e-12})


@pytest.mark.parametrize("missing", ["x", "h0"])
def test_a_missing_input_is_refused(session: RemoteSession, missing: str) -> None:
    feeds = small.make_feeds()
    del feeds[missing]
    with pytest.raises(Refused, match="expected inputs"):
        session.run(feeds)


def test_an_input_too_many_is_refused(session: RemoteSession) -> None:
    feeds = small.make_feeds()
    with pytest.raises(Refused, match="expected inputs"):
        session.run({**feeds, "y": feeds["x"]})


def test_another_number_of_axes_is_refused(session: RemoteSession) -> None:
    feeds = small.make_feeds()
    with pytest.raises(Refused):
        session.run({**feeds, "x": feeds["x"][..., None]})


def test_another_number_of_features_is_refused(session: RemoteSession) -> None:
    feeds = small.make_feeds()
    with pytest.raises(Refused):
        session.run({**feeds, "x": feeds["x"][..., :-1]})


@pytest.mark.parametrize("rows", [small.BATCH - 1, 1])
def test_batches_that_differ_are_refused(session: RemoteSession, rows: int) -> None:
    feeds = small.make_feeds()
    # One row is what NumPy and Keras would silently repeat for all.
    with pytest.raises(Refused):
        session.run({**feeds, "h0": feeds["h0"][:rows]})


def test_a_refused_input_leaves_the_session_usable(session: RemoteSession) -> None:
    feeds = small.make_feeds()
    with pytest.raises(Refused):
        session.run({"x": feeds["x"]})
    assert_close(session.run(feeds), feeds)


def test_a_damaged_file_is_refused_in_the_runtimes_words(
    runtime: Connection, model: Model, tmp_path: Path
) -> None:
    if not isinstance(model, (OnnxFile, KerasFile)):
        pytest.skip("takes no files")
    damaged = tmp_path / model.path.name
    damaged.write_bytes(b"not a model")
    with pytest.raises(Refused) as refusal:
        runtime.open(type(model)(damaged))
    assert refusal.value.got
    assert len(str(refusal.value).splitlines()) == 1
    assert len(refusal.value.text) > len(refusal.value.got)


def test_a_missing_file_is_refused(runtime: Connection, model: Model, tmp_path: Path) -> None:
    if not isinstance(model, (OnnxFile, KerasFile)):
        pytest.skip("takes no files")
    with pytest.raises(Refused, match="nowhere"):
        runtime.open(type(model)(tmp_path / f"nowhere{model.path.suffix}"))


def test_a_model_of_another_kind_is_refused(runtime: Connection, model: Model) -> None:
    other: Model = (
        KerasFile(Path("x.keras")) if kind_of(model) == "onnx" else OnnxFile(Path("x.onnx"))
    )
    with pytest.raises(Refused, match=f"of kind {kind_of(model)}, got {kind_of(other)}"):
        runtime.open(other)


def test_a_precision_it_does_not_have_is_refused(runtime: Connection, model: Model) -> None:
    with pytest.raises(Refused, match=r"expected precision float32.*, got int3"):
        runtime.open(model, Options(precision="int3"))


def test_measured_runs_are_timed_in_the_worker(session: RemoteSession) -> None:
    seconds = session.measure(small.make_feeds(), repeats=3)
    assert len(seconds) == 3
    assert all(each > 0 for each in seconds)
