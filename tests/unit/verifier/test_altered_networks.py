"""Every network that a diagnosis tries in place of the right one can be computed."""

from __future__ import annotations

import numpy as np
import pytest

from rnn_export.builders import reference
from rnn_export.errors import NetworkError
from rnn_export.network import Draft, Network, Source
from rnn_export.network.ops import Recurrent
from rnn_export.verifier.diagnosis.networks import altered_networks
from tests.unit.verifier.showing import cell


def stacked(sizes: tuple[int, ...]) -> Network:
    """Return stacked cells that start from states of their own sizes."""
    draft = Draft()
    x = draft.input("x", ("batch", "time", 3), "float32")
    states = [draft.input(f"h{at}", ("batch", units), "float32") for at, units in enumerate(sizes)]
    widths = (3, *sizes)
    cells = tuple(cell(widths[at], units, at, name=f"cell{at}") for at, units in enumerate(sizes))
    (y,) = draft.call("rnn", Recurrent(cells, ("sequence",)), [x], initial=states)
    draft.output("y", y)
    return draft.finish(Source("python", "test"))


@pytest.mark.parametrize("sizes", [(4, 4), (3, 5), (3, 5, 3), (3, 5, 5)])
def test_states_are_swapped_only_where_they_fit(sizes: tuple[int, ...]) -> None:
    network = stacked(sizes)
    rng = np.random.default_rng(0)
    feeds = {"x": rng.normal(size=(2, 4, 3))}
    feeds |= {f"h{at}": rng.normal(size=(2, units)) for at, units in enumerate(sizes)}
    names = []
    for name, _, other in altered_networks(network):
        names.append(name)
        try:
            reference.run(other, feeds, np.float64)
        except NetworkError:
            continue
    assert ("initial states swapped in rnn" in names) == (sizes == sizes[::-1])
