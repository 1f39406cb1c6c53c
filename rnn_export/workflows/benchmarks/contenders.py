"""Contenders: our files on runtimes, and peers, opened in warm workers and ready to be timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from rnn_export.errors import (
    ExportError,
    RuntimeCrashed,
    RuntimeRefused,
    RuntimeUnavailable,
)
from rnn_export.exporters import export
from rnn_export.peers import translate
from rnn_export.runtimes import (
    Connection,
    KerasFile,
    Model,
    OnnxFile,
    Options,
    RemoteSession,
    Unavailable,
)
from rnn_export.workflows.benchmarks.asked import TIME_LIMIT, Asked
from rnn_export.workflows.benchmarks.inmemory import in_memory
from rnn_export.workflows.benchmarks.peers.saved_model import GRAPH, saved_model
from rnn_export.workflows.benchmarks.peers.table import PEERS, Peer
from rnn_export.workflows.benchmarks.result import Entry
from rnn_export.workflows.sources import Opened

SPINNING = {"session.intra_op.allow_spinning": "1"}
"""onnxruntime's own default, which its users have; `runtimes` turns it off so that cases do not disturb each other."""

PINNED = ("openvino:cpu",)
"""Runtimes that gain much from fixed sizes, and are given them."""


class Fed:
    """A session with the inputs that it is timed with."""

    def __init__(self, session: RemoteSession, feeds: Mapping[str, np.ndarray]) -> None:
        self.session = session
        self.feeds = feeds

    def run(self) -> list[np.ndarray]:
        """Return the outputs in order."""
        return list(self.session.run(self.feeds).values())

    def measure(self, *, repeats: int, warmup: int) -> tuple[float, ...]:
        """Return the seconds of each run, taken in the worker."""
        return self.session.measure(self.feeds, repeats=repeats, warmup=warmup)


@dataclass(frozen=True)
class Contender:
    """One way to run the model at one size.

    Args:
        entry: names it; with a reason where it cannot run.
        fed: ready to run; None with a reason.
    """

    entry: Entry
    fed: Fed | None


@dataclass(frozen=True)
class Way:
    """How a contender is run.

    Args:
        threads: within an operator, for each caller.
        callers: how many call at once, each with its rows.
        words: for its name; "" for the whole batch with all threads.
    """

    threads: int
    callers: int
    words: str = ""


@dataclass
class Workers:
    """Workers by place, started when first needed and kept until the stack closes."""

    asked: Asked
    stack: ExitStack
    _made: dict[tuple[str, Way], Connection] = field(default_factory=dict)

    def connect(self, name: str, place: str | None = None, way: Way | None = None) -> Connection:
        """Return the connection to a runtime of the table, or to a peer's; with all threads if not told otherwise."""
        way = way or Way(self.asked.threads, 1)
        key = place or name, way
        if key not in self._made:
            options = Options(
                threads=way.threads,
                callers=way.callers,
                time_limit=TIME_LIMIT,
                interpreter=self.asked.interpreters.get(name),
                extra=SPINNING if name.startswith("onnxruntime:") else {},
            )
            self._made[key] = self.stack.enter_context(Connection(name, options, place))
        return self._made[key]


