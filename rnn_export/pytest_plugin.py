"""A pytest plugin: two lines of a user's test hold an ONNX file against the Keras model that it comes from.

def test_model(onnx_conformance):
    onnx_conformance("model.keras", "model.onnx")
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rnn_export.runtimes import Connection
    from rnn_export.verifier import Report

REQUIRED = ("onnxruntime:cpu",)


@dataclass
class Conformance:
    """Calls `rnn_export.verify`, and fails the test unless each file is proven; runtimes stay warm between tests."""

    test: str
    record: Callable[[str, object], None]
    folder: Path | None
    connections: dict[str, Connection] = field(default_factory=dict)

    def __call__(
        self,
        source: Any,
        *files: str | Path,
        forms: Sequence[str] | None = None,
        runtimes: Sequence[str] | None = None,
        require: Sequence[str] = REQUIRED,
        **settings: Any,
    ) -> Report:
        """Verify files against a source; the test fails where one is not proven equal.

        Args:
            source: a Keras file, a live keras.Model, a preset, ...
            files: ONNX files; none: the ``forms`` are exported first.
            forms: to export and judge ("rnn", "scan", ...).
            runtimes: to run on beside those that are required. None: Keras on TensorFlow, numpy, onnxruntime;
                one that is not installed is passed over.
            require: that have to be there and pass. In any case some runtime has to pass each file.
            settings: further arguments of `rnn_export.verify`, such as ``seed``.

        Returns:
            The report, when everything passed.
        """
        from rnn_export.errors import RnnExportError
        from rnn_export.reports.failure import failure_of
        from rnn_export.runtimes import connect
        from rnn_export.workflows.pages import Pictures
        from rnn_export.workflows.verification import DEFAULT_RUNTIMES, verify

        pictures = Pictures() if self.folder is not None else None
        refusal = ""
        try:
            wanted = dict.fromkeys(
                (*(DEFAULT_RUNTIMES if runtimes is None else runtimes), *require)
            )
            for name in wanted:
                if name not in self.connections:
                    self.connections[name] = connect(name)
            report = verify(
                source,
                files,
                forms=forms,
                runtimes=tuple(wanted),
                require=require,
                connections=self.connections,
                pictures=pictures,
                **settings,
            )
        except RnnExportError as error:
            refusal = str(error)
        if refusal:
            # Outside of the handler: the error says all, and its causes are ours.
            pytest.fail(refusal, pytrace=False)
        self.record("onnx_conformance", f"{report.source}: {report.verdict}")
        if pictures is not None and self.folder is not None:
            self._write(pictures.page(report))
        failure = failure_of(report)
        if failure:
            pytest.fail(failure, pytrace=False)
        return report

    def _write(self, page: bytes) -> None:
        from rnn_export.store import write_bytes

        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^\w.-]+", "_", self.test)
        number = len(list(self.folder.glob(f"{stem}*.html")))
        write_bytes(self.folder / f"{stem}{f'-{number}' if number else ''}.html", page)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--onnx-html DIR``."""
    group = parser.getgroup("rnn_export", "ONNX conformance")
    group.addoption(
        "--onnx-html",
        metavar="DIR",
        help="write the HTML report of every onnx_conformance call into this folder",
    )


@pytest.fixture(scope="session")
def _onnx_connections() -> Iterator[dict[str, Connection]]:
    """Runtimes that tests have used, warm; they end with the session."""
    held: dict[str, Connection] = {}
    with ExitStack() as stack:
        yield held
        for connection in held.values():
            stack.push(connection)


@pytest.fixture
def onnx_conformance(
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
    _onnx_connections: dict[str, Connection],
) -> Conformance:
    """Hold ONNX files against the Keras model they come from: ``onnx_conformance("m.keras", "m.onnx")``."""
    folder = request.config.getoption("--onnx-html")
    return Conformance(
        request.node.nodeid,
        record_property,
        Path(folder) if folder else None,
        _onnx_connections,
    )
