"""How much of a stranger's file the readers accept before they stop: each limit has a name, a default and an error."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_export.errors import ReadError


@dataclass(frozen=True)
class Limits:
    """Bounds on a source file. Raise one for a file that you trust.

    Args:
        archive_members: members of a ``.keras`` archive.
        archive_bytes: uncompressed size of all members together, in bytes.
        ratio: uncompressed over compressed size, of any member and of any compressed weight.
        inflated_bytes: size in bytes of a compressed member, and of all compressed weights; those are read into memory.
        config_bytes: size in bytes of config.json (or of a legacy file's ``model_config``).
        config_depth: nesting of that JSON.
        config_parts: objects and lists in it.
        layers: layers of a model, nested ones counted.
        calls: calls of layers; nested and shared models multiply them.
        units: units, features or tokens along one axis of a weight.
        hdf5_objects: groups and datasets of the weights file.
        hdf5_depth: nesting of its groups.
    """

    archive_members: int = 1_000
    archive_bytes: int = 2**40
    ratio: float = 100.0
    inflated_bytes: int = 256 * 2**20
    config_bytes: int = 8 * 2**20
    config_depth: int = 100
    config_parts: int = 400_000
    layers: int = 2_000
    calls: int = 10_000
    units: int = 2**31 - 1
    hdf5_objects: int = 100_000
    hdf5_depth: int = 64

    def hold(self, name: str, value: float, subject: str, what: str) -> None:
        """Raise ReadError if ``value`` is above the limit called ``name``.

        Args:
            name: a field of this class.
            value: what the file asks for.
            subject: the file or layer.
            what: the plural for people ("bytes of config.json").
        """
        limit = getattr(self, name)
        if value > limit:
            raise ReadError(
                subject,
                expected=f"at most {limit:,} {what}",
                got=f"{value:,.6g}" if isinstance(value, float) else f"{value:,}",
                advice=f"If you trust the file, raise Limits.{name}.",
            )
