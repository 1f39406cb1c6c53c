"""The onnxruntime adapter: placement, refusals in its own words, TF32 said aloud, and no silent fallback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from rnn_export.runtimes import (
    Available,
    Connection,
    OnnxFile,
    Options,
    Refused,
    Unavailable,
    connect,
)
from rnn_export.runtimes import onnxruntime as adapter
from tests.unit.runtimes import small_models as small

pytest.importorskip("onnxruntime")

WEIGHTS = small.make_weights()


@pytest.fixture(scope="module")
def cpu() -> Iterator[Connection]:
    with connect("onnxruntime:cpu") as connection:
        yield connection


def identity(kind: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", kind, [1])],
        [helper.make_tensor_value_info("y", kind, [1])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_the_tiny_model_is_what_it_says() -> None:
    assert identity(TensorProto.FLOAT).SerializeToString() == adapter.TINY_MODEL


def test_every_operator_and_recurrent_node_has_its_place(cpu: Connection, tmp_path: Path) -> None:
    path = small.write_onnx(tmp_path / "a.onnx", small.onnx_model(WEIGHTS))
    with cpu.open(OnnxFile(path)) as session:
        assert session.facts.nodes == {"rnn": "CPUExecutionProvider"}
        assert session.facts.placement["RNN"] == "CPUExecutionProvider"
        assert session.facts.details["threads"] == "1"


def test_its_refusal_keeps_its_words(cpu: Connection, tmp_path: Path) -> None:
    path = small.write_onnx(tmp_path / "a.onnx", small.onnx_model(WEIGHTS, layout=1))
    with pytest.raises(Refused, match=r"Batchwise recurrent operations \(layout == 1\)"):
        cpu.open(OnnxFile(path))


def test_bfloat16_goes_in_and_comes_out(cpu: Connection, tmp_path: Path) -> None:
    path = small.write_onnx(tmp_path / "a.onnx", identity(TensorProto.BFLOAT16))
    x = np.array([2.5], ml_dtypes.bfloat16)
    with cpu.open(OnnxFile(path)) as session:
        y = session.run({"x": x})["y"]
    assert y.dtype == x.dtype
    assert y == x


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT16])
def test_dtypes_keep_their_numpy_names(cpu: Connection, tmp_path: Path, kind: int) -> None:
    path = small.write_onnx(tmp_path / "a.onnx", identity(kind))
    x = np.ones(1, helper.tensor_dtype_to_np_dtype(kind))
    with cpu.open(OnnxFile(path)) as session:
        assert session.inputs[0].dtype == x.dtype.name
        assert session.run({"x": x})["y"].dtype == x.dtype


def test_options_of_its_own_are_passed_on(cpu: Connection, tmp_path: Path) -> None:
    path = OnnxFile(small.write_onnx(tmp_path / "a.onnx", identity(TensorProto.FLOAT)))
    written = tmp_path / "optimized.onnx"
    extra = {"optimization": "disabled", "session.set_denormal_as_zero": "0"}
    with cpu.open(path, Options(threads=2, extra=extra)) as session:
        assert session.facts.details["threads"] == "2"
    assert not written.exists()
    with pytest.raises(Refused, match="got optimisation=none"):
        cpu.open(path, Options(extra={"optimisation": "none"}))


def test_tf32_is_set_explicitly_both_ways() -> None:
    def setting(precision: str) -> str:
        (name, options), _ = adapter.cuda._providers(Options(precision=precision))
        assert name == "CUDAExecutionProvider"
        return options["use_tf32"]

    assert [setting(each) for each in ("float32", "tf32", "default")] == ["0", "1", "1"]


def test_without_cpu_fallback_the_cpu_is_not_offered() -> None:
    strict = Options(extra={"session.disable_cpu_ep_fallback": "1"})
    assert [name for name, _ in adapter.cuda._providers(strict)] == ["CUDAExecutionProvider"]


class FakeSession:
    """A session of a build with CUDA on a machine where CUDA does not start: onnxruntime leaves it out."""

    providers: tuple[str, ...] = ("CPUExecutionProvider",)

    def __init__(
        self, model: object, settings: object, providers: list[object], enable_fallback: int
    ) -> None:
        assert enable_fallback == 0

    def get_providers(self) -> list[str]:
        return list(self.providers)


def fake_product(session: type[FakeSession]) -> SimpleNamespace:
    class Settings:
        def add_session_config_entry(self, key: str, value: str) -> None:
            pass

    return SimpleNamespace(
        __version__="1.31.1",
        get_available_providers=lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
        SessionOptions=Settings,
        InferenceSession=session,
    )


def test_cuda_that_does_not_start_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", fake_product(FakeSession))
    found = adapter.cuda.probe()
    assert isinstance(found, Unavailable)
    assert "does not start here" in found.reason


def test_a_model_that_would_run_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", fake_product(FakeSession))
    with pytest.raises(Refused, match="expected CUDAExecutionProvider, got CPUExecutionProvider"):
        adapter.cuda.open(OnnxFile(Path("a.onnx")), Options())


def test_cuda_that_starts_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    class Starts(FakeSession):
        providers = ("CUDAExecutionProvider", "CPUExecutionProvider")

    monkeypatch.setitem(sys.modules, "onnxruntime", fake_product(Starts))
    assert isinstance(adapter.cuda.probe(), Available)


def test_an_older_version_that_cannot_tell_places_is_refused_on_cuda() -> None:
    from rnn_export.runtimes.onnxruntime_values import assigned

    session = SimpleNamespace(get_providers=lambda: ["CUDAExecutionProvider"])
    with pytest.raises(Refused, match="tells where each node runs"):
        assigned(session, "onnxruntime:cuda")
    session = SimpleNamespace(get_providers=lambda: ["CPUExecutionProvider"])
    assert assigned(session, "onnxruntime:cpu") == [("*", "*", "CPUExecutionProvider")]
