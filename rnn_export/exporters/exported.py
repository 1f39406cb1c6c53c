"""What an export hands out: the model, the form, remarks; and how it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from onnx import ModelProto

from rnn_export.exporters.saving import save
from rnn_export.exporters.stored import Stored
from rnn_export.exporters.tensors import Place, external_places, filled

CHOICE = "rnn_export.choice"


@dataclass(frozen=True)
class Exported:
    """An ONNX model that has passed ``onnx.checker``.

    Args:
        skeleton: the model without its initializers.
        stored: the initializers by name, not read yet.
        form: the form that was asked for.
        notes: remarks for the user, such as calls that had to take another form.
    """

    skeleton: ModelProto = field(repr=False)
    stored: Mapping[str, Stored] = field(repr=False)
    form: str
    notes: tuple[str, ...] = ()

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Where initializers lie in the external data file; empty for all up to 256 MB together."""
        return external_places(self.stored)

    @cached_property
    def model(self) -> ModelProto:
        """The whole model; initializers of more than 256 MB refer to the data file that ``save`` writes."""
        return filled(self.skeleton, self.stored, self.places)

    def explained(self, reason: str) -> Exported:
        """Return the same with the reason for its form in the metadata, as "rnn_export.choice"."""
        skeleton = ModelProto()
        skeleton.CopyFrom(self.skeleton)
        skeleton.metadata_props.add(key=CHOICE, value=reason)
        return replace(self, skeleton=skeleton)

    def save(self, path: str | Path) -> Path:
        """Write the file, and its data file if it needs one, whole or not at all; return ``path``.

        The bytes are those of ``model``, serialized; weights are read and written in blocks. The data file
        is named by its content: a file of another content that stood here before stays.

        Raises:
            ExportError: the place cannot be written.
        """
        return save(self.skeleton, self.stored, self.places, Path(path))
