"""What a file is asked to be: form, opset, fixed sizes, padding, taps, folding."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_export.errors import ExportError
from rnn_export.exporters.opsets import DEFAULT, ir_version

FORMS = ("rnn", "scan", "wavefront", "unrolled")
PADDINGS = ("any", "right")


@dataclass(frozen=True)
class Options:
    """How a network is to be written.

    Args:
        form: one of FORMS.
        opset: 14 to 26.
        batch: a fixed batch size, or None for a symbolic axis.
        time: a fixed length of the axis "time", or None.
        padding: "any" mask, or "right" if masked steps only ever follow the valid ones.
        taps: whether every cell's states become an output "<layer>/states".
        fold: whether an Embedding and the products that read it become one table.

    Raises:
        ExportError: a value outside its range.
    """

    form: str = "rnn"
    opset: int = DEFAULT
    batch: int | None = None
    time: int | None = None
    padding: str = "any"
    taps: bool = False
    fold: bool = False

    def __post_init__(self) -> None:
        ir_version(self.opset)
        _among("form", self.form, FORMS)
        _among("padding", self.padding, PADDINGS)
        for name, size in (("batch", self.batch), ("time", self.time)):
            if size is not None and size < 1:
                raise ExportError(name, expected="a size of at least 1", got=str(size))
            if size is not None and size >= 2**31:
                raise ExportError(name, expected=f"a size below {2**31}", got=str(size))

    def size(self, axis: str | int) -> str | int:
        """Return the size of an axis as the file declares it."""
        fixed = {"batch": self.batch, "time": self.time}.get(str(axis))
        return axis if fixed is None else fixed


def _among(subject: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ExportError(subject, expected=f"one of {', '.join(known)}", got=repr(value))
