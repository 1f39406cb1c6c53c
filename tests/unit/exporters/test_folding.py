"""An Embedding and the products that read it as one table: what is folded, what the table holds, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnx
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from rnn_export.builders import reference
from rnn_export.errors import ExportError
from rnn_export.exporters import export
from rnn_export.exporters.recurrent import folding, stacking
from rnn_export.exporters.tables import Table
from rnn_export.exporters.taps import tap
from rnn_export.exporters.writing import tables_of
from rnn_export.network import ArrayWeight, Call, Draft, Network, Source, TensorId, activation
from rnn_export.network.dtypes import numpy_dtype
from rnn_export.network.ops import Activate, Concatenate, Embedding, Recurrent, TokenMask, ValueMask
from rnn_export.network.streaming import streaming
from tests.unit.exporters.exact import Drawn, cell, exact, feeds, halves, run

FORMS = ("scan", "wavefront", "unrolled")
CHAINED = "scan, chained"
TOKENS, FEATURES, UNITS = 7, 3, 4


class Looked(Drawn):
    """A network that begins with an Embedding."""

    def _start(self) -> tuple[TensorId, int, TensorId | None]:
        return self._tokens(int(self._random.integers(1, 5)))


def folded(network: Network, form: str, time: int = 5) -> onnx.ModelProto:
    if form == CHAINED:
        with patch.object(stacking, "chains", lambda *asked: True):
            return folded(network, "scan")
    fixed = time if form == "unrolled" else None
    return export(network, form=form, time=fixed, fold=True).model


def foldable(call: Call, network: Network) -> bool:
    readers = [item for item in network.calls if call.outputs[0] in item.reads]
    shown = {port.tensor for port in network.outputs}
    return call.outputs[0] not in shown and all(isinstance(item.op, Recurrent) for item in readers)


def simple(
    seed: int = 0,
    more: Callable[[Draft, TensorId, TensorId], None] | None = None,
    zeros: bool = False,
) -> Network:
    """Tokens, an Embedding, a masked layer; ``more`` is told the tokens and what the Embedding puts out."""
    random = np.random.default_rng(seed)
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    (mask,) = draft.call("mask", TokenMask(), [tokens])
    table = ArrayWeight(halves(random, (TOKENS, FEATURES)))
    (x,) = draft.call("embedding", Embedding(table), [tokens])
    inside = cell(random, FEATURES, UNITS, activation("relu"), bias=True)
    op = Recurrent((inside,), ("sequence",), zero_output_for_mask=zeros)
    (y,) = draft.call("rnn", op, [x], mask=mask)
    if more is not None:
        more(draft, tokens, x)
    draft.output("rnn", y)
    return draft.finish(Source("python", "simple"))


def held(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}


@pytest.mark.parametrize("form", [*FORMS, CHAINED])
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 8)),
    raised=st.booleans(),
)
def test_a_folded_file_is_the_network_to_the_last_bit(
    form: str, seed: int, sizes: tuple[int, int], raised: bool
) -> None:
    network = Looked(seed, raised).network()
    embedding = next(call for call in network.calls if isinstance(call.op, Embedding))
    if not foldable(embedding, network):
        event("refused")
        with pytest.raises(ExportError, match="an Embedding that recurrent layers alone read"):
            folded(network, form, sizes[1])
        return
    event("folded")
    model = folded(network, form, sizes[1])
    assert "embedding/table" not in held(model)
    fed = feeds(network, np.random.default_rng(seed), *sizes)
    shown = run(model, fed)
    want = reference.run(network, fed, np.float64)
    if all(exact(values) for values in reference.trace(network, fed, np.float64).values()):
        event("exact")
        for name, values in want.items():
            np.testing.assert_array_equal(shown[name], values, err_msg=name)
    tapped = run(tap(model).model, fed)
    for name, values in shown.items():
        np.testing.assert_array_equal(tapped[name], values, err_msg=name)


@pytest.mark.parametrize("form", FORMS)
def test_the_file_holds_the_table_alone_and_says_so(form: str, tmp_path: Path) -> None:
    exported = export(simple(), form=form, time=5 if form == "unrolled" else None, fold=True)
    floats = {name for name, values in held(exported.model).items() if values.ndim == 2}
    assert floats == {"rnn/table", "rnn/R"}
    assert tables_of(exported.model) == {"rnn#0": "rnn/table"}
    assert exported.notes == ("layer 'embedding' is folded: 'rnn' looks up x W + b by the tokens",)
    again = export(simple(), form=form, time=5 if form == "unrolled" else None, fold=True)
    assert exported.model == again.model
    file = exported.save(tmp_path / "m.onnx")
    assert file.read_bytes() == again.model.SerializeToString(deterministic=True)


def test_without_fold_nothing_changes() -> None:
    plain = export(simple(), form="scan").model
    assert {"embedding/table", "rnn/W", "rnn/B"} <= set(held(plain))
    assert tables_of(plain) == {}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("bias", [True, False])
def test_the_table_is_the_float64_sum_rounded_once(dtype: str, bias: bool) -> None:
    random = np.random.default_rng(3)
    shapes = ((TOKENS, 40), (40, UNITS), (UNITS,))
    arrays = [random.standard_normal(shape).astype(numpy_dtype(dtype)) for shape in shapes]
    weights = [ArrayWeight(values) for values in arrays]
    made = Table(weights[0], weights[1], weights[2] if bias else None, dtype)
    values = made.read()
    assert values.shape == made.shape == (TOKENS, UNITS)
    assert values.dtype.name == made.dtype == ("float64" if dtype == "float64" else "float32")
    rows, kernel, offset = (item.astype(np.float64).tolist() for item in arrays)
    for token in range(TOKENS):
        for unit in range(UNITS):
            terms = [
                Fraction(a) * Fraction(b[unit]) for a, b in zip(rows[token], kernel, strict=True)
            ]
            terms += [Fraction(offset[unit])] if bias else []
            # 40 products and as many additions in float64 beside the one rounding; the largest term is below 2^5.
            size = float(sum(map(abs, terms)))
            unit_of = 2.0**-53 if dtype == "float64" else 2.0**-24
            total = float(sum(terms))
            bound = unit_of * abs(total) * (1 + 2.0**-20) + 42 * 2.0**-53 * size * (1 + 2.0**-20)
            assert abs(Fraction(float(values[token, unit])) - sum(terms)) <= Fraction(bound)


def test_the_table_is_the_same_in_whatever_pieces_it_is_made() -> None:
    random = np.random.default_rng(4)
    rows = random.standard_normal((700, 5)).astype(np.float32)
    kernel = ArrayWeight(random.standard_normal((5, 300)).astype(np.float32))

    class Blocks(ArrayWeight):
        def blocks(self) -> Iterator[np.ndarray]:
            for start in range(0, 700, 90):
                yield rows[start : start + 90]

    whole = Table(ArrayWeight(rows), kernel, None, "float32")
    split = Table(Blocks(rows), kernel, None, "float32")
    np.testing.assert_array_equal(whole.read(), split.read())
    starts = [start for start, _ in split.pieces()]
    assert starts == sorted(starts)
    assert whole.key == split.key


def test_both_directions_have_a_table_each() -> None:
    random = np.random.default_rng(5)
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    table = ArrayWeight(halves(random, (TOKENS, FEATURES)))
    (x,) = draft.call("embedding", Embedding(table), [tokens])
    made = []
    for name, back in (("both/forward", False), ("both/backward", True)):
        inside = cell(random, FEATURES, UNITS, activation("relu"), bias=True)
        op = Recurrent((inside,), ("sequence",), go_backwards=back, time_order=back)
        made.append(draft.call(name, op, [x])[0])
    draft.output("both", draft.call("both", Concatenate(-1), made)[0])
    network = draft.finish(Source("python", "both"))
    for form in FORMS:
        tables = tables_of(folded(network, form))
        assert tables == {
            "both/forward#0": "both/forward/table",
            "both/backward#0": "both/backward/table",
        }


def test_a_layer_called_twice_has_a_table_for_each_embedding() -> None:
    random = np.random.default_rng(6)
    draft = Draft()
    shared = cell(random, FEATURES, UNITS, activation("relu"), bias=True)
    for k in range(2):
        tokens = draft.input(f"tokens{k}", ("batch", "time"), "int32")
        table = ArrayWeight(halves(random, (TOKENS + k, FEATURES)))
        (x,) = draft.call(f"embedding{k}", Embedding(table), [tokens])
        draft.output(f"y{k}", draft.call("rnn", Recurrent((shared,)), [x])[0])
    tables = tables_of(folded(draft.finish(Source("python", "shared")), "scan"))
    assert tables == {"rnn#0": "rnn/table", "rnn#1": "rnn/table_1"}


def test_a_streaming_file_is_folded_as_well() -> None:
    network = streaming(simple(zeros=True))
    model = folded(network, "scan")
    assert tables_of(model) == {"rnn#0": "rnn/table"}
    fed = feeds(network, np.random.default_rng(1), 3, 5)
    want = reference.run(network, fed, np.float64)
    for name, values in run(model, fed).items():
        np.testing.assert_array_equal(values, want[name])


def _also_shown(draft: Draft, tokens: TensorId, x: TensorId) -> None:
    draft.output("looked", x)


def _also_read(draft: Draft, tokens: TensorId, x: TensorId) -> None:
    draft.output("other", draft.call("other", Activate(activation("relu")), [x])[0])


def _masked_by_values(draft: Draft, tokens: TensorId, x: TensorId) -> None:
    (mask,) = draft.call("zeros", ValueMask(0.0), [x])
    draft.output("zeros", mask)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (_also_shown, "its output is one of the network's"),
        (_also_read, "layer 'other', which is not recurrent, reads it too"),
        (_masked_by_values, "layer 'zeros', which is not recurrent, reads it too"),
    ],
)
def test_what_somebody_else_reads_is_refused_by_name(
    more: Callable[[Draft, TensorId, TensorId], None], reason: str
) -> None:
    with pytest.raises(ExportError, match=f"layer 'embedding', but {reason}"):
        folded(simple(more=more), "scan")


def test_form_rnn_and_a_network_without_an_embedding_are_refused() -> None:
    with pytest.raises(ExportError, match="layer 'rnn' is an RNN node"):
        export(simple(), fold=True)
    draft = Draft()
    x = draft.input("x", ("batch", "time", FEATURES), "float32")
    op = Recurrent((cell(np.random.default_rng(0), FEATURES, UNITS),))
    draft.output("rnn", draft.call("rnn", op, [x])[0])
    with pytest.raises(ExportError, match="got none that an output depends on"):
        folded(draft.finish(Source("python", "plain")), "scan")


def test_a_call_of_form_rnn_that_is_written_as_scan_is_folded() -> None:
    random = np.random.default_rng(7)
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    table = ArrayWeight(halves(random, (TOKENS, FEATURES)))
    (x,) = draft.call("embedding", Embedding(table), [tokens])
    op = Recurrent((cell(random, FEATURES, UNITS, activation("gelu")),))
    draft.output("rnn", draft.call("rnn", op, [x])[0])
    model = export(draft.finish(Source("python", "gelu")), fold=True).model
    assert tables_of(model) == {"rnn#0": "rnn/table"}


def test_a_table_beyond_the_limit_is_refused() -> None:
    with (
        patch.object(folding, "LARGEST", TOKENS * UNITS - 1),
        pytest.raises(ExportError, match="7 tokens times 4 units are more than 27 entries"),
    ):
        folded(simple(), "scan")
    with patch.object(folding, "LARGEST", TOKENS * UNITS):
        folded(simple(), "scan")


def test_what_is_not_folded_beside_what_is_is_noted() -> None:
    def more(draft: Draft, tokens: TensorId, x: TensorId) -> None:
        table = ArrayWeight(halves(np.random.default_rng(8), (TOKENS, FEATURES)))
        (other,) = draft.call("shown", Embedding(table), [tokens])
        draft.output("shown", other)

    exported = export(simple(more=more), form="scan", fold=True)
    assert exported.notes[1] == "layer 'shown' is not folded: its output is one of the network's"


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"rnn#0": 3}', "[" * 100_000])
def test_what_a_stranger_writes_for_tables_is_no_table(text: str) -> None:
    model = onnx.ModelProto()
    model.metadata_props.add(key="rnn_export.folded", value=text)
    assert tables_of(model) == {}
    model.metadata_props[0].value = json.dumps({"rnn#0": "rnn/table"})
    assert tables_of(model) == {"rnn#0": "rnn/table"}
