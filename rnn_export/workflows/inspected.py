"""What `inspect` finds in a file, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PortFacts:
    """An input or output: its name, its shape (a name for an axis of free size) and its dtype."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str


@dataclass(frozen=True)
class LayerFacts:
    """One call of a layer.

    Args:
        path: of the layer, "encoder/rnn".
        kind: its Keras class, where it has one of its own ("SimpleRNN"), else what it computes ("TokenMask").
        detail: its sizes and options in a few words.
        outputs: their shapes.
        parameters: weights that no earlier call has.
    """

    path: str
    kind: str
    detail: str
    outputs: tuple[tuple[int | str, ...], ...]
    parameters: int


@dataclass(frozen=True)
class KerasFacts:
    """A Keras file, or another source that becomes a network.

    Args:
        file: as it was given; size in bytes.
        name: of the model.
        versions: what the file says of its making.
        inputs, outputs: in Keras' order.
        layers: in running order.
        parameters: each shared weight counted once; ``weight_bytes`` their size.
        digest: of the network.
    """

    file: Path
    size: int
    name: str
    versions: Mapping[str, str]
    inputs: tuple[PortFacts, ...]
    outputs: tuple[PortFacts, ...]
    layers: tuple[LayerFacts, ...]
    parameters: int
    weight_bytes: int
    digest: str


@dataclass(frozen=True)
class NodeFacts:
    """One node: name, operator (with its domain where that is not ONNX' own), inputs and outputs by name.

    Args:
        inside: the node whose body it stands in; "" at the top.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    inside: str = ""


@dataclass(frozen=True)
class OnnxFacts:
    """An ONNX file.

    Args:
        file: as it was given; size in bytes, without external data.
        ir_version: of the format; ``opsets`` by domain ("" is ONNX' own).
        producer: and its version, as the file says.
        inputs, outputs: with axes by name where their size is free.
        nodes: in running order, bodies after the node they belong to.
        parameters: values of all initializers; ``weight_bytes`` their size.
        external: files beside this one that hold weights, with their size in bytes (None when missing).
        metadata: as the file says.
    """

    file: Path
    size: int
    ir_version: int
    opsets: Mapping[str, int]
    producer: str
    inputs: tuple[PortFacts, ...]
    outputs: tuple[PortFacts, ...]
    nodes: tuple[NodeFacts, ...]
    parameters: int
    weight_bytes: int
    external: Mapping[str, int | None]
    metadata: Mapping[str, str]
