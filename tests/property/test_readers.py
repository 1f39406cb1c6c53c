"""Models drawn at random: what is read of them computes what Keras computes, and is the same from every source."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

from hypothesis import given, note

from rnn_export.readers import read
from tests.property.keras_building import build, feeds
from tests.property.keras_comparing import agree, quietly
from tests.property.keras_models import Recipe, recipes


@given(recipes())
def test_what_is_read_computes_what_keras_computes(recipe: Recipe) -> None:
    model = quietly(build, recipe)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        network = read(path)
        note(repr(network.calls))
        agree(network, model, feeds(model, recipe))


@given(recipes())
def test_every_source_of_a_model_gives_the_same_network(recipe: Recipe) -> None:
    model = quietly(build, recipe)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        model.save(base / "model.keras")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(base / "legacy.h5")
        model.save_weights(base / "pair.weights.h5")
        (base / "pair.json").write_text(model.to_json())
        sources = (model, base / "model.keras", base / "legacy.h5", base / "pair.json")
        networks = [read(source) for source in sources]
    assert len({network.digest for network in networks}) == 1
    (parameters,) = {network.parameters for network in networks}
    # What no output is made of is left out: a direction of a Bidirectional that nobody reads, say.
    assert parameters <= model.count_params()
