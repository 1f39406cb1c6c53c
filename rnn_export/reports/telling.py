"""What is wrong with one file on one runtime, in a few lines: where, the likely bug, the figures, what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_export.verifier.verdicts import AGREEMENTS, CaseResult, Outcome, Report

MOST_BUGS = 3
"""Different likely bugs that are told; more of them are guesses."""

Group = tuple[CaseResult, ...]


def groups(report: Report) -> tuple[Group, ...]:
    """Return the cases that need words, those of one file on one runtime with one outcome together."""
    found: dict[tuple[object, ...], list[CaseResult]] = {}
    for case in report.cases:
        if case.verdict.reason or case.verdict.diagnosis is not None:
            key = (case.form, case.file, case.runtime, case.outcome)
            found.setdefault(key, []).append(case)
    return tuple(tuple(cases) for cases in found.values())


def speaker(cases: Sequence[CaseResult]) -> CaseResult:
    """Return the case that tells most: a fault that was told apart, else one with guesses, else the first."""
    told = [case for case in cases if case.verdict.diagnosis]
    sure = [case for case in told if " or " not in (case.verdict.diagnosis or "")]
    return [*sure, *told, *cases][0]


def bugs(cases: Sequence[CaseResult]) -> tuple[str, ...]:
    """Return the likely bugs of a group's cases, those of most inputs; guesses only where nothing better is known."""
    named: dict[str, list[str]] = {}
    for case in cases:
        if case.verdict.diagnosis:
            # A weight's error is measured anew from every input: the place is what counts.
            place = case.verdict.diagnosis.partition(" is off by ")[0]
            named.setdefault(place, []).append(case.verdict.diagnosis)
    sure = {place: names for place, names in named.items() if " or " not in names[0]} or named
    most = max((len(names) for names in sure.values()), default=0)
    kept = [names[0] for names in sure.values() if 2 * len(names) > most]
    return tuple(layer_of(name) for name in kept[:MOST_BUGS])


def layer_of(text: str) -> str:
    """Return a text with calls named as the layers they are of, where these are called once.

    >>> layer_of("states of rnn#0 and of head#1")
    'states of rnn and of head#1'
    """
    return text.replace("#0", "")


def place_of(case: CaseResult) -> str:
    """Return "layer rnn, step 3, unit 1, row 0" of a case; "" where nothing is known."""
    where = case.verdict.where
    if where is None:
        return ""
    named = (
        ("layer", layer_of(where.layer) or None),
        ("step", where.step),
        ("unit", where.unit),
        ("row", where.row),
    )
    return ", ".join(f"{name} {value}" for name, value in named if value is not None)


def about(cases: Sequence[CaseResult]) -> tuple[str, ...]:
    """Return what there is to say of a group beside its likely bugs, most telling first."""
    first = speaker(cases)
    # What stands in the file is said once, whichever input showed nothing.
    held = [case.verdict.reason for case in cases if case.verdict.reason.startswith("weight ")]
    texts = dict.fromkeys([first.verdict.reason, *held[:1]])
    return tuple(layer_of(text) for text in texts)


def inputs_like(cases: Sequence[CaseResult], report: Report) -> str:
    """Return on how many of its inputs a file failed; "" where there was but one."""
    first = cases[0]
    own = [
        case
        for case in report.cases
        if (case.form, case.file, case.runtime) == (first.form, first.file, first.runtime)
    ]
    return f"on {len(cases)} of {len(own)} inputs" if len(own) > 1 else ""


def advice(cases: Sequence[CaseResult], report: Report) -> str:
    """Return what to do next about a group that failed, in one line; "" where nobody knows better."""
    first = speaker(cases)
    if first.outcome == Outcome.PRECISION_DOWNGRADED:
        bits = first.verdict.effective_bits
        allowed = f"; --allow-precision {int(bits)} permits it" if bits and bits >= 1 else ""
        return f"ask the runtime for full precision{allowed}"
    if first.outcome != Outcome.FAIL:
        return ""
    name = " ".join(bugs(cases))
    elsewhere = [
        case.runtime
        for case in report.cases
        if (case.form, case.file) == (first.form, first.file)
        and case.runtime != first.runtime
        and case.outcome in AGREEMENTS
    ]
    if not first.form:
        return "the source itself ran: compare the versions of Keras that saved and loaded it"
    if elsewhere:
        return f"the same file passes on {elsewhere[0]}: look for the fault in {first.runtime}"
    for words, text in ADVICE:
        if any(word in name for word in words):
            return text
    return "--html FILE draws the errors along time; --evidence DIR keeps all that was shown"


ADVICE = (
    (
        (" is off by ", "weights of ", "kernel", "bias", "table", "rows ", "gamma", "beta"),
        "the file does not hold the source's weights: export it again from this source",
    ),
    (
        ("activation", "clip", "argument scaled", "states scaled"),
        "compare the activation of the layer with that in the file: `inspect FILE`",
    ),
    (
        ("mask", "padding"),
        "masked steps are taken otherwise; docs/masks.md says what each form does with them",
    ),
    (
        ("initial state",),
        "the file starts from other states: compare its inputs with the source's (`inspect FILE`)",
    ),
    (
        ("time", "order", "step", "reversed", "rotated", "backwards", "swapped"),
        "the file's wiring differs: compare direction, slices and outputs (`inspect FILE`)",
    ),
)
"""Words of a likely bug, and what to do about it."""
