"""What `export --target` writes for a runtime, that runtime takes and computes rightly: it runs and is judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_export.runtimes import Connection, OnnxFile, Options, Unavailable, connect
from rnn_export.workflows.capabilities import capabilities
from rnn_export.workflows.exporting import Asked, network_of
from rnn_export.workflows.matrix.trying import Inputs, Trials
from rnn_export.workflows.subjects import opened
from rnn_export.workflows.target_folder import TargetFolder, export_all

TARGETS = [name for name, known in capabilities().items() if known.takes_files]
BATCH, TIME = 3, 7
EMBEDDING = '{class = "Embedding", input_dim = 11, output_dim = 4, mask_zero = true}'
NETWORKS = {
    # More than one trait at once, which the table of capabilities holds one by one.
    "plain": ("", [("SimpleRNN", "return_sequences = true"), ("SimpleRNN", "")]),
    "relu": ("", [("SimpleRNN", 'activation = "relu", return_sequences = true')] * 2),
    "sigmoid": ("", [("SimpleRNN", 'activation = "sigmoid", go_backwards = true')]),
    "hard": ("", [("SimpleRNN", 'activation = "hard_sigmoid", return_state = true')]),
    "both": ("both", [("SimpleRNN", "return_sequences = true"), ("SimpleRNN", "")]),
    "masked": ("tokens", [("SimpleRNN", "return_sequences = true"), ("SimpleRNN", "")]),
}
PRESETS = ("embedding-stack4", "sequence-and-state")
ASKED = {
    "sizes free": Asked("auto"),
    "sizes fixed": Asked("auto", batch=BATCH, time=TIME),
    "right padding": Asked("auto", batch=BATCH, time=TIME, padding="right"),
}
CASES = [
    (source, sizes)
    for source in (*NETWORKS, *PRESETS)
    for sizes in ASKED
    if sizes != "right padding" or source == "masked"
]


def described(name: str) -> str:
    """Return the network's TOML."""
    kind, rnns = NETWORKS[name]
    shape = '["time"]' if kind == "tokens" else '["time", 4]'
    layers = [EMBEDDING] if kind == "tokens" else []
    for number, (each, options) in enumerate(rnns):
        more = f", {options}" if options else ""
        layer = f'{{class = "{each}", units = {5 + number}, bias_initializer = "uniform"{more}}}'
        both = f'{{class = "Bidirectional", layer = {layer}}}'
        layers.append(both if kind == "both" else layer)
    whole = ",\n  ".join(layers)
    return f'[[network]]\nname = "{name}"\ninput = {{shape = {shape}}}\nlayers = [\n  {whole},\n]\n'


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Each source as the command line takes it."""
    place = tmp_path_factory.mktemp("sources")
    found = {name: name for name in PRESETS}
    for name in NETWORKS:
        (place / f"{name}.toml").write_text(described(name))
        found[name] = str(place / f"{name}.toml")
    return found


@pytest.fixture(scope="module")
def folders(
    tmp_path_factory: pytest.TempPathFactory, sources: dict[str, str]
) -> dict[tuple[str, str], TargetFolder]:
    """What `export --target all` writes for each case."""
    place = tmp_path_factory.mktemp("targets")
    return {
        (source, sizes): export_all(
            sources[source], place / f"{source}-{sizes.replace(' ', '-')}", ASKED[sizes]
        )
        for source, sizes in CASES
    }


@pytest.fixture(scope="module", params=TARGETS)
def target(request: pytest.FixtureRequest) -> Iterator[Connection]:
    with connect(request.param, Options(time_limit=60.0)) as connection:
        found = connection.probe()
        if isinstance(found, Unavailable):
            pytest.skip(f"{request.param}: {found.reason} ({found.install})")
        yield connection


@pytest.mark.parametrize(("source", "sizes"), CASES)
def test_its_file_runs_and_agrees(
    target: Connection,
    source: str,
    sizes: str,
    sources: dict[str, str],
    folders: dict[tuple[str, str], TargetFolder],
    tmp_path: Path,
) -> None:
    written = folders[source, sizes]
    (item,) = [each for each in written.files if each.target == target.name]
    if item.file is None:
        # Nothing is written without the reason, and what to do.
        assert item.reasons[0].startswith(f"target {target.name}: expected ")
        assert (
            sizes == "sizes free" or "right in" in item.reasons[0] or "rightly" in item.reasons[0]
        )
        return
    asked, path = ASKED[sizes], written.folder / item.file
    network = network_of(sources[source])
    subject = opened(network, path, tmp_path)
    with target.open(OnnxFile(path)) as session:
        free = {dim for port in network.inputs for dim in network.spec(port.tensor).shape}
        shapes = zip(network.inputs, session.inputs, strict=True)
        fixed = {
            str(dim): size
            for port, slot in shapes
            for dim, size in zip(network.spec(port.tensor).shape, slot.shape or (), strict=True)
            if dim in free and isinstance(dim, str) and isinstance(size, int)
        }
    tried = Trials(target).attempt(OnnxFile(path), subject, Inputs(network, asked.padding), fixed)
    assert tried.agrees, (item, tried)
    assert item.reasons[0].startswith(f"form {item.form}: right on {target.name}")


def test_every_source_has_a_file_for_most_targets(
    folders: dict[tuple[str, str], TargetFolder],
) -> None:
    for (source, sizes), written in folders.items():
        missing = [item.target for item in written.files if item.file is None]
        if sizes != "sizes free":
            # emx-onnx-cgen takes no direction "reverse" and no Slice backwards, in no form.
            assert missing in ([], ["emx-onnx-cgen"]), (source, written)
            assert not missing or source == "sigmoid"
        files = {path.name for path in written.folder.iterdir()}
        assert files >= {item.file for item in written.files if item.file} | {"manifest.json"}
