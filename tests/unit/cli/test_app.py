"""The program as a whole: what help costs, what is usage, and that a closed pipe is no error."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rnn_export._version import __version__
from rnn_export.cli.app import COMMANDS
from tests.unit.cli.programs import program

HEAVY = {"numpy", "onnx", "rich", "h5py", "tensorflow", "keras", "onnxruntime", "torch", "jax"}


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['rnn-export', '--help']\n"
        "from rnn_export.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code, *sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    exit_code, *modules = done.stderr.split()
    assert exit_code == "0"
    assert HEAVY.isdisjoint(modules)


def test_help_names_every_command_every_exit_code_and_completion() -> None:
    done = program("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    for code in range(5):
        assert f"\n    {code}  " in done.stdout
    assert "_RNN_EXPORT_COMPLETE=bash_source" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_debug_and_the_name_it_is_listed_under(name: str) -> None:
    done = program(name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"rnn-export {name} " in done.stdout
    assert "--debug" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json(name: str) -> None:
    assert "--json" in program(name, "--help").stdout


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("--nonsense",), ("check",), ("check", "a", "b"), ("doctor", "-x")]
)
def test_wrong_words_are_usage(arguments: tuple[str, ...]) -> None:
    done = program(*arguments)
    assert done.returncode == 2
    assert "Error: " in done.stderr
    assert done.stdout == ""


def test_a_command_that_is_spelled_wrong_is_told_the_right_one() -> None:
    done = program("verfy", "model.keras")
    assert done.returncode == 2
    assert "No such command 'verfy'. Did you mean verify?" in done.stderr


def test_version_is_the_packages() -> None:
    assert program("--version").stdout == f"rnn-export {__version__}\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = (
        f"{sys.executable} -m rnn_export --help | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    )
    # Often enough that the pipe is closed before the help is written at least once.
    for _ in range(3):
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stdout.strip() in ("0", "141")
        assert done.stderr == ""


def test_completion_knows_the_commands() -> None:
    words = {
        "_RNN_EXPORT_COMPLETE": "bash_complete",
        "COMP_WORDS": "rnn-export ch",
        "COMP_CWORD": "1",
    }
    assert program(variables=words).stdout == "plain,check\n"


def test_completion_knows_the_runtimes() -> None:
    words = {
        "_RNN_EXPORT_COMPLETE": "bash_complete",
        "COMP_WORDS": "rnn-export verify --runtime onnxr",
        "COMP_CWORD": "3",
    }
    assert "plain,onnxruntime:cpu\n" in program(variables=words).stdout
