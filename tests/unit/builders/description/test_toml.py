"""Networks from TOML: what is understood, and errors that name file, network, layer and option."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnn_export.builders import networks_from_toml, sequential
from rnn_export.errors import NetworkError, ReadError, RnnExportError
from rnn_export.network.ops import Dense, Embedding, Recurrent

GOOD = """
[[network]]
name = "sentiment"
seed = 7
layers = [
  {class = "Embedding", input_dim = 50, output_dim = 6, mask_zero = true},
  {class = "Dropout", rate = 0.4},
  {class = "Bidirectional", merge_mode = "sum", layer = {class = "SimpleRNN", units = 24}},
  {class = "Dense", units = 3, activation = "softmax"},
]

[[network]]
name = "wave"
input = {shape = ["time", 5], name = "x"}
dtype = "float64"
layers = [
  {class = "RNN", cell = [{class = "SimpleRNNCell", units = 7}, {units = 4}], return_sequences = true},
  {class = "SimpleRNN", units = 2, go_backwards = true, name = "last", return_state = true},
]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "nets.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_networks_come_in_the_files_order(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    one, two = networks_from_toml(path)
    assert (one.source.kind, one.source.name, one.source.location) == (
        "toml",
        "sentiment",
        str(path),
    )
    assert [port.name for port in one.inputs + one.outputs] == ["tokens", "dense"]
    assert [port.name for port in two.inputs + two.outputs] == ["x", "last", "last_1"]
    kinds = [type(call.op) for call in one.calls if "/" not in call.layer]
    assert kinds[0] is Embedding
    assert kinds[-1] is Dense
    op = two.recurrent()[0].op
    assert isinstance(op, Recurrent)
    assert [cell.name for cell in op.cells] == ["simple_rnn_cell", "simple_rnn_cell_1"]
    assert {weight.dtype.name for _, weight in two.weights()} == {"float64"}


def test_toml_and_python_say_the_same(tmp_path: Path) -> None:
    (network, _) = networks_from_toml(write(tmp_path, GOOD))
    layers: list[dict[str, object]] = [
        {"class": "Embedding", "input_dim": 50, "output_dim": 6, "mask_zero": True},
        {"class": "Dropout", "rate": 0.4},
        {
            "class": "Bidirectional",
            "merge_mode": "sum",
            "layer": {"class": "SimpleRNN", "units": 24},
        },
        {"class": "Dense", "units": 3, "activation": "softmax"},
    ]
    assert sequential(layers, seed=7).digest == network.digest
    assert sequential(layers, seed=8).digest != network.digest


def one(layer: str, *, shape: str = '["time", 3]', more: str = "") -> str:
    return f'[[network]]\nname = "n"\ninput = {{shape = {shape}}}\n{more}\nlayers = [{layer}]\n'


