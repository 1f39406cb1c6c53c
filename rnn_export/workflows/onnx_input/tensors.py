"""Tensors of an ONNX file: sizes that can be, values that are all there, external data beside the file alone."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from math import prod
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rnn_export.errors import ReadError
from rnn_export.workflows.onnx_input.limits import OnnxLimits

if TYPE_CHECKING:
    from onnx import TensorProto

_TYPED = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")


@dataclass
class Tensors:
    """Looks at every tensor of one file; sums up what they take.

    Args:
        path: the ONNX file.
        size: of it, in bytes.
        limits: what to accept.
    """

    path: Path
    size: int
    limits: OnnxLimits
    bytes_wanted: int = 0
    files: dict[str, int | None] = field(default_factory=dict)
    """Data files by their name in the file, with their size in bytes; None when missing."""

    def see(self, tensor: TensorProto, place: str) -> None:
        """Raise ReadError unless a tensor's size can be and agrees with the values that are there.

        Args:
            tensor: an initializer or an attribute.
            place: what it is, for errors ("initializer 'w'").
        """
        from onnx import TensorProto

        subject = f"{self.path}: {place}"
        count = self.count(tensor.dims, subject)
        bits = _bits(tensor.data_type, subject)
        size = count if bits is None else -(-count * bits // 8)
        self.bytes_wanted += size
        held = [name for name in _TYPED if len(getattr(tensor, name))]
        if tensor.data_location == TensorProto.EXTERNAL:
            if bits is None or held or tensor.raw_data:
                raise ReadError(subject, expected="numbers outside the file", got="other values")
            self._external(tensor, size, subject)
            return
        if len(held) + bool(tensor.raw_data) > 1 or (bits is None and tensor.raw_data):
            raise ReadError(subject, expected="its values once", got="several kinds of values")
        if bits is None:
            got = len(tensor.string_data)
        else:
            got = len(tensor.raw_data) + sum(_typed_bytes(tensor, name, bits) for name in held)
        if got != size:
            raise ReadError(
                subject,
                expected=f"{size:,} bytes of values for shape {list(tensor.dims)}",
                got=f"{got:,}",
                advice="The file is damaged. Export it again.",
            )

    def count(self, dims: object, subject: str) -> int:
        """Return the number of elements of a shape.

        Raises:
            ReadError: an axis below 0, or too many elements.
        """
        sizes = list(dims)  # type: ignore[call-overload]
        if any(size < 0 for size in sizes):
            raise ReadError(subject, expected="axes of 0 or more", got=f"shape {sizes}")
        count: int = prod(sizes)
        # Of an empty one as well: [0, 2**62] is no honest shape.
        self.limits.hold("elements", max(count, *sizes, 0), subject, "elements")
        return count

    def hold_together(self) -> None:
        """Raise ReadError if the weights together ask for far more bytes than there are to hold them."""
        there = self.size + sum(size or 0 for size in self.files.values())
        ratio = self.bytes_wanted / max(there, 1)
        if None not in self.files.values():
            self.limits.hold(
                "aliasing", ratio, f"{self.path}: weights", "times the bytes there are"
            )

    def _external(self, tensor: TensorProto, size: int, subject: str) -> None:
        stated = {entry.key: entry.value for entry in tensor.external_data}
        location = stated.get("location", "")
        there = self._data_file(location, subject)
        offset = _whole(stated.get("offset", "0"), subject)
        length = _whole(stated.get("length", str(size)), subject)
        if length != size:
            raise ReadError(
                subject,
                expected=f"{size:,} bytes of values for shape {list(tensor.dims)}",
                got=f"{length:,}",
            )
        if there is not None and offset + length > there:
            raise ReadError(
                subject,
                expected=f"{offset + length:,} bytes in {location}",
                got=f"{there:,}",
                advice="The data file is damaged, or another model's. Export both again.",
            )

    def _data_file(self, location: str, subject: str) -> int | None:
        """Return the size of a data file, None if there is none.

        Raises:
            ReadError: it is not a file in the model's own folder, or one below.
        """
        if location in self.files:
            return self.files[location]
        inside = PurePosixPath(location)
        outside = inside.is_absolute() or ".." in inside.parts or not inside.parts
        if outside or "\\" in location or "\0" in location or ":" in inside.parts[0]:
            raise _elsewhere(subject, repr(location))
        try:
            folder = self.path.parent.resolve()
            place = (folder / inside).resolve()
            if folder not in place.parents:
                raise _elsewhere(subject, f"{location!r}, a link that leads out of it")
            facts = place.stat()
        except FileNotFoundError:
            self.files[location] = None
            return None
        except (OSError, RuntimeError) as error:
            # RuntimeError: links in a circle, until Python 3.12.
            raise _elsewhere(subject, f"{location!r} ({error})") from None
        if not stat.S_ISREG(facts.st_mode):
            raise _elsewhere(subject, f"{location!r}, which is no file")
        self.files[location] = facts.st_size
        return facts.st_size


def _elsewhere(subject: str, got: str) -> ReadError:
    return ReadError(
        subject,
        expected="external data in the folder of the model",
        got=got,
        advice="Nothing outside that folder is read. Export the model again, with its data beside it.",
    )


def _whole(text: str, subject: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ReadError(subject, expected="external data by offset and length", got=repr(text[:40]))
    return int(text)


def _bits(data_type: int, subject: str) -> int | None:
    """Return the bits of an element; None for text, which has no fixed number of them."""
    from onnx import TensorProto
    from onnx.helper import tensor_dtype_to_np_dtype

    if data_type == TensorProto.STRING:
        return None
    name = (
        TensorProto.DataType.Name(data_type) if data_type in TensorProto.DataType.values() else ""
    )
    for narrow in (2, 4, 6):
        # Several to a byte: UINT4, INT2, FLOAT4E2M1, FLOAT6E3M2.
        if name.removeprefix("U") == f"INT{narrow}" or name.startswith(f"FLOAT{narrow}E"):
            return narrow
    try:
        return 8 * int(tensor_dtype_to_np_dtype(data_type).itemsize)
    except (KeyError, ValueError):
        raise ReadError(
            subject, expected="an element type of ONNX", got=f"type {data_type}"
        ) from None


def _typed_bytes(tensor: TensorProto, field: str, bits: int) -> int:
    """Return the bytes that typed values stand for; narrow ones come several to a number."""
    each = {"float_data": 4, "double_data": 8}.get(field, max(bits // 8, 1))
    return each * len(getattr(tensor, field))
