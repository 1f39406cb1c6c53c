"""Damaged files, byte by byte: each is read or refused in one line, and nothing else happens."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rnn_export.errors import ReadError
from rnn_export.readers import read
from tests.attacks.sound_keras import archive, hdf5, sound

WHOLE = {"archive": archive(), "hdf5": hdf5(), "json": json.dumps(sound()).encode()}
Damage = tuple[float, str, int]


def damaged(data: bytes, damages: list[Damage]) -> bytes:
    """Return the bytes with some of them changed, doubled or left out; places are fractions of the whole."""
    found = bytearray(data)
    for place, kind, value in damages:
        at = int(place * (len(found) - 1))
        if kind == "set":
            found[at] = value
        elif kind == "flip":
            found[at] ^= 1 << value % 8
        elif kind == "ones":
            found[at : at + 8] = b"\xff" * 8
        elif kind == "zeros":
            found[at : at + 8] = bytes(8)
        elif kind == "drop":
            del found[at : at + 1 + value % 9]
        else:
            found[at:at] = found[at : at + value]
    return bytes(found)


def outcome(path: Path) -> str:
    """Return the digest, for which every weight is read, or the error."""
    try:
        return read(path).digest
    except ReadError as error:
        return str(error)


DAMAGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(("set", "flip", "ones", "zeros", "drop", "double")),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=6,
)


@given(st.sampled_from(sorted(WHOLE)), DAMAGES)
def test_a_damaged_file_is_read_or_refused_in_one_line(part: str, damages: list[Damage]) -> None:
    data = damaged(WHOLE[part], damages)
    if part == "hdf5":
        data = archive(data=data)
    elif part == "json":
        data = archive(data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.keras"
        path.write_bytes(data)
        assert "\n" not in outcome(path)
        assert list(Path(folder).iterdir()) == [path]
