"""Hostile files, first part: what pretends to be an archive or JSON."""

from __future__ import annotations

import gzip
import io
import json
import struct
import warnings
import zipfile
from typing import Any

from tests.attacks.sound_keras import archive, hdf5, sound


def _zip(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    raw = io.BytesIO()
    with warnings.catch_warnings():
        # zipfile warns of a name that comes twice, which is the attack.
        warnings.simplefilter("ignore", UserWarning)
        with zipfile.ZipFile(raw, "w", compression) as file:
            for name, data in members:
                file.writestr(name, data)
    return raw.getvalue()


def _patched(data: bytes, mark: bytes, offset: int, value: bytes, *, last: bool = False) -> bytes:
    """Return the bytes with some replaced behind a mark."""
    at = (data.rfind(mark) if last else data.find(mark)) + offset
    return data[:at] + value + data[at + len(value) :]


def _nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def _central(name: bytes, offset: int, value: bytes) -> bytes:
    """Return the sound archive with a field of one entry of its central directory replaced."""
    data = archive()
    at = data.find(b"PK\x01\x02")
    while data[at + 46 : at + 46 + len(name)] != name:
        at = data.find(b"PK\x01\x02", at + 1)
    return data[: at + offset] + value + data[at + offset + len(value) :]


def containers() -> dict[str, bytes]:
    """Return name -> contents."""
    config = json.dumps(sound()).encode()
    data = hdf5()
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("config.json", "w", force_zip64=True) as member:
            for _ in range(12):
                member.write(bytes(2**20))
        file.writestr("model.weights.h5", data)
    weights_bomb = io.BytesIO()
    with zipfile.ZipFile(weights_bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", config)
        with file.open("model.weights.h5", "w", force_zip64=True) as member:
            for _ in range(20):
                member.write(bytes(2**20))
    sound_pair = (("config.json", config), ("model.weights.h5", data))
    made: dict[str, bytes] = {
        "empty": b"",
        "text": b"this is no model\n",
        "gzip": gzip.compress(archive()),
        "executable": b"\x7fELF" + bytes(500),
        "zip-mark-alone": b"PK\x03\x04",
        "zip-of-nothing": _zip(),
        "zip-cut-in-half": archive()[: len(archive()) // 2],
        "zip-cut-at-directory": archive()[:-30],
        "no-config": _zip(("model.weights.h5", data)),
        "no-weights": _zip(("config.json", config)),
        "numpy-weights": _zip(("config.json", config), ("model.weights.npz", b"PK")),
        "config-in-folder": _zip(("model/config.json", config), ("model.weights.h5", data)),
        "path-absolute": _zip(*sound_pair, ("/etc/passwd", b"x")),
        "path-upwards": _zip(*sound_pair, ("../../evil.py", b"x")),
        "path-upwards-backslash": _zip(*sound_pair, ("..\\evil.py", b"x")),
        "path-drive": _zip(*sound_pair, ("C:/evil.py", b"x")),
        "member-twice": _zip(*sound_pair, ("config.json", b"{}")),
        "many-members": _zip(*sound_pair, *((f"assets/{k}", b"") for k in range(1500))),
        "config-bomb": bomb.getvalue(),
        "weights-bomb": weights_bomb.getvalue(),
        "encrypted": _central(b"config.json", 8, b"\x01\x00"),
        "unknown-compression": _central(b"config.json", 10, b"\x63\x00"),
        "wrong-lzma": _central(b"config.json", 10, b"\x0e\x00"),
        "wrong-bzip2": _central(b"config.json", 10, b"\x0c\x00"),
        "wrong-deflate": _central(b"config.json", 10, b"\x08\x00"),
        "wrong-checksum": _central(b"config.json", 16, b"\x00\x00\x00\x00"),
        "size-too-large": _central(b"model.weights.h5", 20, struct.pack("<II", 2**31, 2**31)),
        "size-too-small": _central(b"model.weights.h5", 20, struct.pack("<II", 100, 100)),
        "offset-beyond-end": _central(b"model.weights.h5", 42, struct.pack("<I", 2**31)),
        "offset-of-another-member": _central(b"model.weights.h5", 42, struct.pack("<I", 0)),
        "huge-size-zip64": _central(b"config.json", 20, struct.pack("<II", 2**32 - 1, 2**32 - 1)),
        "local-header-gone": _patched(archive(), b"PK\x03\x04", 0, b"XXXX", last=True),
    }
    made.update(_texts())
    return made


def _texts() -> dict[str, bytes]:
    """Return archives whose config.json is no JSON of a model."""
    plain: dict[str, Any] = sound()
    return {
        "json-none": archive(b"not json at all"),
        "json-latin1": archive(b'{"class_name": "\xe9"}'),
        "json-utf16": archive(json.dumps(plain).encode("utf-16")),
        "json-list": archive(b"[1, 2]"),
        "json-number": archive(b"3"),
        "json-cut": archive(json.dumps(plain).encode()[:-20]),
        "json-deep": archive(_nested(200)),
        "json-very-deep": archive(_nested(100_000)),
        "json-large": archive(b'{"a": "' + bytes(9 * 2**20) + b'"}'),
        "json-long-number": archive(b'{"a": ' + b"9" * 100_000 + b"}"),
        "json-many-lists": archive(b'{"a": [' + b"[]," * 2_000_000 + b"0]}"),
        "json-empty": archive(b"{}"),
        "json-null-config": archive(b'{"class_name": "Functional", "config": null}'),
        "json-class-number": archive(b'{"class_name": 7, "config": {}}'),
        "json-nan-units": archive(json.dumps(plain).replace('"units": 4', '"units": NaN').encode()),
        "json-infinite-units": archive(
            json.dumps(plain).replace('"units": 4', '"units": Infinity').encode()
        ),
    }
