"""``export`` writes the file that the library makes, needs the core alone, and leaves nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from rnn_export.exporters import export
from rnn_export.readers import read
from tests.unit.cli.programs import one_line, program

ARTIFACTS = Path(__file__).resolve().parents[3] / "artifacts"
KERAS = ARTIFACTS / "last-output" / "model.keras"
TOML = b"""[[network]]
name = "one"
input = {shape = ["time", 3]}
layers = [{class = "SimpleRNN", units = 4}]
"""


def test_the_file_is_the_librarys_byte_for_byte(tmp_path: Path) -> None:
    done = program("export", KERAS, "-o", tmp_path / "m.onnx")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    expected = export(read(KERAS)).model.SerializeToString(deterministic=True)
    assert (tmp_path / "m.onnx").read_bytes() == expected
    assert "form rnn, opset 17" in done.stdout
    assert "52 parameters" in done.stdout


def test_a_preset_and_its_keras_file_give_equal_bytes(tmp_path: Path) -> None:
    assert program("export", "last-output", "-o", tmp_path / "m.onnx").returncode == 0
    assert (tmp_path / "m.onnx").read_bytes() == (
        ARTIFACTS / "last-output" / "rnn.onnx"
    ).read_bytes()


def test_options_reach_the_file(tmp_path: Path) -> None:
    options = ("--form", "scan", "--opset", "20", "--batch", "3", "--time", "7", "--taps")
    assert program("export", KERAS, "-o", tmp_path / "m.onnx", *options).returncode == 0
    model = onnx.load(tmp_path / "m.onnx")
    assert model.opset_import[0].version == 20
    assert "Scan" in [node.op_type for node in model.graph.node]
    dims = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    assert dims == [3, 7, 8]
    assert [port.name for port in model.graph.output][1:] == ["simple_rnn/states"]


def test_fold_says_what_it_folds_and_inspect_shows_it(tmp_path: Path) -> None:
    toml, file = tmp_path / "tokens.toml", tmp_path / "m.onnx"
    toml.write_text(
        '[[network]]\nname = "tokens"\nlayers = [{class = "Embedding", input_dim = 19, output_dim = 5},'
        ' {class = "SimpleRNN", units = 7, bias_initializer = "uniform"}]\n'
    )
    done = program("export", toml, "-o", file, "--form", "scan", "--fold", "--check")
    assert done.returncode == 0, done.stderr
    assert "note: layer 'embedding' is folded: 'simple_rnn' looks up" in done.stdout
    assert "onnxruntime:cpu agrees" in " ".join(done.stdout.split())
    shown = program("inspect", file)
    assert 'rnn_export.folded: {"simple_rnn#0": "simple_rnn/table"}' in shown.stdout


def test_fold_where_nothing_can_be_folded_is_one_line(tmp_path: Path) -> None:
    for source, form in ((KERAS, "scan"), ("embedding-last", "rnn")):
        done = program("export", source, "-o", tmp_path / "m.onnx", "--form", form, "--fold")
        assert done.returncode == 4
        assert "fold: expected an Embedding that recurrent layers alone read" in one_line(done)
        assert not (tmp_path / "m.onnx").exists()


def test_streaming_adds_the_states(tmp_path: Path) -> None:
    assert program("export", KERAS, "-o", tmp_path / "m.onnx", "--streaming").returncode == 0
    graph = onnx.load(tmp_path / "m.onnx").graph
    assert [port.name for port in graph.input][1:] == ["simple_rnn/h_in"]
    assert [port.name for port in graph.output][1:] == ["simple_rnn/h_out"]


def test_auto_says_which_form_and_why(tmp_path: Path) -> None:
    done = program("export", KERAS, "-o", tmp_path / "m.onnx", "--form", "auto", "--batch", "32")
    assert done.returncode == 0, done.stderr
    model = onnx.load(tmp_path / "m.onnx")
    (reason,) = [item.value for item in model.metadata_props if item.key == "rnn_export.choice"]
    assert "by the measured table for onnxruntime:cpu at batch 32" in reason
    assert f"note: {reason}" in " ".join(done.stdout.split())


@pytest.mark.parametrize("target", [(), ("--target", "onnxruntime:cpu")], ids=["alone", "target"])
def test_measure_chooses_by_timing_here_and_says_so(
    tmp_path: Path, target: tuple[str, ...]
) -> None:
    options = ("--form", "auto", "--measure", "--batch", "2", "--time", "5", *target)
    done = program("export", KERAS, "-o", tmp_path / "m.onnx", *options)
    assert done.returncode == 0, done.stderr
    model = onnx.load(tmp_path / "m.onnx")
    held = {item.key: item.value for item in model.metadata_props}
    reason = f"{held['rnn_export.form']} by measuring on onnxruntime:cpu at batch 2, time 5"
    assert reason in held["rnn_export.choice"]
    assert f"note: {reason}" in " ".join(done.stdout.split())


def test_measure_without_auto_is_usage(tmp_path: Path) -> None:
    done = program("export", KERAS, "-o", tmp_path / "m.onnx", "--form", "scan", "--measure")
    assert done.returncode == 2
    assert "--form auto" in done.stderr


def test_json_on_stdout_stands_alone(tmp_path: Path) -> None:
    done = program("export", KERAS, "-o", tmp_path / "m.onnx", "--json", "-")
    written = json.loads(done.stdout)
    assert written["file"] == str(tmp_path / "m.onnx")
    assert written["size"] == (tmp_path / "m.onnx").stat().st_size
    assert written["network"] == read(KERAS).digest


def test_check_judges_the_file_and_says_who_agrees(tmp_path: Path) -> None:
    done = program("export", KERAS, "-o", tmp_path / "m.onnx", "--check")
    assert done.returncode == 0, done.stderr
    assert "onnxruntime:cpu agrees" in done.stdout
    assert (tmp_path / "m.onnx").is_file()


def test_check_judges_a_streaming_file_by_the_streaming_network(tmp_path: Path) -> None:
    done = program("export", KERAS, "-o", tmp_path / "m.onnx", "--check", "--streaming")
    assert done.returncode == 0, done.stderr
    assert "onnxruntime:cpu agrees" in done.stdout
    model = onnx.load(tmp_path / "m.onnx")
    assert any(port.name.endswith("/h_in") for port in model.graph.input)


def test_neither_keras_nor_a_runtime_nor_rich_is_imported(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-X", "importtime", "-m", "rnn_export"),
            *("export", str(KERAS), "-o", str(tmp_path / "m.onnx")),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    names = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
    loaded = {name.partition(".")[0] for name in names}
    assert {"onnx", "h5py", "click"} <= loaded
    assert loaded.isdisjoint(
        {"keras", "tensorflow", "onnxruntime", "torch", "jax", "rich", "psutil"}
    )


def hostile(folder: Path, kind: str) -> Path:
    path = folder / "source.keras"
    if kind == "folder":
        path.mkdir()
    elif kind == "no zip":
        path.write_bytes(b"no model")
    elif kind == "cut off":
        path.write_bytes(KERAS.read_bytes()[:1000])
    return path


@pytest.mark.parametrize("kind", ["missing", "folder", "no zip", "cut off"])
def test_a_bad_source_is_one_line_exit_code_4_and_leaves_nothing(kind: str, tmp_path: Path) -> None:
    source = hostile(tmp_path, kind)
    before = sorted(os.scandir(tmp_path), key=lambda entry: entry.name)
    done = program("export", source, "-o", tmp_path / "m.onnx")
    assert done.returncode == 4
    assert str(source) in one_line(done)
    assert done.stdout == ""
    after = sorted(os.scandir(tmp_path), key=lambda entry: entry.name)
    assert [entry.name for entry in after] == [entry.name for entry in before]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--opset", "13"), "14 to 26"),
        (("--opset", "27"), "14 to 26"),
        (("--batch", "0"), "at least 1"),
        (("--form", "unrolled"), "time"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_exit_code_4(
    options: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    done = program("export", KERAS, "-o", tmp_path / "m.onnx", *options)
    assert done.returncode == 4
    assert words in one_line(done)
    assert not any(tmp_path.iterdir())


def test_an_output_that_cannot_be_written_is_one_line_and_what_was_there_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "m.onnx").mkdir()
    for output in (tmp_path / "m.onnx", tmp_path / "nowhere" / "m.onnx"):
        done = program("export", KERAS, "-o", output)
        assert done.returncode == 4
        assert str(output) in one_line(done)
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


@pytest.mark.parametrize("name", ["model.keras", "networks.toml"])
def test_the_source_is_no_place_to_write_to(name: str, tmp_path: Path) -> None:
    source = tmp_path / name
    source.write_bytes(KERAS.read_bytes() if name.endswith(".keras") else TOML)
    before = source.read_bytes()
    (tmp_path / "linked").symlink_to(source)
    for output in (source, tmp_path / "linked"):
        done = program("export", source, "-o", output)
        assert done.returncode == 4
        assert "a place other than the source's" in one_line(done)
    assert source.read_bytes() == before


def test_another_model_of_keras_is_not_written_over(tmp_path: Path) -> None:
    other = tmp_path / "other.keras"
    other.write_bytes(KERAS.read_bytes())
    for words in (("-o", other), ("-o", tmp_path / "m.onnx", "--json", other)):
        done = program("export", KERAS, *words)
        assert done.returncode == 4
        assert "a model of keras, which is left as it is. Choose a place" in one_line(done)
    assert other.read_bytes() == KERAS.read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        ("--form", "loop"),
        ("--padding", "left"),
        ("--opset", "many"),
        ("--target", "nonsense"),
        ("--form", "auto", "--target", "nonsense"),
        ("--check", "--taps"),
    ],
)
def test_wrong_words_are_usage_and_write_nothing(options: tuple[str, ...], tmp_path: Path) -> None:
    done = program("export", KERAS, "-o", tmp_path / "m.onnx", *options)
    assert done.returncode == 2
    assert not any(tmp_path.iterdir())


def test_an_unknown_preset_is_usage_and_names_the_near_ones(tmp_path: Path) -> None:
    done = program("export", "embeding-last", "-o", tmp_path / "m.onnx")
    assert done.returncode == 2
    assert "Did you mean embedding-last" in done.stderr


def test_a_target_gets_the_form_it_takes_and_the_reason_is_printed(tmp_path: Path) -> None:
    # tract computes a single reverse direction as if it were forward.
    toml = tmp_path / "backwards.toml"
    toml.write_text(
        '[[network]]\nname = "b"\ninput = {shape = ["time", 4]}\n'
        'layers = [{class = "SimpleRNN", units = 5, go_backwards = true}]\n'
    )
    done = program("export", toml, "-o", tmp_path / "m.onnx", "--target", "tract")
    assert done.returncode == 0, done.stderr
    assert "RNN" not in {node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node}
    assert "not rnn: FAIL for reverse" in done.stdout


def test_all_targets_go_to_one_folder_each_with_its_reason(tmp_path: Path) -> None:
    folder, facts = tmp_path / "everywhere", tmp_path / "facts.json"
    asked = ("--target", "all", "--time", "9", "--json", facts)
    done = program("export", "last-output", "-o", folder, *asked)
    assert done.returncode == 0, done.stderr
    files = json.loads(facts.read_text())["files"]
    assert {"onnxruntime:cpu", "openvino:cpu", "tract", "mnn"} <= {item["target"] for item in files}
    for item in files:
        assert (folder / item["file"]).stat().st_size == item["size"]
        assert item["reasons"][0].startswith(f"form {item['form']}: right on {item['target']}")
    assert "tract: batch fixed at 1" in done.stdout
