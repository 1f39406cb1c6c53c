"""The files of a sample: each form as a runtime may want it, made once for all of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from threading import RLock

from onnx import load_model

from rnn_export.errors import RnnExportError
from rnn_export.exporters import FORMS, export
from rnn_export.exporters.adjusting import adjusted
from rnn_export.exporters.opsets import DEFAULT
from rnn_export.network import Network
from rnn_export.workflows.keras_process import KerasProcess
from rnn_export.workflows.matrix.result import Fit
from rnn_export.workflows.matrix.samples import Sample
from rnn_export.workflows.subjects import PEERS, NoSubject, Subject, opened

NEED_TIME = ("unrolled",)
"""Forms that exist for a fixed number of steps alone."""

Key = tuple[str, Fit, int]

MAKING = RLock()
"""Held while a file is made: the process that has Keras answers one at a time."""


class Files:
    """One sample's network, its Keras file and its ONNX files, in a folder. Safe to use from several threads.

    Args:
        sample: whose.
        folder: an empty one, which outlives the use.
        keras: writes the Keras file and the peer's translation.
    """

    def __init__(self, sample: Sample, folder: Path, keras: KerasProcess) -> None:
        self.sample = sample
        self.network: Network = sample.make()
        self.without: dict[str, str] = {}
        self._folder = folder
        self._process = keras
        self._made: dict[Key, Subject | NoSubject] = {}
        self._graphs: dict[Path, bytes] = {}
        self.keras = self._keras_file()

    def made(self, form: str, fit: Fit, opset: int = DEFAULT) -> Subject | NoSubject:
        """Return the file of a form, made when first asked for; what cannot be had is no subject."""
        key = (form, fit, opset)
        with MAKING:
            if key not in self._made:
                found = self._make(form, fit, opset)
                self._made[key] = found
                if isinstance(found, NoSubject):
                    self.without.setdefault(form, found.reason)
            return self._made[key]

    def same_graph(self, form: str, fit: Fit) -> str:
        """Return an earlier form whose file of this fit has the very graph of ``form``'s; "" if there is none."""
        own = self.made(form, fit)
        if isinstance(own, NoSubject) or form in PEERS:
            return ""
        graph = self._graph(own)
        for other in FORMS[: FORMS.index(form)]:
            subject = self._made.get((other, fit, DEFAULT))
            if isinstance(subject, Subject) and self._graph(subject) == graph:
                return other
        return ""

    def _graph(self, subject: Subject) -> bytes:
        """Return the digest of a file's graph, without what is said about it."""
        if subject.path not in self._graphs:
            graph = load_model(subject.path, load_external_data=False).graph
            content = graph.SerializeToString(deterministic=True)
            self._graphs[subject.path] = hashlib.sha256(content).digest()
        return self._graphs[subject.path]

    def fixed_sizes(self, form: str, fit: Fit) -> dict[str, int]:
        """Return the sizes that the file of a form and fit has for good."""
        sizes = {"batch": self.sample.batch, "time": self.sample.time}
        axes = {*fit.fixed, *(("time",) if form in NEED_TIME else ())}
        free = {dim for port in self.network.inputs for dim in self.network.spec(port.tensor).shape}
        return {axis: size for axis, size in sizes.items() if axis in axes and axis in free}

    def _make(self, form: str, fit: Fit, opset: int) -> Subject | NoSubject:
        place = self._folder / f"file-{len(self._made)}"
        place.mkdir()
        path = place / "model.onnx"
        try:
            if form in PEERS:
                if fit != Fit() or self.keras is None:
                    return NoSubject(form, self.without.get("", "a peer's file is as it is"))
                self._process.translate(self.keras, path)
            else:
                sizes = self.fixed_sizes(form, fit)
                exported = export(
                    self.network,
                    form=form,
                    opset=opset,
                    batch=sizes.get("batch"),
                    time=sizes.get("time"),
                    padding=self.sample.padding,
                )
                adjusted(exported, fit.adjusted).save(path)
            # A peer's file may be no valid one: then there is none.
            return opened(self.network, path, place, form=form)
        except RnnExportError as error:
            return NoSubject(form, str(error))

    def _keras_file(self) -> Path | None:
        if not self.sample.keras:
            self.without[""] = "its states are ports, which no Keras model has"
            return None
        path = self._folder / "model.keras"
        try:
            self._process.save(self.network, path)
        except RnnExportError as error:
            self.without[""] = str(error)
            return None
        return path
