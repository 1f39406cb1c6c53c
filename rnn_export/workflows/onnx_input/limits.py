"""How much of a stranger's ONNX file is accepted: each limit has a name, a default and an error."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_export.errors import ReadError


@dataclass(frozen=True)
class OnnxLimits:
    """Bounds on an ONNX file. Raise one for a file that you trust.

    Args:
        file_bytes: size in bytes, without external data; Protobuf itself ends at 2 GiB.
        fields: Protobuf fields in it. An empty node takes 2 bytes in the file and a hundred in memory.
        depth: nesting of its messages; a graph within a graph takes three.
        nodes: nodes once every function is written out where it is called.
        elements: of one tensor.
        input_elements: of one input, its free axes taken as 1: inputs of that size are made to verify.
        aliasing: bytes of all weights together over the bytes that are there to hold them. Tied weights may
            share a place; a thousand that share one would fill the memory.
    """

    file_bytes: int = 2**31 - 1
    fields: int = 500_000
    depth: int = 96
    nodes: int = 100_000
    elements: int = 2**32
    input_elements: int = 2**24
    aliasing: float = 4.0

    def hold(self, name: str, value: float, subject: str, what: str) -> None:
        """Raise ReadError if ``value`` is above the limit called ``name``.

        Args:
            name: a field of this class.
            value: what the file asks for.
            subject: the file, and what in it.
            what: the plural for people ("nodes").
        """
        limit = getattr(self, name)
        if value > limit:
            raise ReadError(
                subject,
                expected=f"at most {limit:,} {what}",
                got=f"{value:,.6g}" if isinstance(value, float) else f"{value:,}",
                advice=f"If you trust the file, raise OnnxLimits.{name}.",
            )
