"""Every command that a stranger's file can be given to, and what has to be true of its end."""

from __future__ import annotations

from pathlib import Path

from tests.attacks.hostile import Hostile
from tests.attacks.hostile.listing import CORPUS
from tests.attacks.trying import Ended

SECONDS, BYTES = 5.0, 500 * 10**6
SOURCE = str(CORPUS / "sequential.keras")


def commands(item: Hostile, file: Path, out: Path) -> list[list[str]]:
    """Return the command lines to try a file with; what they write goes below ``out``."""
    if item.brief:
        return [["inspect", str(file)]]
    if item.is_onnx:
        return [["inspect", str(file)], ["verify", SOURCE, str(file), "--runtime", "numpy"]]
    return [
        ["inspect", str(file)],
        ["export", str(file), "-o", str(out / "out.onnx")],
        ["verify", str(file), "--runtime", "numpy"],
        ["build", str(file), "--out", str(out / "artifacts"), "--jobs", "1"],
    ]


def complaints(item: Hostile, ended: Ended, temporary: Path) -> list[str]:
    """Return what is wrong with how a command ended; nothing when it is as it must be.

    Args:
        item: the file.
        ended: what the command did.
        temporary: the folder for temporary files, where alone it may write.
    """
    found = []
    # What takes more than two seconds says how far it is.
    lines = [line for line in ended.said.splitlines() if not line.startswith("building: ")]
    if ended.code != 4:
        found.append(f"exit code {ended.code}")
    if len(lines) != 1 or not lines[0].startswith("rnn-export: ") or not lines[0].isprintable():
        found.append(f"not one clean line: {ended.said[:300]!r}")
    elif item.refused not in lines[0] or "internal error" in lines[0] or len(lines[0]) > 1500:
        found.append(f"expected {item.refused!r} in {lines[0][:300]!r}")
    # Who waits in place of working is killed by `tried`, which is another exit code.
    if ended.busy > SECONDS:
        found.append(f"{ended.busy:.1f} s")
    if ended.peak > BYTES:
        found.append(f"{ended.peak / 1e6:.0f} MB")
    found += [f"did {deed}" for deed in ended.deeds if not _allowed(deed, temporary)]
    return found


def _allowed(deed: str, temporary: Path) -> bool:
    """Tell whether a deed makes or clears a temporary folder; rmtree names what is inside without a path."""
    event, _, rest = deed.partition(" ")
    inside = rest.startswith(f"('{temporary}/") or "/" not in rest
    return inside and event in ("os.mkdir", "os.rmdir", "os.remove", "open")
