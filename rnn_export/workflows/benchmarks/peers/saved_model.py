"""Writes a Keras file as TensorFlow's SavedModel, in a process of its own: python -m ... FILE.keras FOLDER."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

from rnn_export.errors import RuntimeRefused, RuntimeUnavailable

TIME_LIMIT = 300.0
GRAPH = "saved_model.pb"
MISSING = 3
"""Exit code of the process where Keras or TensorFlow is not installed."""


def saved_model(source: Path, folder: Path) -> Path:
    """Write ``source`` as a SavedModel and return the file of its graph, which stands in its folder.

    Raises:
        RuntimeUnavailable: Keras or TensorFlow is missing.
        RuntimeRefused: Keras does not load or write the model.
    """
    settings = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(source), str(folder)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    words = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    if done.returncode == MISSING:
        raise RuntimeUnavailable(
            "SavedModel",
            expected="Keras on TensorFlow",
            got=words[0],
            advice="pip install 'rnn-export[keras]'",
        )
    if done.returncode:
        raise RuntimeRefused(
            "SavedModel", expected="Keras to write one", got=words[0], advice="Leave this peer out."
        )
    return folder / GRAPH


def main(source: str, folder: str) -> int:
    """Load and write; return the exit code."""
    try:
        importlib.import_module("tensorflow")
        keras = importlib.import_module("keras")
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return MISSING
    model = keras.saving.load_model(source, compile=False, safe_mode=True)
    model.export(folder, format="tf_saved_model", verbose=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
