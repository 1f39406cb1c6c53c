"""Models drawn at random, in a form drawn with them: the file loads, and onnxruntime computes what Keras computes.

The verifier judges both against what was read, so whatever is inexact in the model's dtype is compared like the rest.
More of them, in every form: scripts/random_models.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from rnn_export.exporters import FORMS
from rnn_export.runtimes import Connection, connect
from tests.property.judged_models import FOLDED, Tried, tried
from tests.property.keras_models import JUDGED, LOOKED_UP, Inputs, Recipe, Step

MODELS = {"ci": 100, "nightly": 2000}.get(os.environ.get("RNN_EXPORT_PROFILE", ""), 10)


@pytest.fixture(scope="module")
def onnxruntime() -> Iterator[Connection]:
    with connect("onnxruntime:cpu") as connection:
        yield connection


def check(recipe: Recipe, connection: Connection, forms: tuple[str, ...] = FORMS) -> list[Tried]:
    found = list(tried(recipe, connection, forms))
    for item in found:
        assert not item.wrong, f"{item.form}: {item.word} {item.reason}"
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*destroy the mask information")
@settings(max_examples=MODELS)
@given(recipe=JUDGED, form=st.sampled_from(FORMS))
def test_every_file_computes_what_keras_computes(
    onnxruntime: Connection, recipe: Recipe, form: str
) -> None:
    check(recipe, onnxruntime, (form,))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*destroy the mask information")
@settings(max_examples=MODELS)
@given(recipe=LOOKED_UP, form=st.sampled_from(FOLDED))
def test_every_folded_file_computes_what_keras_computes(
    onnxruntime: Connection, recipe: Recipe, form: str
) -> None:
    for found in check(recipe, onnxruntime, (form,)):
        event(f"{found.form}: {found.word}")


def one(step: str, units: int = 3, *, flags: str = "", choice: int = 0, **more: Any) -> Recipe:
    """Return a model of one step; ``flags`` numbers those that are set."""
    chosen = tuple(str(index) in flags for index in range(8))
    name = more.pop("activation", "tanh")
    other = more.pop("other", 0)
    return Recipe(steps=(Step(step, units, name, chosen, choice, 0, other),), **more)


FOUND = {
    "a stateful layer of a mixed policy, whose state Keras keeps in float32": one(
        "simple_rnn", inputs=Inputs(stateful=True), dtype="mixed_float16"
    ),
    "statistics that Keras does not round to float16": one(
        "batch_norm", inputs=Inputs(), dtype="mixed_float16"
    ),
    "states that are rounded to float16 before they are added": one(
        "bidirectional",
        inputs=Inputs(time=7),
        choice=1,
        flags="4",
        seed=15,
        dtype="float16",
    ),
    "a stateful layer that is given its initial state, and never reads what it keeps": Recipe(
        inputs=Inputs(stateful=True),
        steps=one("simple_rnn", flags="247", inputs=Inputs()).steps * 2,
    ),
    "an unrolled step from zeros, which multiplies no state": one(
        "encoder_decoder", inputs=Inputs(time=1, second=True), flags="4", other=1
    ),
    "an unrolled step whose activation ends in Where, as a mask would": one(
        "encoder_decoder", activation="sparse_plus", inputs=Inputs(time=1)
    ),
}
"""What once failed, as small as it gets."""


@pytest.mark.parametrize("name", FOUND)
def test_what_once_failed_is_right(onnxruntime: Connection, name: str) -> None:
    check(FOUND[name], onnxruntime)
