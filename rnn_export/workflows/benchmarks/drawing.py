"""What all drawings share: matplotlib when asked for, colours, and files that are equal when the data is."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from rnn_export.errors import RnnExportError, StoreError

KINDS = (".svg", ".png", ".pdf")

# Colour-blind safe (Okabe and Ito); ours strong, peers grey.
COLOURS = {
    "rnn": "#0072B2",
    "scan": "#009E73",
    "wavefront": "#D55E00",
    "unrolled": "#CC79A7",
    "chained": "#E69F00",
}
PEER, OTHER = "#BBBBBB", "#56B4E9"


def plotting(path: Path) -> Any:
    """Return matplotlib.pyplot, ready to draw what `save` writes to ``path``.

    Raises:
        RnnExportError: matplotlib is missing, or the suffix tells no format.
    """
    if path.suffix.lower() not in KINDS:
        raise RnnExportError(
            str(path), expected=f"a name that ends in {', '.join(KINDS)}", got=path.suffix or "none"
        )
    try:
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("Agg")
        # Text stays text, and equal drawings give equal bytes.
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "rnn-export"})
        return importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise RnnExportError(
            "the drawing",
            expected="matplotlib",
            got=str(error),
            advice="pip install 'rnn-export[reports]'",
        ) from error


def save(figure: Any, path: Path) -> None:
    """Write a figure.

    Raises:
        StoreError: the file cannot be written.
    """
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise StoreError(str(path), expected="to write it", got=str(error)) from error
