"""The program: its commands, and `main`, where every error becomes one line and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

import click

from rnn_export._version import __version__
from rnn_export.cli.boundary import run
from rnn_export.cli.lazy import LazyGroup, Place
from rnn_export.cli.options import debug_option

PROGRAM = "rnn-export"

EPILOG = """\
\b
Exit codes:
  0  done; every case passed
  1  a case ended FAIL, PRECISION-DOWNGRADED or CRASHED
  2  usage
  3  a required runtime is missing or did not pass, or nothing was comparable
  4  any other error: one line on stderr (where it happened: --debug)

\b
Completion of commands, options, presets and runtimes, for bash (zsh and fish likewise):
  eval "$(_RNN_EXPORT_COMPLETE=bash_source rnn-export)"
"""

COMMANDS = {
    "build": Place("rnn_export.cli.building", "Build, export, verify and store networks (default: every preset)."),
    "export": Place("rnn_export.cli.exporting", "Write one ONNX file from a Keras model, a preset or a TOML file."),
    "verify": Place("rnn_export.cli.verifying", "Judge ONNX files against the model they come from, on runtimes."),
    "judge": Place("rnn_export.cli.judging", "Pass the verdict again from saved evidence."),
    "bench": Place("rnn_export.cli.benching", "Time a model in every form, beside peers and the floor."),
    "matrix": Place("rnn_export.cli.matrix", "Measure every form on every runtime: runs, agrees, how fast."),
    "inspect": Place("rnn_export.cli.inspecting", "Show what is in a .keras, .h5 or .onnx file."),
    "check": Place("rnn_export.cli.checking", "Hold an artifact folder against its manifest."),
    "web": Place("rnn_export.cli.web", "Write a page that judges an artifact's model in the browser."),
    "presets": Place("rnn_export.cli.presets", "List the networks that come with this package."),
    "doctor": Place("rnn_export.cli.doctor", "Show what is installed, what is missing, and how to get it."),
}  # fmt: skip

ALONE = {"export", "inspect", "check", "presets"}
"""Commands that leave no process, thread or open file behind which their end would have to wait."""

app = LazyGroup(
    name=PROGRAM,
    places=COMMANDS,
    help="Keras recurrent models to ONNX files that are proven equal to them.",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    params=[
        debug_option(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=lambda ctx, option, value: _version(ctx) if value else None,
            help="Show the version.",
        ),
    ],
)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the program and leave with its exit code.

    Args:
        arguments: without the program's name; None for those of the process.
    """
    if "_RNN_EXPORT_COMPLETE" in os.environ:
        app.main(arguments, prog_name=PROGRAM, complete_var="_RNN_EXPORT_COMPLETE")
    # What an import makes stays: looking through it for garbage again and again is a tenth of a short run.
    gc.set_threshold(50_000)
    words = sys.argv[1:] if arguments is None else arguments
    code = run(app, PROGRAM, words)
    if ALONE.issuperset(words[:1]):
        # Taking NumPy, onnx and h5py apart again would be another tenth, for memory that goes anyway.
        os._exit(code)
    raise SystemExit(code)


def _version(ctx: click.Context) -> NoReturn:
    click.echo(f"{PROGRAM} {__version__}")
    ctx.exit()
