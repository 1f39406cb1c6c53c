"""One model drawn at random, through Keras and a form on onnxruntime, judged by the verifier; the campaign's step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import tensorflow

from rnn_export.errors import RnnExportError, RuntimeCrashed, RuntimeRefused
from rnn_export.exporters import FORMS, export
from rnn_export.network import Network
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.readers import read
from rnn_export.runtimes import Connection, OnnxFile
from rnn_export.runtimes.keras import KerasSession
from rnn_export.verifier import InputSet, Outcome, Verdict, judge
from rnn_export.workflows.observing import observe
from rnn_export.workflows.probing import Probes
from rnn_export.workflows.subjects import opened
from tests.property.keras_building import BATCH, TIME, build, feeds
from tests.property.keras_comparing import quietly
from tests.property.keras_models import Recipe

KERAS = "keras"
"""What is run beside the forms."""

FOLDED = ("scan, folded", "wavefront, folded", "unrolled, folded")
"""The forms that look x W + b up by the tokens; a model in which nothing can be folded is refused."""

KERAS_ERRORS = (TypeError, ValueError, tensorflow.errors.OpError)
"""How Keras on TensorFlow fails on a model or its inputs."""


@dataclass(frozen=True)
class Tried:
    """What came of one form of a model.

    Args:
        form: that was asked for; KERAS for the source itself.
        word: the verdict's, or "REFUSED" (by the exporter), "UNREADABLE" (by the reader), "NOT LOADED"
            (by onnxruntime), "CRASHED" (onnxruntime, on the inputs), "KERAS FAILED".
        reason: in a line.
    """

    form: str
    word: str
    reason: str = ""

    @property
    def wrong(self) -> bool:
        """Tell whether it is a fault: another value than Keras', or a file that does not load."""
        return self.word in (Outcome.FAIL, Outcome.PRECISION_DOWNGRADED, "NOT LOADED", "CRASHED")


def tried(
    recipe: Recipe, connection: Connection, forms: tuple[str, ...] = FORMS
) -> Iterator[Tried]:
    """Yield what becomes of a recipe: Keras' own values against what was read, then each form's.

    Args:
        recipe: of the model.
        connection: to onnxruntime.
        forms: to export.
    """
    try:
        model = quietly(build, recipe)
    except KERAS_ERRORS as error:
        yield Tried(KERAS, "KERAS FAILED", " ".join(str(error).split()))
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        model.save(folder / "model.keras")
        try:
            network = read(folder / "model.keras")
        except RnnExportError as error:
            yield Tried(KERAS, "UNREADABLE", str(error))
            return
        given = states_and(network, model, feeds(model, recipe), recipe.seed + 2)
        inputs = InputSet("drawn", given, BATCH, recipe.inputs.time or TIME, recipe.seed, 1.0)
        if recipe.sequential and recipe.called:
            # Built by being called, it has no input of its own; the file has.
            model = keras.saving.load_model(folder / "model.keras")
        yield from trials(network, model, inputs, folder, connection, forms)


def trials(
    network: Network,
    model: Any,
    inputs: InputSet,
    folder: Path,
    connection: Connection,
    forms: tuple[str, ...],
) -> Iterator[Tried]:
    """Yield what becomes of a Keras model itself, then of each form of it.

    Args:
        network: what was read of it.
        model: the live model.
        inputs: by port.
        folder: for the files.
        connection: to onnxruntime.
        forms: to export.
    """
    session = KerasSession("keras:tensorflow", keras.__version__, model)
    try:
        seen = observe(network, session, None, None, inputs)  # type: ignore[arg-type]
    except KERAS_ERRORS as error:
        yield Tried(KERAS, "KERAS FAILED", " ".join(str(error).split()))
        return
    yield _said(KERAS, judge(network, seen))
    probes = Probes(connection)
    for form in forms:
        yield _form(form, network, inputs, folder, connection, probes)


def _said(form: str, verdict: Verdict) -> Tried:
    return Tried(form, str(verdict.outcome), f"{verdict.reason} {verdict.where or ''}".strip())


def states_and(
    network: Network, model: Any, given: dict[str, np.ndarray], seed: int
) -> dict[str, np.ndarray]:
    """Return what to feed by port: a Keras model's inputs, and states that start from numbers, not from zeros."""
    ports = [port for port in network.inputs if not port.name.endswith("/h_in")]
    fed = {port.name: given[tensor.name] for port, tensor in zip(ports, model.inputs, strict=True)}
    rng = np.random.default_rng(seed)
    for port in network.inputs:
        if port.name not in fed:
            spec = network.spec(port.tensor)
            values = rng.uniform(-0.8, 0.8, [int(size) for size in spec.shape])
            fed[port.name] = values.astype(numpy_dtype(spec.dtype))
    return fed


def _form(
    form: str,
    network: Network,
    inputs: InputSet,
    folder: Path,
    connection: Connection,
    probes: Probes,
) -> Tried:
    path = folder / f"{form}.onnx"
    plain = form.partition(",")[0]
    fixed: dict[str, Any] = {"fold": form in FOLDED}
    shapes = [network.spec(port.tensor).shape for port in network.inputs]
    if plain == "unrolled" and any("time" in shape for shape in shapes):
        fixed["time"] = TIME
    try:
        export(network, form=plain, **fixed).save(path)
    except RnnExportError as error:
        return Tried(form, "REFUSED", str(error))
    subject = opened(network, path, folder)
    with ExitStack() as stack:
        try:
            session = stack.enter_context(closing(connection.open(OnnxFile(path))))
        except (RuntimeRefused, RuntimeCrashed) as error:
            return Tried(form, "NOT LOADED", str(error))
        tapped = None
        if subject.tapped is not None:
            tapped = stack.enter_context(closing(connection.open(OnnxFile(subject.tapped))))
        envelope = probes.envelope(network, plain)
        try:
            seen = observe(network, session, tapped, subject, inputs, envelope)
        except (RuntimeRefused, RuntimeCrashed) as error:
            return Tried(form, "CRASHED", str(error))
        return _said(form, judge(network, seen))
