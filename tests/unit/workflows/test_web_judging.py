"""The judge in JavaScript says what the judge in Python says, on hostile numbers too."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rnn_export.verifier.bounds.products import SIGMAS
from rnn_export.verifier.comparing import Comparison, compare

JUDGING = Path(__file__).parents[3] / "rnn_export/reports/html/web/judging.mjs"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None, reason="node is not installed: apt-get install nodejs"
)

# Numbers travel as the hexadecimal of their 8 bytes, so that none is lost on the way.
PROGRAM = """
import { readFileSync } from 'node:fs';
import { judge, ratio } from %s;
const read = (text) => new Float64Array(new Uint8Array(Buffer.from(text, 'hex')).buffer);
const write = (value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);
const asked = JSON.parse(readFileSync(0, 'utf8')).map(({ outputs, expected }) => judge(
  Object.fromEntries(Object.entries(outputs).map(([name, item]) => [name, { ...item, data: read(item.data) }])),
  expected.map((item) => ({ ...item, value: read(item.value), bound: read(item.bound) })), %s));
console.log(JSON.stringify(asked, (key, value) => write(value)));
"""


def asked(*questions: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the verdicts of the judge in JavaScript."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", PROGRAM % (json.dumps(JUDGING.as_uri()), SIGMAS)],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    verdicts: list[dict[str, Any]] = json.loads(done.stdout)
    return verdicts


def hexadecimal(values: np.ndarray) -> str:
    return np.ascontiguousarray(values, "<f8").tobytes().hex()


def question(
    shown: np.ndarray, value: np.ndarray, bound: np.ndarray, steps: int | None = None
) -> dict[str, Any]:
    """An output "y" of float32."""
    return {
        "outputs": {"y": {"dtype": "float32", "shape": shown.shape, "data": hexadecimal(shown)}},
        "expected": [
            {
                "name": "y",
                "dtype": "float32",
                "shape": value.shape,
                "steps": steps,
                "value": hexadecimal(value),
                "bound": hexadecimal(bound),
            }
        ],
    }


def python(shown: np.ndarray, value: np.ndarray, bound: np.ndarray) -> Comparison:
    return compare(
        "y", "y", shown, value, bound, dtype="float32", model="global",
        axes=(0, 1 if value.ndim > 2 else None), among=~np.isinf(bound),
    )  # fmt: skip


LARGEST = float(np.finfo(np.float32).max)
NUMBERS = st.sampled_from(
    [
        0.0,
        -0.0,
        1.0,
        -1.0,
        1e-30,
        0.5,
        LARGEST,
        -LARGEST,
        2 * LARGEST,
        math.inf,
        -math.inf,
        math.nan,
    ]
)
BOUNDS = st.sampled_from([0.0, 1e-6, 0.25, 1.0, 3.0, LARGEST, math.inf])
SHAPES = st.sampled_from([(2, 3, 2), (3, 2), (1, 4, 1)])


@st.composite
def compared(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    shape = draw(SHAPES)
    size = math.prod(shape)

    def array(of: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(of, min_size=size, max_size=size))).reshape(shape)

    shown = array(NUMBERS)
    with np.errstate(over="ignore"):
        held = shown.astype(np.float32).astype(np.float64)
    return held, array(NUMBERS), array(BOUNDS)


# Each example asks Node anew: shrinking would take minutes, and 20 small ones stand side by side anyway.
@settings(max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(compared(), min_size=20, max_size=20))
def test_both_judges_agree_on_verdict_ratio_and_place(
    all_arrays: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> None:
    verdicts = asked(*(question(*arrays) for arrays in all_arrays))
    for arrays, verdict in zip(all_arrays, verdicts, strict=True):
        found = python(*arrays)
        if not found.elements:
            assert verdict["verdict"] == "UNVERIFIABLE"
            continue
        assert verdict["verdict"] == ("FAIL" if found.failed else "PASS")
        assert float(str(verdict["max_ratio"]).replace("Infinity", "inf")) == found.ratio
        if found.failed:
            where = {
                key: getattr(found.where, key)
                for key in ("row", "step", "unit")
                if getattr(found.where, key) is not None
            }
            assert verdict["where"] == where
            assert f"({found.beyond} elements" in verdict["reason"]


def right() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    value = np.linspace(-1, 1, 2 * 3 * 4).reshape(2, 3, 4)
    return value.astype(np.float32).astype(np.float64), value, np.full(value.shape, 2.0**-24)


def test_names_shapes_and_dtypes_have_to_be_right() -> None:
    good = question(*right())
    missing = {**good, "outputs": {}}
    extra = {**good, "outputs": {**good["outputs"], "z": good["outputs"]["y"]}}
    flat = {**good, "outputs": {"y": {**good["outputs"]["y"], "shape": [6, 4]}}}
    wide = {**good, "outputs": {"y": {**good["outputs"]["y"], "dtype": "float64"}}}
    verdicts = asked(good, missing, extra, flat, wide)
    assert [item["verdict"] for item in verdicts] == ["PASS", "FAIL", "FAIL", "FAIL", "FAIL"]
    assert [item["reason"] for item in verdicts] == [
        None,
        "expected an output y, got none",
        "expected no output z",
        "output y: expected shape (2, 3, 4), got (6, 4)",
        "output y: expected float32, got float64",
    ]


def test_the_earliest_fault_in_time_is_named_not_the_largest() -> None:
    shown, value, bound = right()
    shown[0, 2, 1] += 1
    shown[1, 1, 3] += 2.0**-20
    (verdict,) = asked(question(shown, value, bound))
    assert verdict["where"] == {"row": 1, "step": 1, "unit": 3}
    assert verdict["reason"].startswith(
        "output y lies outside its bound at step 1, unit 3, row 1 (2 elements"
    )


def test_comparing_nothing_is_never_a_pass() -> None:
    shown, value, _ = right()
    nothing = question(shown, value, np.full(value.shape, np.inf))
    no_step = question(*right(), steps=0)
    assert [
        item["verdict"] for item in asked(nothing, no_step, {"outputs": {}, "expected": []})
    ] == ["UNVERIFIABLE"] * 3


def test_half_precision_bits_are_read_as_numpy_reads_them() -> None:
    assert NODE is not None
    vectors = JUDGING.with_name("vectors.mjs").as_uri()
    code = f"""
        import {{ half }} from {json.dumps(vectors)};
        const all = Float64Array.from({{ length: 65536 }}, (_, bits) => half(bits));
        process.stdout.write(Buffer.from(all.buffer).toString('hex'));
    """
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    read = np.frombuffer(bytes.fromhex(done.stdout), "<f8")
    expected = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float64)
    assert np.array_equal(read, expected, equal_nan=True)
