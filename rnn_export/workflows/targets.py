"""`export --target R`: the file that a runtime takes and computes rightly, by the table that the matrix made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnn_export.errors import ExportError
from rnn_export.exporters import FORMS, Exported, export
from rnn_export.exporters.adjusting import adjusted
from rnn_export.exporters.opsets import DEFAULT
from rnn_export.network import BATCH, TIME, Network
from rnn_export.workflows.capabilities import Capability, Finding, capabilities
from rnn_export.workflows.choosing import Choice
from rnn_export.workflows.exporting import choice_for
from rnn_export.workflows.traits import traits_of

if TYPE_CHECKING:
    from rnn_export.workflows.exporting import Asked

AUTO = "auto"
NEED_TIME = "unrolled"

SETTINGS = {
    "openvino:cpu": "compile it with INFERENCE_PRECISION_HINT=f32",
    "onnxruntime:cuda": "set the provider option use_tf32=0",
}
"""How to have a runtime compute in float32 where it does not by itself."""


@dataclass(frozen=True)
class Fitted:
    """How a file is to be written for a runtime.

    Args:
        form, opset, batch, time, adjusted: of the file.
        reasons: why, a line each, for people.
    """

    form: str
    opset: int
    batch: int | None
    time: int | None
    adjusted: tuple[str, ...]
    reasons: tuple[str, ...]


def fitted(network: Network, asked: Asked) -> Exported:
    """Return a network as the ONNX model that ``asked.target`` takes; the notes say why it is as it is.

    Args:
        network: to be exported.
        asked: a form other than "auto", an opset and sizes are kept where the target takes them.

    Raises:
        ExportError: the target computes the network rightly in no form, or not as asked.
    """
    target = asked.target or ""
    known = capabilities().get(target)
    if known is None:
        return _unknown(network, asked, target)
    if not known.takes_files:
        raise ExportError(
            f"target {target}",
            expected="a runtime that takes ONNX files",
            got=f"one that takes {' and '.join(known.accepts)}",
            advice="Leave out --target.",
        )
    fit = fit_for(network, known, asked)
    exported = export(
        network,
        form=fit.form,
        opset=fit.opset,
        batch=fit.batch,
        time=fit.time,
        padding=asked.padding,
        taps=asked.taps,
        fold=asked.fold,
    )
    exported = adjusted(exported, fit.adjusted)
    noted = replace(exported, notes=(*fit.reasons, *exported.notes))
    return noted.explained("; ".join(fit.reasons)) if asked.form == AUTO else noted


def fit_for(network: Network, known: Capability, asked: Asked) -> Fitted:
    """Return how a file of ``network`` is to be written for a runtime.

    Raises:
        ExportError: the runtime computes the network rightly in no form, or not as asked.
    """
    subject = f"target {known.runtime}"
    needs = traits_of(network, padding=asked.padding)
    forms, chosen = _forms(network, known, asked)
    wrong = {form: list(_obstacles(known, form, needs)) for form in forms}
    right = [form for form in forms if not wrong[form]]
    if not right:
        raise ExportError(
            subject,
            expected="a form in which it computes this network rightly",
            got=_listed(wrong),
            advice=_advice(network, known, asked, needs),
        )
    form = right[0]
    findings = [known.traits[form][need] for need in needs if need in known.traits.get(form, {})]
    fixed = {axis for finding in findings for axis in finding.fixed}
    fixed |= set(known.fixed.get(form, ()))
    batch, time, sizes = _sizes(network, known, asked, form, fixed)
    opset = _opset(known, asked)
    adjustments = tuple(dict.fromkeys(name for each in findings for name in each.adjusted))
    reasons = (
        _form_reason(known, form, wrong),
        *([chosen.reason] if chosen is not None and chosen.form == form else []),
        *sizes,
        *_opset_reason(known, asked, opset),
        *(
            [f"written with {' and '.join(adjustments)}: {known.runtime} declined it otherwise"]
            if adjustments
            else []
        ),
        *_precision_reason(known),
        *_unmeasured(known, form, needs),
    )
    return Fitted(form, opset, batch, time, adjustments, reasons)


def _unknown(network: Network, asked: Asked, target: str) -> Exported:
    """Export for a runtime that no matrix has measured: as asked, and saying so."""
    chosen = choice_for(network, asked, target) if asked.form == AUTO else None
    exported = export(
        network,
        form=asked.form if chosen is None else chosen.form,
        opset=asked.opset or DEFAULT,
        batch=asked.batch,
        time=asked.time,
        padding=asked.padding,
        taps=asked.taps,
        fold=asked.fold,
    )
    note = f"{target} is not in the table of capabilities: judge the file with `verify --runtime {target}`"
    if chosen is None:
        return replace(exported, notes=(note, *exported.notes))
    noted = replace(exported, notes=(chosen.reason, note, *exported.notes))
    return noted.explained(chosen.reason)


def _forms(network: Network, known: Capability, asked: Asked) -> tuple[list[str], Choice | None]:
    """Return the forms in question, the fastest first, and the choice that says so, if it was made by figures."""
    if asked.form != AUTO:
        return [asked.form], None
    steps = asked.time is not None or not _is_free(network, TIME)
    forms = [form for form in FORMS if form in known.traits and (steps or form != NEED_TIME)]
    cost: Mapping[str, float] = known.speed
    chosen = None
    if asked.measure or asked.batch is not None or asked.time is not None:
        # Measured at many sizes, where it was measured at all.
        chosen = choice_for(network, asked, known.runtime)
        cost = chosen.cost or cost
    ordered = sorted(forms, key=lambda form: (cost.get(form, float("inf")), FORMS.index(form)))
    if chosen is not None and chosen.cost and chosen.form in ordered:
        # Of forms that are equally fast, the more portable one.
        ordered.remove(chosen.form)
        ordered.insert(0, chosen.form)
    return ordered, chosen if chosen is not None and chosen.cost else None


def _obstacles(known: Capability, form: str, needs: Sequence[str]) -> Iterator[tuple[str, Finding]]:
    """Yield what the runtime does not compute rightly in a form."""
    held = known.traits.get(form, {})
    for need in needs:
        if need in held and not held[need].right:
            yield need, held[need]


def _listed(wrong: Mapping[str, Sequence[tuple[str, Finding]]]) -> str:
    """Return each form with what it fails on.

    >>> _listed({"rnn": [("relu", Finding("FAIL", reason="activation tanh"))]})
    'rnn: FAIL for relu (activation tanh)'
    """
    parts = []
    for form, found in wrong.items():
        each = ", ".join(
            f"{finding.outcome} for {need}" + (f" ({finding.reason})" if finding.reason else "")
            for need, finding in found
        )
        parts.append(f"{form}: {each}")
    return "; ".join(parts) or "none that was measured"


def _advice(network: Network, known: Capability, asked: Asked, needs: Sequence[str]) -> str:
    """Return what helps: another form, a number of steps, or another runtime."""
    for form in (*known.traits, NEED_TIME):
        if form != asked.form and form in FORMS and not list(_obstacles(known, form, needs)):
            given = " --time N" if form == NEED_TIME and asked.time is None else ""
            return f"--form {form}{given} is right there."
    others = [
        other.runtime
        for other in capabilities().values()
        if any(not list(_obstacles(other, form, needs)) for form in other.traits if form in FORMS)
    ]
    return f"Deploy it to {' or '.join(others[:4])}." if others else ""


def _sizes(
    network: Network, known: Capability, asked: Asked, form: str, fixed: set[str]
) -> tuple[int | None, int | None, list[str]]:
    """Return batch and time for the file, and why they are fixed."""
    batch, time, reasons = asked.batch, asked.time, []
    if "batch" in fixed and batch is None and _is_free(network, BATCH):
        batch = 1
        reasons.append(
            f"batch fixed at 1, since {known.runtime} does not compute it rightly with a free one; "
            "--batch N for another"
        )
    if "time" in fixed and time is None and _is_free(network, TIME):
        raise ExportError(
            f"target {known.runtime}",
            expected=f"a fixed number of time steps in form {form}",
            got="a free axis",
            advice="Name one with --time N.",
        )
    return batch, time, reasons


def _is_free(network: Network, axis: str) -> bool:
    return any(axis in network.spec(port.tensor).shape for port in network.inputs)


def _opset(known: Capability, asked: Asked) -> int:
    opsets = sorted(known.opsets) or [DEFAULT]
    if asked.opset is not None:
        if not opsets[0] <= asked.opset <= opsets[-1]:
            raise ExportError(
                f"target {known.runtime}",
                expected=f"opset {opsets[0]} to {opsets[-1]}",
                got=str(asked.opset),
                advice="Leave out --opset.",
            )
        return asked.opset
    if DEFAULT in opsets:
        return DEFAULT
    return max((each for each in opsets if each < DEFAULT), default=opsets[0])


def _form_reason(
    known: Capability, form: str, wrong: Mapping[str, Sequence[tuple[str, Finding]]]
) -> str:
    text = f"form {form}: right on {known.runtime} {known.version} for all that was measured"
    others = {name: found for name, found in wrong.items() if found}
    return f"{text}; not {_listed(others)}" if others else text


def _opset_reason(known: Capability, asked: Asked, opset: int) -> Iterator[str]:
    if asked.opset is None and opset != DEFAULT:
        yield f"opset {opset}: {known.runtime} does not take {DEFAULT}"


def _precision_reason(known: Capability) -> Iterator[str]:
    for precision, outcome in known.coarser.items():
        how = SETTINGS.get(known.runtime, "")
        yield f"by {precision}, {known.runtime} computes in {outcome}" + (f": {how}" if how else "")


def _unmeasured(known: Capability, form: str, needs: Sequence[str]) -> Iterator[str]:
    unknown = [need for need in needs if need not in known.traits.get(form, {})]
    if unknown:
        yield (
            f"not measured on {known.runtime}: {', '.join(unknown)}; judge the file with "
            f"`verify --runtime {known.runtime}`"
        )
