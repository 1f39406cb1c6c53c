"""The files: opsets, IR versions, names, metadata, equal bytes; written whole or not at all."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from rnn_export._version import __version__
from rnn_export.errors import ExportError
from rnn_export.exporters import FORMS, export, saving, stored, tensors
from rnn_export.network import ArrayWeight, Draft, Network, Source
from rnn_export.network.ops import Embedding, Recurrent
from tests.unit.exporters.exact import Drawn, cell, feeds, halves, run

RANDOM = np.random.default_rng(9)


def stack(seed: int = 0, padding: bool = False) -> Network:
    random = np.random.default_rng(seed)
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    mask = draft.input("mask", ("batch", "time"), "bool") if padding else None
    (x,) = draft.call("embedding", Embedding(ArrayWeight(halves(random, (7, 6)))), [tokens])
    (x,) = draft.call("low", Recurrent((cell(random, 6, 5),), ("sequence",)), [x], mask=mask)
    (x,) = draft.call("high", Recurrent((cell(random, 5, 4),)), [x], mask=mask)
    draft.output("high", x)
    return draft.finish(Source("python", f"stack {seed}", "/somewhere"))


@pytest.mark.parametrize("opset", range(14, 27))
@pytest.mark.parametrize("form", FORMS)
def test_every_opset_loads_and_declares_its_ir_version(opset: int, form: str) -> None:
    network = stack(padding=True)
    model = export(network, form=form, opset=opset, time=5 if form == "unrolled" else None).model
    assert [(item.domain, item.version) for item in model.opset_import] == [("", opset)]
    assert model.ir_version == {23: 11, 24: 12, 25: 13, 26: 13}.get(opset, 10)
    assert run(model, feeds(network, RANDOM, 2, 5))["high"].shape == (2, 4)


@pytest.mark.parametrize("opset", [7, 13, 27, 28])
def test_other_opsets_are_refused(opset: int) -> None:
    with pytest.raises(ExportError, match=f"opset: expected 14 to 26, got {opset}"):
        export(stack(), opset=opset)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"form": "loop"}, "form: expected one of rnn, scan, wavefront, unrolled, got 'loop'"),
        ({"padding": "left"}, "padding: expected one of any, right, got 'left'"),
        ({"batch": 0}, "batch: expected a size of at least 1, got 0"),
        ({"time": 10**20}, "time: expected a size below 2147483648, got 10000"),
        (
            {"form": "unrolled"},
            "layer 'low': expected a fixed number of time steps .* got the axis 'time'. Give time=",
        ),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(ExportError, match=text):
        export(stack(), **options)  # type: ignore[arg-type]


def test_metadata_names_producer_form_network_and_assumptions_and_nothing_else() -> None:
    network = stack(padding=True)
    model = export(network, padding="right").model
    assert (model.producer_name, model.producer_version) == ("rnn_export", __version__)
    held = {item.key: item.value for item in model.metadata_props}
    assumptions = json.loads(held.pop("rnn_export.assumptions"))
    assert held == {"rnn_export.form": "rnn", "rnn_export.network": network.digest}
    (assumption,) = assumptions
    assert "masked steps only follow" in assumption
    assert b"somewhere" not in model.SerializeToString()


def test_an_assumption_that_was_not_needed_is_not_stated() -> None:
    model = export(stack(), padding="right").model
    assert "rnn_export.assumptions" not in {item.key for item in model.metadata_props}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(8))
def test_equal_networks_give_equal_bytes(form: str, seed: int, tmp_path: Path) -> None:
    time = 3 if form == "unrolled" else None
    one, other = (export(Drawn(seed).network(), form=form, time=time) for _ in range(2))
    data = one.model.SerializeToString(deterministic=True)
    assert data == other.model.SerializeToString(deterministic=True)
    assert one.save(tmp_path / "one.onnx").read_bytes() == data


@pytest.mark.parametrize("form", FORMS)
def test_fixed_sizes_stand_in_the_ports(form: str) -> None:
    network = stack()
    model = export(network, form=form, batch=2, time=5).model
    shapes = {
        info.name: [dim.dim_value or dim.dim_param for dim in info.type.tensor_type.shape.dim]
        for info in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"tokens": [2, 5], "high": [2, 4]}
    assert run(model, feeds(network, RANDOM, 2, 5))["high"].shape == (2, 4)


def test_symbolic_axes_are_named() -> None:
    (info,) = export(stack()).model.graph.input
    assert [dim.dim_param for dim in info.type.tensor_type.shape.dim] == ["batch", "time"]


def test_one_tensor_under_two_names_and_an_input_handed_through_are_outputs_of_their_own() -> None:
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    op = Recurrent((cell(RANDOM, 3, 4),), ("output", "state"))
    y, state = draft.call("rnn", op, [x])
    for name, tensor in (("y", y), ("again", y), ("state", state), ("x_out", x)):
        draft.output(name, tensor)
    network = draft.finish(Source("python", "twice"))
    given = feeds(network, RANDOM, 2, 3)
    got = run(export(network).model, given)
    assert list(got) == ["y", "again", "state", "x_out"]
    np.testing.assert_array_equal(got["again"], got["y"])
    np.testing.assert_array_equal(got["x_out"], given["x"])


def test_port_names_are_free_even_where_they_look_like_ours() -> None:
    draft = Draft()
    x = draft.input("rnn#0:Y_h", ("batch", "time", 3), "float32")
    (y,) = draft.call("rnn", Recurrent((cell(RANDOM, 3, 4),)), [x])
    draft.output("const/int64", y)
    network = draft.finish(Source("python", "names"))
    got = run(export(network).model, feeds(network, RANDOM, 2, 3))
    assert list(got) == ["const/int64"]


@pytest.fixture
def split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thresholds so low that a small model takes the way of one beyond 256 MB."""
    monkeypatch.setattr(tensors, "INLINE_BYTES", 64)
    monkeypatch.setattr(tensors, "_SMALL", 32)
    monkeypatch.setattr(stored, "_SLAB_BYTES", 40)


