"""A diagnosis with hundreds of alternatives names a few and says how many there are."""

from __future__ import annotations

from rnn_export.verifier.diagnosis.naming import SPOKEN, Diagnosis


def test_a_few_alternatives_are_named_and_the_rest_counted() -> None:
    names = tuple(f"bias[{k}] of rnn#0 is off by 1" for k in range(300))
    text = str(Diagnosis(names))
    assert text.startswith("bias[0] of rnn#0 is off by 1 or bias[1]")
    assert text.endswith(f" or one of {300 - SPOKEN} others")
    assert str(Diagnosis(names[:2])) == " or ".join(names[:2])
    assert str(Diagnosis()) == ""
