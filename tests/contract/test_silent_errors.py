"""No runtime's silent error passes: each known one, on each runtime that has it, ends FAIL, or is refused aloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from rnn_export.exporters import export
from rnn_export.network import Network
from rnn_export.runtimes import Crashed, OnnxFile, Options, Unavailable, connect
from rnn_export.verifier import InputSet, Outcome, judge
from rnn_export.workflows.matrix.trying import Inputs, Trials
from rnn_export.workflows.observing import observe
from rnn_export.workflows.subjects import opened
from tests.contract.traps import (
    BATCH,
    FEATURES,
    TIME,
    TRAPS,
    UNITS,
    judged,
    layer,
    with_state,
)

CASES = [(name, runtime) for name, trap in TRAPS.items() for runtime in trap.caught]


class Runtimes:
    """Trials by runtime, each started when first asked for."""

    def __init__(self) -> None:
        self._trials: dict[str, Trials | str] = {}

    def of(self, name: str) -> Trials:
        if name not in self._trials:
            connection = connect(name)
            found = connection.probe()
            absent = isinstance(found, Unavailable)
            self._trials[name] = f"{name}: {found.reason}" if absent else Trials(connection)  # type: ignore[union-attr]
        trials = self._trials[name]
        if isinstance(trials, str):
            pytest.skip(trials)
        return trials

    def close(self) -> None:
        for trials in self._trials.values():
            if isinstance(trials, Trials):
                trials.connection.close()


@pytest.fixture(scope="module")
def runtimes() -> Iterator[Runtimes]:
    held = Runtimes()
    yield held
    held.close()


@pytest.mark.parametrize(("name", "runtime"), CASES)
def test_what_a_runtime_gets_wrong_does_not_pass(
    name: str, runtime: str, runtimes: Runtimes, tmp_path: Path
) -> None:
    trap = TRAPS[name]
    tried = judged(trap, runtimes.of(runtime), tmp_path)
    assert tried.outcome in trap.caught[runtime], tried
    assert tried.reason


@pytest.mark.parametrize("name", TRAPS)
def test_the_file_is_right_as_another_runtime_shows(
    name: str, runtimes: Runtimes, tmp_path: Path
) -> None:
    trap = TRAPS[name]
    tried = judged(trap, runtimes.of(trap.control), tmp_path)
    assert tried.outcome is Outcome.PASS, tried


def test_openvino_heeds_sequence_lens_where_sizes_are_fixed(
    runtimes: Runtimes, tmp_path: Path
) -> None:
    trap = TRAPS["sequence_lens with free sizes"]
    network = trap.network()
    path = export(network, padding="right", batch=BATCH, time=TIME).save(tmp_path / "model.onnx")
    subject = opened(network, path, tmp_path)
    fixed = {"batch": BATCH, "time": TIME}
    tried = runtimes.of("openvino:cpu").attempt(
        OnnxFile(path), subject, Inputs(network, "right"), fixed
    )
    assert tried.outcome is Outcome.PASS, tried


def exported(network: Network, folder: Path) -> OnnxFile:
    return OnnxFile(export(network).save(folder / "model.onnx"))


def test_openvinos_own_precision_is_downgraded(runtimes: Runtimes, tmp_path: Path) -> None:
    network = layer()()
    model = exported(network, tmp_path)
    subject = opened(network, model.path, tmp_path)
    trials = runtimes.of("openvino:cpu@default")
    tried = trials.attempt(model, subject, Inputs(network), {})
    if tried.precision == "float32":
        pytest.skip("this processor computes in float32 by default: it has no bfloat16")
    assert tried.outcome is Outcome.PRECISION_DOWNGRADED, tried
    # bfloat16 has 8 significant bits.
    assert tried.effective_bits is not None
    assert tried.effective_bits < 12


def test_a_symbolic_batch_that_kills_tract_is_a_crash_and_the_next_file_runs(
    runtimes: Runtimes, tmp_path: Path
) -> None:
    network = layer()()
    model = exported(network, tmp_path)
    subject = opened(network, model.path, tmp_path)
    trials = runtimes.of("tract")
    left_alone = Options(extra={"pin": "no"})
    tried = trials.attempt(model, subject, Inputs(network), {}, options=left_alone)
    assert tried.outcome is Outcome.CRASHED
    assert "SIGABRT" in tried.reason
    assert trials.attempt(model, subject, Inputs(network), {}).outcome is Outcome.PASS


@pytest.mark.parametrize("form", ["rnn", "scan"])
def test_openvinos_state_after_no_steps_does_not_pass(
    form: str, runtimes: Runtimes, tmp_path: Path
) -> None:
    network = with_state()
    path = export(network, form=form).save(tmp_path / "model.onnx")
    subject = opened(network, path, tmp_path)
    h0 = np.linspace(-2.0, 3.0, BATCH * UNITS, dtype=np.float32).reshape(BATCH, UNITS)
    feeds = {"x": np.zeros((BATCH, 0, FEATURES), np.float32), "h0": h0}
    connection = runtimes.of("openvino:cpu").connection
    with connection.open(OnnxFile(path)) as session:
        observation = observe(
            network, session, None, subject, InputSet("no steps", feeds, BATCH, 0, 0, 0.0)
        )
    # It gives whatever the memory held (rnn), or no rows at all (scan).
    assert not np.array_equal(observation.shipped["rnn_1"], h0)
    assert judge(network, observation).outcome is Outcome.FAIL


def test_an_empty_batch_that_kills_openvino_is_a_crash_and_the_next_file_runs(
    runtimes: Runtimes, tmp_path: Path
) -> None:
    trials = runtimes.of("openvino:cpu")
    network = layer()()
    empty = export(network, batch=BATCH, time=TIME).model
    for port in (*empty.graph.input, *empty.graph.output):
        port.type.tensor_type.shape.dim[0].dim_value = 0
    onnx.save(empty, tmp_path / "empty.onnx")
    feeds = {network.inputs[0].name: np.zeros((0, TIME, FEATURES), np.float32)}
    with pytest.raises(Crashed) as crash:
        trials.connection.open(OnnxFile(tmp_path / "empty.onnx")).run(feeds)
    assert crash.value.signal == "SIGFPE"
    model = exported(network, tmp_path)
    subject = opened(network, model.path, tmp_path)
    assert trials.attempt(model, subject, Inputs(network), {}).outcome is Outcome.PASS
