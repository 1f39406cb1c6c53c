"""Putting a staged folder in the place of another, so that a kill at any point leaves the old one or the new one.

Where the kernel can exchange two names in one step (Linux: renameat2 with RENAME_EXCHANGE) there is no moment
without an artifact. Elsewhere it takes two renames, and `recover` undoes the first if the second never came.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

AT_FDCWD = -100
RENAME_EXCHANGE = 2
# The kernel or the file system has no exchange; anything else is a real failure.
UNKNOWN = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def swap_in(staged: Path, place: Path, previous: Path) -> None:
    """Put the folder ``staged`` at ``place``; what was there is removed.

    Args:
        staged, place: on one file system; ``place`` may be missing.
        previous: a free name beside them, for the way in two steps.
    """
    if not place.exists():
        staged.rename(place)
    elif exchange(staged, place):
        remove(staged)
    else:
        place.rename(previous)
        staged.rename(place)
        remove(previous)


def recover(place: Path, previous: Path) -> None:
    """Put back the folder that an interrupted swap in two steps had moved aside."""
    if previous.exists() and not place.exists():
        previous.rename(place)


def remove(folder: Path) -> None:
    """Remove a folder and what is in it; nothing if there is none. Links are removed, not followed."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return False where the system cannot."""
    call = _renameat2()
    if call is None:
        return False
    if call(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    call.restype = ctypes.c_int
    found: Callable[[int, bytes, int, bytes, int], int] = call
    return found
