"""What stands against writing somewhere: the operating system, with what to do about it, or a model that is there."""

from __future__ import annotations

import errno
from pathlib import Path

# A zip archive (.keras) and HDF5 (.h5).
_MODELS = (b"PK\x03\x04", b"\x89HDF\r\n\x1a\n")

ADVICE = {
    errno.ENOSPC: "Free some space on that disk, or write elsewhere.",
    errno.EDQUOT: "Free some of your quota, or write elsewhere.",
    errno.EROFS: "Choose a place that is not read-only.",
    errno.EACCES: "Choose a place that you may write to.",
    errno.EPERM: "Choose a place that you may write to.",
    errno.ENOENT: "Make its folder first.",
    errno.ENOTDIR: "Choose a place whose parent is a folder.",
    errno.EEXIST: "Choose a place where no such file is.",
    errno.EISDIR: "Name a file, not a folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}


def told(error: OSError) -> tuple[str, str]:
    """Return the system's reason in words, and what to do; "" where nothing fits."""
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return reason, ADVICE.get(error.errno or 0, "")


def spare_models(path: Path) -> None:
    """Raise FileExistsError if a Keras model stands at a path: nothing that is written means to replace it."""
    if path.suffix == ".npz" or not path.is_file():
        return
    with path.open("rb") as file:
        begins = file.read(8)
    if begins.startswith(_MODELS):
        raise FileExistsError(errno.EEXIST, "a model of Keras, which is left as it is")
