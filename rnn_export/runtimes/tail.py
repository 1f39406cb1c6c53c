"""The end of what a worker prints: its last words, kept in bounded memory."""

from __future__ import annotations

import re
import threading
from collections import deque
from io import FileIO

BYTES = 64 * 1024
"""How much is kept. A runtime that prints without end must fill neither a disk nor our memory."""

LINES = 20


class Tail:
    """Reads a worker's stderr as it comes and keeps the end of it."""

    def __init__(self, pipe: FileIO) -> None:
        self._pipe = pipe
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return the last lines, at most LINES, without colours."""
        with self._lock:
            kept = b"".join(self._chunks)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", kept.decode(errors="replace"))
        return "\n".join(plain.splitlines()[-LINES:])

    def finish(self, patience: float) -> None:
        """Wait until the dead worker's last words are in, at most ``patience`` seconds."""
        self._thread.join(patience)
        if not self._thread.is_alive():
            self._pipe.close()

    def _drain(self) -> None:
        while chunk := self._pipe.read(BYTES):
            with self._lock:
                self._chunks.append(chunk)
                self._size += len(chunk)
                while self._size - len(self._chunks[0]) >= BYTES:
                    self._size -= len(self._chunks.popleft())
