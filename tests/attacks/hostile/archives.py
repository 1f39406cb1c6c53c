"""Zip archives that lie, explode, or reach out of themselves."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

from tests.attacks.hostile.listing import hostile
from tests.attacks.hostile.making import CONFIG, METADATA, WEIGHTS, members, packed, with_members

MEGABYTE = 2**20
_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")


def _renamed(folder: Path, name: str) -> None:
    packed(folder, [*members().items(), (name, b"root::0:0::/:/bin/sh")])


def _patched(folder: Path, name: str, **fields: int) -> None:
    """Write the sequential model with other numbers in the directory's entry of one member."""
    path = packed(folder, members().items())
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(name.encode()))
    names = [
        "mark",
        "made",
        "needs",
        "flags",
        "method",
        "time",
        "date",
        "crc",
        "packed",
        "size",
        "name",
        "extra",
        "note",
        "disk",
        "inner",
        "outer",
        "at",
    ]
    held = dict(zip(names, _ENTRY.unpack_from(data, at), strict=True))
    _ENTRY.pack_into(data, at, *(held | fields).values())
    path.write_bytes(data)


@hostile("a configuration of 60 MB of blanks in 60 kB", "times its compressed size")
def bomb_config(folder: Path) -> None:
    parts = members() | {CONFIG: b" " * (60 * MEGABYTE)}
    packed(folder, parts.items(), zipfile.ZIP_DEFLATED)


@hostile("weights of 60 MB of zeros in 60 kB", "times its compressed size")
def bomb_weights(folder: Path) -> None:
    parts = members() | {WEIGHTS: bytes(60 * MEGABYTE)}
    packed(folder, parts.items(), zipfile.ZIP_DEFLATED)


@hostile("a bomb in a member that nobody needs", "times its compressed size")
def bomb_beside(folder: Path) -> None:
    packed(folder, {**members(), "assets/x": bytes(20 * MEGABYTE)}.items(), zipfile.ZIP_DEFLATED)


@hostile("a bzip2 bomb, of a ratio that deflate cannot reach", "times its compressed size")
def bomb_bzip2(folder: Path) -> None:
    parts = members() | {CONFIG: b" " * (20 * MEGABYTE)}
    packed(folder, parts.items(), zipfile.ZIP_BZIP2)


@hostile("an LZMA bomb", "times its compressed size")
def bomb_lzma(folder: Path) -> None:
    parts = members() | {CONFIG: b" " * (20 * MEGABYTE)}
    packed(folder, parts.items(), zipfile.ZIP_LZMA)


@hostile("a bomb whose directory says that it is small", "damaged")
def bomb_that_lies(folder: Path) -> None:
    parts = members() | {CONFIG: b" " * (10 * MEGABYTE)}
    path = packed(folder, parts.items(), zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = (
            data.index(CONFIG.encode()) if mark == b"PK\x03\x04" else data.rindex(CONFIG.encode())
        )
        struct.pack_into("<L", data, data.rindex(mark, 0, place) + at, 1000)
    path.write_bytes(data)


@hostile("a zip within a zip within a zip, in the place of the weights", "expected weights in HDF5")
def nested_zips(folder: Path) -> None:
    data = bytes(MEGABYTE)
    for _ in range(10):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(4):
                archive.writestr(f"{number}.zip", data)
        data = held.getvalue()
    with_members(folder, weights=data)


@hostile("300,000 empty members", "members")
def many_members(folder: Path) -> None:
    path = packed(folder, members().items())
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    count = 300_000
    extra = b"".join(
        _ENTRY.pack(b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0)
        + b"%06x" % number
        for number in range(count)
    )
    directory = data[start:end] + extra
    # The count has 16 bits and nobody looks at it; the size is what counts.
    tail = _END.pack(b"PK\x05\x06", 0, 0, 65535, 65535, len(directory), start, 0)
    path.write_bytes(data[:start] + directory + tail)


@hostile("a member above the archive", "members inside the archive")
def traversal(folder: Path) -> None:
    _renamed(folder, "../../escaped.txt")


@hostile("a member further down that climbs out again", "members inside the archive")
def traversal_inside(folder: Path) -> None:
    _renamed(folder, "assets/../../../escaped.txt")


@hostile("a member with a place from the root", "members inside the archive")
def absolute_name(folder: Path) -> None:
    _renamed(folder, "/escaped.txt")


@hostile("a member with a drive, as Windows has them", "members inside the archive")
def drive_name(folder: Path) -> None:
    _renamed(folder, "C:\\escaped.txt")


@hostile("a member that climbs out with backslashes", "members inside the archive")
def backslash_name(folder: Path) -> None:
    _renamed(folder, "..\\..\\escaped.txt")


@hostile("two configurations: one reader sees the first, another the last", "twice")
def duplicate_config(folder: Path) -> None:
    held = members()
    held_twice = [*held.items(), (CONFIG, held[CONFIG].replace(b"tanh", b"relu"))]
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        packed(folder, held_twice)


@hostile("weights behind a password", "encrypted")
def encrypted(folder: Path) -> None:
    _patched(folder, WEIGHTS, flags=1)


@hostile("weights by a method of compression that nobody knows", "damaged")
def unknown_method(folder: Path) -> None:
    _patched(folder, WEIGHTS, method=99, packed=5000)


@hostile("a configuration with another checksum", "damaged")
def wrong_checksum(folder: Path) -> None:
    _patched(folder, CONFIG, crc=zlib.crc32(b"another"))


@hostile("weights that begin behind the end of the file", "damaged")
def weights_beyond_the_end(folder: Path) -> None:
    _patched(folder, WEIGHTS, at=2**31)


@hostile("weights of 2 GB by the directory, in a file of 20 kB", "expected")
def weights_larger_than_the_file(folder: Path) -> None:
    _patched(folder, WEIGHTS, size=2**31 - 1, packed=2**31 - 1)


@hostile("weights that begin where the configuration does", "damaged")
def overlapping_members(folder: Path) -> None:
    _patched(folder, WEIGHTS, at=0)


@hostile("weights that are a symbolic link to a file of the system", "expected weights in HDF5")
def symbolic_link_member(folder: Path) -> None:
    path = folder / "model.keras"
    held = members()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(METADATA, held[METADATA])
        archive.writestr(CONFIG, held[CONFIG])
        link = zipfile.ZipInfo(WEIGHTS)
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")


@hostile("an archive without a configuration", "expected an archive with config.json")
def no_config(folder: Path) -> None:
    with_members(folder, config=None)


@hostile("an archive without weights", "expected an archive with model.weights.h5")
def no_weights(folder: Path) -> None:
    with_members(folder, weights=None)


@hostile("weights in NumPy's format, which can hold pickles", "weights in NumPy's format")
def pickled_arrays(folder: Path) -> None:
    held = members()
    packed(folder, [(CONFIG, held[CONFIG]), ("model.weights.npz", b"\x80\x04cposix\nsystem\n.")])
