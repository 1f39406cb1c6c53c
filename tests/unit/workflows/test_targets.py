"""`export --target`: the file is one that the table of capabilities says the runtime takes, with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnn_export.builders import stacked
from rnn_export.errors import ExportError
from rnn_export.network import Network
from rnn_export.workflows import targets
from rnn_export.workflows.capabilities import Capability, Finding, capabilities
from rnn_export.workflows.exporting import Asked
from rnn_export.workflows.targets import fit_for, fitted
from rnn_export.workflows.traits import traits_of

RIGHT = Finding("PASS")
WRONG = Finding("FAIL", reason="activation tanh")
AUTO = Asked("auto", target="engine")


def layer(**options: object) -> Network:
    made: Network = stacked([5], 4, bias_initializer="uniform", **options)  # type: ignore[arg-type]
    return made


def engine(**traits: dict[str, Finding]) -> Capability:
    """A runtime with these findings by form; the others of a form are right."""
    return Capability(
        "engine",
        "1",
        ("onnx",),
        "float32",
        opsets=(14, 17, 22),
        speed={"rnn": 1.0, "scan": 2.0, "unrolled": 3.0},
        traits={
            form: {"layer": RIGHT, "sequence": RIGHT, **found} for form, found in traits.items()
        },
    )


def test_the_fastest_right_form_is_taken() -> None:
    fit = fit_for(layer(), engine(rnn={}, scan={}), AUTO)
    assert fit.form == "rnn"
    fit = fit_for(layer(activation="relu"), engine(rnn={"relu": WRONG}, scan={"relu": RIGHT}), AUTO)
    assert fit.form == "scan"
    assert "rnn: FAIL for relu (activation tanh)" in fit.reasons[0]


def test_a_form_that_is_wrong_there_is_refused_and_the_right_one_named() -> None:
    known = engine(rnn={"relu": WRONG}, scan={"relu": RIGHT})
    with pytest.raises(ExportError, match="FAIL for relu") as error:
        fit_for(layer(activation="relu"), known, replace(AUTO, form="rnn"))
    assert error.value.advice == "--form scan is right there."


def test_without_any_right_form_nothing_is_written() -> None:
    known = engine(rnn={"relu": WRONG}, scan={"relu": WRONG})
    with pytest.raises(ExportError, match="expected a form in which it computes"):
        fit_for(layer(activation="relu"), known, AUTO)


def test_unrolled_is_considered_where_the_number_of_steps_is_known() -> None:
    known = engine(rnn={"relu": WRONG}, unrolled={"relu": RIGHT})
    network = layer(activation="relu")
    with pytest.raises(ExportError) as error:
        fit_for(network, known, AUTO)
    assert "--form unrolled --time N" in error.value.advice
    assert fit_for(network, known, replace(AUTO, time=9)).form == "unrolled"
    assert fit_for(layer(activation="relu", time=9), known, AUTO).form == "unrolled"


def test_a_batch_that_must_be_fixed_is_1_unless_another_is_asked_for() -> None:
    known = replace(engine(rnn={}), fixed={"rnn": ("batch",)})
    fit = fit_for(layer(), known, AUTO)
    assert fit.batch == 1
    assert any("--batch N" in reason for reason in fit.reasons)
    assert fit_for(layer(), known, replace(AUTO, batch=6)).batch == 6


def test_a_number_of_steps_that_must_be_fixed_has_to_be_given() -> None:
    known = replace(engine(rnn={}), fixed={"rnn": ("batch", "time")})
    with pytest.raises(ExportError, match="--time N"):
        fit_for(layer(), known, AUTO)
    assert fit_for(layer(), known, replace(AUTO, time=9)).time == 9


def test_a_trait_that_is_right_with_fixed_sizes_alone_fixes_them() -> None:
    fixed = Finding("PASS", fixed=("batch", "time"))
    known = engine(rnn={"mask": RIGHT, "right padding": fixed, "embedding": RIGHT})
    network = layer(input_dim=11, mask_zero=True)
    fit = fit_for(network, known, replace(AUTO, padding="right", time=9))
    assert (fit.batch, fit.time) == (1, 9)
    assert fit_for(network, known, AUTO).batch is None


def test_opsets_outside_the_table_are_refused() -> None:
    known = engine(rnn={})
    assert fit_for(layer(), known, AUTO).opset == 17
    assert fit_for(layer(), known, replace(AUTO, opset=21)).opset == 21
    with pytest.raises(ExportError, match="expected opset 14 to 22, got 26"):
        fit_for(layer(), known, replace(AUTO, opset=26))
    old = replace(known, opsets=(14, 15))
    fit = fit_for(layer(), old, AUTO)
    assert fit.opset == 15
    assert any(reason.startswith("opset 15") for reason in fit.reasons)


def test_what_was_not_measured_is_said() -> None:
    fit = fit_for(layer(activation="softplus"), engine(rnn={}), AUTO)
    assert any("not measured on engine: softplus" in reason for reason in fit.reasons)


def test_adjustments_are_made_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    adjusted = Finding("PASS", adjusted=("both outputs", "default direction"))
    known = engine(rnn={"layer": adjusted})
    monkeypatch.setattr(targets, "capabilities", lambda: {"engine": known})
    exported = fitted(layer(), AUTO)
    (node,) = [node for node in exported.model.graph.node if node.op_type == "RNN"]
    assert all(node.output)
    assert len(node.output) == 2
    assert "direction" not in {attribute.name for attribute in node.attribute}
    assert any("both outputs" in note for note in exported.notes)


def test_a_runtime_outside_the_table_gets_what_was_asked_for_and_a_word_on_it() -> None:
    exported = fitted(layer(), Asked("scan", target="another:one"))
    assert exported.form == "scan"
    assert "not in the table of capabilities" in exported.notes[0]


def test_a_runtime_that_takes_no_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = replace(engine(rnn={}), accepts=("network",))
    monkeypatch.setattr(targets, "capabilities", lambda: {"engine": known})
    with pytest.raises(ExportError, match="takes ONNX files"):
        fitted(layer(), AUTO)


@pytest.mark.parametrize(
    "name", [name for name, known in capabilities().items() if known.takes_files]
)
def test_every_runtime_of_the_table_has_a_form_for_one_plain_layer(name: str) -> None:
    asked = Asked("auto", target=name, batch=3, time=7)
    exported = fitted(layer(), asked)
    assert exported.notes[0].startswith(f"form {exported.form}: right on {name}")


@pytest.mark.parametrize(
    ("options", "padding", "wanted"),
    [
        ({}, "any", {"layer"}),
        ({"return_sequences": True}, "any", {"layer", "sequence"}),
        ({"go_backwards": True}, "any", {"layer", "reverse"}),
        ({"bidirectional": "concat"}, "any", {"layer", "bidirectional"}),
        ({"activation": "relu"}, "any", {"layer", "relu"}),
        ({"dtype": "float16"}, "any", {"layer", "float16"}),
        ({"input_dim": 9, "mask_zero": True}, "any", {"layer", "embedding", "mask"}),
        ({"input_dim": 9, "mask_zero": True}, "right", {"layer", "embedding", "right padding"}),
    ],
)
def test_traits_are_what_a_network_asks_of_a_runtime(
    options: dict[str, object], padding: str, wanted: set[str]
) -> None:
    assert set(traits_of(layer(**options), padding=padding)) == wanted
