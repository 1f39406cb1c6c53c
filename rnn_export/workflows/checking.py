"""`check`: an artifact folder against its manifest."""

from __future__ import annotations

from pathlib import Path

from rnn_export.store import Checked, check_folder


def check(folder: str | Path) -> Checked:
    """Compare every file of an artifact with its manifest, in constant memory.

    Args:
        folder: such as ``artifacts/embedding-last``.

    Returns:
        The state of each file; ``raise_for_damage`` makes an exception of what is not right.

    Raises:
        StoreError: there is no manifest, or it was changed, or a file cannot be read.
    """
    return check_folder(Path(folder))