@pytest.mark.usefixtures("split")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", [0, 3, 5, 8])
def test_external_data_holds_the_same_values(form: str, seed: int, tmp_path: Path) -> None:
    network = Drawn(seed).network()
    time = 4 if form == "unrolled" else None
    exported = export(network, form=form, time=time)
    path = exported.save(tmp_path / "model.onnx")
    names = {place.file for place in exported.places.values()}
    assert {item.name for item in tmp_path.iterdir()} == {"model.onnx", *names}
    assert path.read_bytes() == exported.model.SerializeToString(deterministic=True)
    onnx.checker.check_model(str(path), full_check=True)
    whole = onnx.load(path)
    inside = {name: item.read() for name, item in exported.stored.items()}
    assert {item.name for item in whole.graph.initializer} == set(inside)
    for item in whole.graph.initializer:
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(item), inside[item.name])
    given = feeds(network, RANDOM, 2, 4)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    fed = {item.name: given[item.name] for item in session.get_inputs()}
    want = run(whole, given)
    for item, values in zip(session.get_outputs(), session.run(None, fed), strict=True):
        np.testing.assert_array_equal(values, want[item.name])


@pytest.mark.usefixtures("split")
def test_the_data_file_is_named_by_its_content(tmp_path: Path) -> None:
    one, same, other = (export(stack(seed)) for seed in (0, 0, 1))
    files = [next(iter(item.places.values())).file for item in (one, same, other)]
    assert files[0] == files[1]
    assert files[0] != files[2]
    one.save(tmp_path / "one.onnx")
    before = (tmp_path / files[0]).stat()
    same.save(tmp_path / "two.onnx")
    assert (tmp_path / files[0]).stat() == before


@pytest.mark.usefixtures("split")
def test_large_tensors_begin_at_pages_and_small_ones_stay_inside() -> None:
    table = ArrayWeight(np.zeros((70_000, 2), np.float32))
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    (x,) = draft.call("embedding", Embedding(table), [tokens])
    (y,) = draft.call("rnn", Recurrent((cell(RANDOM, 2, 4),)), [x])
    draft.output("rnn", y)
    exported = export(draft.finish(Source("python", "pages")))
    assert exported.places["embedding/table"].offset % 65536 == 0
    held = {item.name: item for item in exported.model.graph.initializer}
    assert held["embedding/table"].data_location == TensorProto.EXTERNAL
    assert all(item.raw_data for name, item in held.items() if name not in exported.places)
    assert "rnn/R" in exported.places


def test_models_of_up_to_256_mb_are_one_file(tmp_path: Path) -> None:
    export(stack()).save(tmp_path / "model.onnx")
    assert [item.name for item in tmp_path.iterdir()] == ["model.onnx"]


def test_a_file_replaces_the_one_before_it(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    assert export(stack()).save(str(path)) == path
    assert onnx.load(path).producer_name == "rnn_export"


def test_a_link_is_written_through_and_a_pipe_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    (tmp_path / "link").symlink_to(path)
    export(stack()).save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert onnx.load(path).producer_name == "rnn_export"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        export(stack()).save(pipe)
        assert read.result() == path.read_bytes()
    assert pipe.is_fifo()


@pytest.mark.parametrize("place", ["missing/model.onnx", "folder"])
def test_a_place_that_cannot_be_written_is_one_clear_error(place: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExportError, match="expected a place that can be written to, got") as caught:
        export(stack()).save(tmp_path / place)
    assert caught.value.subject == str(tmp_path / place)
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]


def test_what_fails_half_way_leaves_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(saving, "write_model", full)
    with pytest.raises(ExportError, match="no space left"):
        export(stack()).save(path)
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["model.onnx"]
