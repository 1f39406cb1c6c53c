"""Observing: one run of a model and of its tapped copy, as an observation to be judged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnn_export.errors import RuntimeRefused
from rnn_export.exporters.taps import CellTap
from rnn_export.network import Network
from rnn_export.runtimes import RemoteSession
from rnn_export.verifier import CellReading, Envelope, Facts, InputSet, Observation
from rnn_export.workflows.subjects import Subject


def observe(
    network: Network,
    session: RemoteSession,
    tapped: RemoteSession | None,
    subject: Subject | None,
    inputs: InputSet,
    envelope: Envelope | None = None,
) -> Observation:
    """Run the shipped model, then its tapped copy, on the same feeds.

    Args:
        network: what is judged against.
        session, tapped: the opened model, and its tapped copy if there is one.
        subject: the file; None where the source itself runs.
        inputs: to run.
        envelope: of the runtime's activations; None for the default.

    Raises:
        RuntimeRefused, RuntimeCrashed: the runtime's failure on the shipped model.
    """
    feeds = {slot.name: inputs.feeds[slot.name] for slot in session.inputs}
    shipped = session.run(feeds)
    shown: Mapping[str, np.ndarray] | None = None
    cells: tuple[CellReading, ...] = ()
    if tapped is not None and subject is not None:
        try:
            everything = tapped.run(feeds)
            cells = tuple(reading(tap, everything) for tap in subject.cells)
            shown = {name: everything[name] for name in shipped if name in everything}
        except (RuntimeRefused, KeyError, ValueError, IndexError):
            # A copy that cannot be run or read shows nothing; the shipped file is judged without it.
            shown, cells = None, ()
    facts = Facts(
        runtime=session.facts.runtime,
        version=session.facts.version,
        form=subject.form if subject else "",
        precision=session.facts.precision,
        placement=dict(session.facts.placement),
        file_digest=subject.digest if subject else "",
        network_digest=network.digest,
        details=dict(session.facts.details),
    )
    return Observation(
        inputs.feeds,
        shipped,
        facts,
        shown,
        cells,
        envelope or Envelope(),
        static=subject.static if subject else None,
        seed=inputs.seed,
    )


def reading(tap: CellTap, outputs: Mapping[str, np.ndarray]) -> CellReading:
    """Return what one tap shows in a run's outputs."""
    return CellReading(
        node=tap.node,
        states=tap.states(outputs),
        x=None if tap.x is None else tap.x(outputs),
        initial=None if tap.initial is None else tap.initial(outputs),
        lengths=None if tap.lengths is None else tap.lengths(outputs),
        mask=None if tap.mask is None else tap.mask(outputs),
        added=None if tap.added is None else tap.added(outputs),
        cell=tap.cell,
        reverse=tap.reverse,
        scale=tap.scale,
    )


def strange_inputs(network: Network, session: RemoteSession) -> str | None:
    """Return how a model's inputs differ from the network's, in one line; None if they fit."""
    wanted = {port.name: network.spec(port.tensor) for port in network.inputs}
    got = {slot.name: slot for slot in session.inputs}
    if set(wanted) != set(got):
        return f"expected inputs {sorted(wanted)}, got {sorted(got)}: another source's file, or another reader's"
    for name, spec in wanted.items():
        slot = got[name]
        if slot.dtype is not None and slot.dtype != spec.dtype:
            return f"input {name!r}: expected dtype {spec.dtype}, got {slot.dtype}"
        if slot.shape is None:
            continue
        fits = len(slot.shape) == spec.rank and all(
            not isinstance(dim, int) or not isinstance(size, int) or dim == size
            for dim, size in zip(spec.shape, slot.shape, strict=True)
        )
        if not fits:
            return f"input {name!r}: expected shape {spec.shape}, got {slot.shape}"
    return None
