"""Test data has the same bits everywhere, heeds what each input is for, and is not rewritten for a tie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnn_export import presets, store
from rnn_export.builders.reference import run
from rnn_export.network import ArrayWeight, Draft, Network, Source, activation
from rnn_export.network.ops import Cell, Embedding, Recurrent, TokenMask, ValueMask
from rnn_export.presets.seeded import draw
from rnn_export.workflows import examples

FEATURES, UNITS, TOKENS = 3, 5, 11


def cell() -> Cell:
    def weight(shape: tuple[int, ...], path: str) -> ArrayWeight:
        return draw("glorot_uniform", shape, seed=1, path=path)

    return Cell(
        "",
        weight((FEATURES, UNITS), "w"),
        weight((UNITS, UNITS), "r"),
        ArrayWeight(np.linspace(-0.2, 0.3, UNITS, dtype=np.float32)),
        activation("tanh"),
    )


def masked_tokens() -> Network:
    draft = Draft()
    tokens = draft.input("tokens", ("batch", "time"), "int32")
    state = draft.input("state", ("batch", UNITS), "float32")
    (mask,) = draft.call("embedding/mask", TokenMask(), [tokens], dtype="bool")
    table = draw("uniform", (TOKENS, FEATURES), seed=1, path="table")
    (x,) = draft.call("embedding", Embedding(table), [tokens])
    (y,) = draft.call("rnn", Recurrent((cell(),)), [x], mask=mask, initial=[state])
    draft.output("rnn", y)
    return draft.finish(Source("python", "masked"))


def masked_values() -> Network:
    draft = Draft()
    x = draft.input("x", ("batch", "x_time", FEATURES), "float32")
    z = draft.input("z", ("batch", "z_time", FEATURES), "float32")
    (mask,) = draft.call("masking", ValueMask(-1.0), [x], dtype="bool")
    for name, tensor, heeded in (("rnn", x, mask), ("other", z, None)):
        (y,) = draft.call(name, Recurrent((cell(),)), [tensor], mask=heeded)
        draft.output(name, y)
    return draft.finish(Source("python", "two sequences"))


def stage(root: Path, network: Network) -> tuple[str, ...]:
    with store.stage(root, "net") as staging:
        examples.store_example(network, staging, 2, 4)
        return staging.commit(network.digest, {})


@pytest.mark.parametrize("name", presets.names())
def test_a_presets_example_has_the_seeds_shape_and_fits_the_network(name: str) -> None:
    preset, network = presets.PRESETS[name], presets.network(name)
    feeds = examples.example(network, preset.batch, preset.time)
    first = feeds[network.inputs[0].name]
    assert first.shape[:2] == (preset.batch, preset.time)
    run(network, feeds, np.float64)


def test_tokens_lie_in_the_table_and_zeros_only_pad_the_right() -> None:
    feeds = examples.example(masked_tokens(), 3, 7)
    tokens = feeds["tokens"]
    assert tokens.dtype == np.int32
    assert tokens.min() == 0
    assert tokens.max() < TOKENS
    assert [int(np.count_nonzero(row)) for row in tokens] == [7, 6, 5]
    assert np.all((tokens == 0) == (np.arange(7) >= np.array([[7], [6], [5]])))
    assert np.all(feeds["state"] != 0)


def test_every_free_time_axis_has_its_own_length_and_masked_steps_their_value() -> None:
    feeds = examples.example(masked_values(), 2, 4)
    assert feeds["x"].shape != feeds["z"].shape
    assert np.all(feeds["x"][1, -1] == -1.0)
    assert not np.any(np.all(feeds["z"] == -1.0, axis=-1))


def test_the_bits_are_pinned() -> None:
    feeds = examples.example(masked_tokens(), 2, 4)
    assert feeds["tokens"].tolist() == [[3, 3, 6, 10], [6, 9, 10, 0]]
    assert feeds["state"].dtype == np.float32


def test_outputs_are_the_float64_reference_rounded(tmp_path: Path) -> None:
    network = masked_tokens()
    stage(tmp_path, network)
    folder = tmp_path / "net" / "test_data_set_0"
    feeds = dict(store.read_tensor(folder / f"input_{k}.pb") for k in range(2))
    name, stored = store.read_tensor(folder / "output_0.pb")
    np.testing.assert_array_equal(stored, run(network, feeds, np.float64)[name].astype(np.float32))


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    network = masked_tokens()
    assert stage(tmp_path, network)
    assert stage(tmp_path, network) == ()


@pytest.mark.parametrize("off", ["tie", "wrong"])
def test_a_value_rounded_to_the_other_side_of_a_tie_is_kept_and_a_wrong_one_is_not(
    off: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = masked_tokens()
    feeds = examples.example(network, 2, 4)
    exact = run(network, feeds, np.float64)["rnn"]
    new = exact.astype(np.float32)
    other = np.nextafter(new, np.float32(np.inf))
    # The reference as it would be on a machine where one element is a hair from a tie.
    moved = exact.copy()
    moved[0, 0] = np.nextafter((float(new[0, 0]) + float(other[0, 0])) / 2, -1.0)
    monkeypatch.setattr(examples, "run", lambda *_: {"rnn": moved})
    stage(tmp_path, network)
    path = tmp_path / "net" / "test_data_set_0" / "output_0.pb"
    name, stored = store.read_tensor(path)
    assert stored[0, 0] == new[0, 0]
    changed = stored.copy()
    changed[(0, 0) if off == "tie" else (0, 1)] = other[(0, 0) if off == "tie" else (0, 1)]
    with store.stage(tmp_path, "net") as staging:
        store.write_vectors(staging.folder, feeds, {name: changed})
        staging.commit(network.digest, {})
    assert bool(stage(tmp_path, network)) is (off == "wrong")