@dataclass(frozen=True)
class Gathering:
    """Everything that contenders are made from.

    Args:
        opened: the source.
        workers: that run them.
        folder: for files.
    """

    opened: Opened
    workers: Workers
    folder: Path

    def contenders(
        self, batch: int, time: int, feeds: Mapping[str, np.ndarray]
    ) -> Iterator[Contender]:
        """Yield every contender for one size, those that cannot run with their reason."""
        asked = self.workers.asked
        yield from self._run(batch, time, feeds, Way(asked.threads, 1))
        # A caller without a row would have nothing to do.
        callers = min(asked.callers, batch)
        if asked.callers > 1 and batch % callers == 0:
            threads = asked.threads // asked.callers
            words = f"{callers} callers" if callers > 1 else f"{threads} thread"
            yield from self._run(batch, time, feeds, Way(threads, callers, words))

    def _run(
        self, batch: int, time: int, feeds: Mapping[str, np.ndarray], way: Way
    ) -> Iterator[Contender]:
        """Yield every contender as it is run in one way."""
        asked = self.workers.asked
        behind = f", {way.words}" if way.words else ""
        for runtime in asked.runtimes:
            for form in asked.forms:
                asked.tell(f"opening {form} on {runtime}{behind}")
                entry = Entry(f"{form}@{runtime}{behind}", form, runtime, way=way.words)
                file = partial(self._file, runtime, form, batch // way.callers, time)
                connection = self.workers.connect(runtime, way=way)
                yield self._opened(entry, connection, feeds, file)
        for peer in PEERS:
            if peer.name in asked.peers:
                asked.tell(f"opening {peer.name}{behind}")
                entry = Entry(f"{peer.name}{behind}", "", peer.name, way=way.words)
                connection = self.workers.connect(peer.runtime, peer.place or None, way)
                yield self._opened(entry, connection, feeds, partial(self._model, peer))

    def _opened(
        self,
        entry: Entry,
        connection: Connection,
        feeds: Mapping[str, np.ndarray],
        model: Callable[[tuple[str, ...]], Model],
    ) -> Contender:
        try:
            found = connection.probe()
            if isinstance(found, Unavailable):
                reason = f"UNAVAILABLE: {found.reason}. {found.install}"
                return Contender(replace(entry, reason=reason), None)
            session = self.workers.stack.enter_context(connection.open(model(found.accepts)))
            fed = Fed(session, _renamed(feeds, session))
            fed.run()
            return Contender(replace(entry, version=found.version), fed)
        except RuntimeUnavailable as error:
            return Contender(replace(entry, reason=f"UNAVAILABLE: {error}"), None)
        except (ExportError, RuntimeRefused) as error:
            return Contender(replace(entry, reason=f"UNSUPPORTED: {error}"), None)
        except RuntimeCrashed as error:
            return Contender(replace(entry, reason=f"CRASHED: {error}"), None)

    def _file(
        self, runtime: str, form: str, batch: int, time: int, accepts: tuple[str, ...]
    ) -> Model:
        """Export one form, with the sizes fixed that `Asked.fixed` names, or the form or the runtime wants fixed."""
        sizes = {"batch": batch, "time": time}
        fixed = set(sizes if runtime in PINNED else self.workers.asked.fixed)
        if form == "unrolled":
            fixed.add("time")
        pinned = {axis: size for axis, size in sizes.items() if axis in fixed}
        name = "_".join([form, *(f"{axis}{size}" for axis, size in sorted(pinned.items()))])
        path = self.folder / f"{name}.onnx"
        if not path.exists():
            export(self.opened.network, form=form, **pinned).save(path)  # type: ignore[arg-type]
        return OnnxFile(path)

    def _model(self, peer: Peer, accepts: tuple[str, ...]) -> Model:
        """Return what a peer takes: the network, the Keras file, or another tool's translation of that."""
        if "network" in accepts:
            return in_memory(self.opened.network)
        if self.opened.keras is None:
            raise RuntimeUnavailable(
                peer.name, expected="the model as a Keras file", got=self.opened.without
            )
        if peer.takes == "loop":
            path = self.folder / "loop.onnx"
            return OnnxFile(path if path.exists() else translate(self.opened.keras, path))
        if peer.takes == "saved-model":
            path = self.folder / "saved_model"
            found = path / GRAPH
            return KerasFile(found if found.exists() else saved_model(self.opened.keras, path))
        return KerasFile(self.opened.keras)


def _renamed(feeds: Mapping[str, np.ndarray], session: RemoteSession) -> Mapping[str, np.ndarray]:
    """Return the feeds by the session's names, in its dtypes: peers rename inputs, but keep their order."""
    names = [slot.name for slot in session.inputs]
    ordered = [feeds[name] for name in names] if set(names) == set(feeds) else list(feeds.values())
    return {
        slot.name: array if slot.dtype in (None, array.dtype.name) else array.astype(slot.dtype)
        for slot, array in zip(session.inputs, ordered, strict=True)
    }