RNN = 'class = "SimpleRNN", units = 4'
REFUSED = {
    "an unknown option": (
        one('{class = "SimpleRNN", unit = 4}'),
        r"nets\.toml, network 'n', layer 0 \(SimpleRNN\), units: expected a whole number, got 'nothing'",
    ),
    "a misspelled option": (
        one(f"{{{RNN}, return_sequence = true}}"),
        r"network 'n', layer 0 \(SimpleRNN\): .*got 'return_sequence'\. Did you mean 'return_sequences'\?",
    ),
    "an unknown class": (
        one('{class = "SimpleRN", units = 4}'),
        r"network 'n', layer 0, class: .*got 'SimpleRN'\. Did you mean 'SimpleRNN'\?",
    ),
    "no class": (one("{units = 4}"), r"network 'n', layer 0, class: "),
    "a wrong type": (
        one('{class = "SimpleRNN", units = "4"}'),
        r"layer 0 \(SimpleRNN\), units: expected a whole number from 1, got '4'",
    ),
    "no units": (
        one('{class = "SimpleRNN", units = 0}'),
        r"units: expected a whole number from 1, got 0",
    ),
    "text for a flag": (
        one(f'{{{RNN}, use_bias = "no"}}'),
        r"use_bias: expected true or false, got 'no'",
    ),
    "a rate above 1": (
        one(f"{{{RNN}, dropout = 1.5}}"),
        r"dropout: expected a rate from 0 to 1, got 1\.5",
    ),
    "an unknown activation": (
        one(f'{{{RNN}, activation = "tanhh"}}'),
        r"layer 0 \(SimpleRNN\), activation: expected one of .*tanh.*, got 'tanhh'",
    ),
    "an unknown initializer": (
        one(f'{{{RNN}, kernel_initializer = "he_norma"}}'),
        r"layer 0 \(SimpleRNN\), kernel_initializer: expected one of ",
    ),
    "an unknown cell option": (
        one('{class = "RNN", cell = [{units = 4}, {units = 4, activatoin = "relu"}]}'),
        r"layer 0 \(RNN\), cell 1: .*'activatoin'\. Did you mean 'activation'\?",
    ),
    "cells of one name": (
        one('{class = "RNN", cell = [{units = 4, name = "c"}, {units = 4, name = "c"}]}'),
        r"layer 0 \(RNN\): expected cells with names of their own",
    ),
    "an unknown merge mode": (
        one(f'{{class = "Bidirectional", merge_mode = "avg", layer = {{{RNN}}}}}'),
        r"layer 0 \(Bidirectional\), merge_mode: .*got 'avg'\. Did you mean 'ave'\?",
    ),
    "a wrong inner layer": (
        one('{class = "Bidirectional", layer = {class = "LSTM", units = 4}}'),
        r"layer 0 \(Bidirectional\), layer, class: .*got 'LSTM'",
    ),
    "layers that disagree": (
        one(
            f'{{class = "Bidirectional", layer = {{{RNN}}}, '
            f"backward_layer = {{{RNN}, return_sequences = true}}}}"
        ),
        r"layer 0 \(Bidirectional\): expected the same return_sequences and return_state",
    ),
    "a forward layer that runs backwards": (
        one(f'{{class = "Bidirectional", layer = {{{RNN}, go_backwards = true}}}}'),
        r"layer 0 \(Bidirectional\), layer, go_backwards: expected false in the forward layer",
    ),
    "a layer behind a state": (
        one(f'{{{RNN}, return_state = true}}, {{class = "Dense", units = 2}}'),
        r"layer 1: expected no layer behind one with return_state, got 'Dense'",
    ),
    "a last output as a sequence": (
        one(f"{{{RNN}}}, {{{RNN}}}"),
        r"layer 'simple_rnn_1': expected an input \(batch, time, features\), got \(batch, 4\)",
    ),
    "an open unrolled time": (
        one(f"{{{RNN}, unroll = true}}"),
        r"layer 0 \(SimpleRNN\), unroll: expected a fixed number of time steps",
    ),
    "names twice": (
        one(f'{{{RNN}, name = "a", return_sequences = true}}, {{{RNN}, name = "a"}}'),
        r"layer 1 \(SimpleRNN\), name: expected a name that no other layer has, got 'a'",
    ),
    "nothing that computes": (
        one('{class = "Dropout", rate = 0.5}'),
        r"network 'n': expected at least one layer that computes",
    ),
    "no input": (
        f'[[network]]\nname = "n"\nlayers = [{{{RNN}}}]',
        r"network 'n', input: expected a shape without batch",
    ),
    "an odd shape": (one(f"{{{RNN}}}", shape='["time", "wide"]'), r"input, shape: .*got 'wide'"),
    "no features": (one(f"{{{RNN}}}", shape='["time", 0]'), r"input, shape: .*from 1.*got 0"),
    "no steps": (one(f"{{{RNN}}}", shape="[0, 3]"), r"input, shape: .*from 1.*got 0"),
    "no shape": (
        f'[[network]]\nname = "n"\ninput = {{dtype = "float32"}}\nlayers = [{{{RNN}}}]',
        r"network 'n', input, shape: expected a list",
    ),
    "an unknown dtype": (
        one(f"{{{RNN}}}", more='dtype = "float23"'),
        r"network 'n', dtype: expected one of float32",
    ),
    "an unknown dtype of a layer": (
        one(f'{{{RNN}, dtype = "mixed_float61"}}'),
        r"layer 0 \(SimpleRNN\), dtype: .*Did you mean 'mixed_float16'\?",
    ),
    "an unknown key of a network": (
        one(f"{{{RNN}}}", more="sed = 3"),
        r"network 'n': expected options among .*, got 'sed'\. Did you mean 'seed'\?",
    ),
    "no layers": (
        '[[network]]\nname = "n"\n',
        r"network 'n', layers: expected a table, got 'nothing'",
    ),
    "no name": ("[[network]]\nlayers = [{}]\n", r"nets\.toml, network 0, name: expected text"),
    "two networks of one name": (
        one(f"{{{RNN}}}") * 2,
        r"nets\.toml, network 'n': expected a name of its own",
    ),
    "an orthogonal kernel": (
        one(f'{{{RNN}, kernel_initializer = "orthogonal"}}'),
        r"layer 0 \(SimpleRNN\), kernel_initializer: expected a square matrix, got \(3, 4\)",
    ),
    "a regularizer by number": (
        one(f"{{{RNN}, kernel_regularizer = 0.1}}"),
        r"kernel_regularizer: expected a name, or a table with class_name and config, got 0\.1",
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_does_not_fit_is_refused_by_place(case: str, tmp_path: Path) -> None:
    text, message = REFUSED[case]
    with pytest.raises(NetworkError, match=message) as caught:
        networks_from_toml(write(tmp_path, text))
    assert "\n" not in str(caught.value)


UNREADABLE = {
    "not TOML": ("[[network", r"nets\.toml: expected TOML, got Expected"),
    "no networks": (
        'name = "n"',
        r"nets\.toml: expected tables \[\[network\]\], got the keys name",
    ),
    "empty": ("", r"nets\.toml: expected tables \[\[network\]\], got the keys none"),
}


@pytest.mark.parametrize("case", sorted(UNREADABLE))
def test_what_is_no_description_is_a_read_error(case: str, tmp_path: Path) -> None:
    text, message = UNREADABLE[case]
    with pytest.raises(ReadError, match=message):
        networks_from_toml(write(tmp_path, text))


def test_a_network_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RnnExportError, match=r"nets\.toml, network: expected a table or a list of tables"
    ):
        networks_from_toml(write(tmp_path, "network = 3"))


def test_a_missing_file_and_a_folder_are_read_errors(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"gone\.toml: .*No such file"):
        networks_from_toml(tmp_path / "gone.toml")
    with pytest.raises(ReadError, match=r"expected a TOML file that can be read"):
        networks_from_toml(tmp_path)


def test_bytes_that_are_no_text_are_a_read_error(tmp_path: Path) -> None:
    path = tmp_path / "nets.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReadError, match="expected TOML"):
        networks_from_toml(path)
