"""A lock per artifact: the kernel lets go of it when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rnn_export.errors import StoreError
from rnn_export.store.writing import storing

POLL = 0.1
"""Seconds between two tries."""


@contextmanager
def locked(path: Path, subject: str, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock file ``path`` for the time of the block; it is gone afterwards.

    Args:
        path: of the lock.
        subject: what it guards, for the error.
        wait: seconds to wait for whoever holds it.

    Raises:
        StoreError: another process (or thread) holds it, or the file cannot be made.
    """
    with storing(path.parent):
        handle = _acquire(path, subject, time.monotonic() + wait)
    try:
        yield
    finally:
        # Unlinked before it is let go: whoever has it open already finds, in _acquire, that its name is gone.
        path.unlink(missing_ok=True)
        os.close(handle)


def _acquire(path: Path, subject: str, deadline: float) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                os.close(handle)
                time.sleep(POLL)
                continue
            holder = os.read(handle, 32).decode("ascii", "replace").strip()
            os.close(handle)
            raise StoreError(
                subject,
                expected="no other build of it at the same time",
                got=f"one at work (process {holder})" if holder else "one at work",
                advice="Wait until it has ended, or write to another folder with --out.",
            ) from None
        except BaseException:
            os.close(handle)
            raise
        if _still_named(handle, path):
            # Who holds it is for another's message; a full disk is met with the first file that matters.
            with suppress(OSError):
                os.truncate(handle, 0)
                os.write(handle, f"{os.getpid()}\n".encode())
            return handle
        os.close(handle)


def _still_named(handle: int, path: Path) -> bool:
    """Tell whether the locked file is still the one at ``path``: the holder before may have unlinked it."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(handle)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
