"""``inspect FILE``: layers, shapes, parameters, nodes, sizes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnn_export.cli.options import FILE, Command, json_option, nonfinite_option

if TYPE_CHECKING:
    from rnn_export.reports.table import Cell, Page, Table
    from rnn_export.workflows.inspected import KerasFacts, OnnxFacts, PortFacts


@click.command("inspect", cls=Command)
@click.argument("file", type=FILE)
@nonfinite_option
@json_option
def command(file: Path, allow_nonfinite: bool, json_file: Path | None) -> None:
    """Show what is in a .keras, .h5 or .onnx file.

    Nothing in the file is run, and neither Keras nor onnxruntime is needed.
    """
    from rnn_export.cli.output import emit
    from rnn_export.workflows.inspected import OnnxFacts
    from rnn_export.workflows.inspecting import inspect

    facts = inspect(file, allow_nonfinite=allow_nonfinite)
    emit(onnx_page(facts) if isinstance(facts, OnnxFacts) else keras_page(facts), facts, json_file)


def keras_page(facts: KerasFacts) -> Page:
    """Return a summary like Keras' own."""
    from rnn_export.cli.output import shape, size
    from rnn_export.reports.table import Cell, Column, Table, row

    versions = ", ".join(f"{key} {value}" for key, value in facts.versions.items())
    layers = Table(
        (
            Column("layer", fold=True),
            Column("computes"),
            Column("", fold=True),
            Column("output", fold=True),
            Column("parameters", right=True),
        ),
        tuple(
            row(
                layer.path,
                layer.kind,
                Cell(layer.detail, "quiet"),
                " ".join(shape(axes) for axes in layer.outputs),
                f"{layer.parameters:,}",
            )
            for layer in facts.layers
        ),
    )
    return (
        Cell(f"{facts.file}: {facts.name}, {size(facts.size)}", "strong"),
        *([Cell(versions, "quiet")] if versions else []),
        layers,
        *_ports(facts.inputs, facts.outputs),
        Cell(f"{facts.parameters:,} parameters, {size(facts.weight_bytes)}"),
        Cell(f"network {facts.digest}", "quiet"),
    )


def onnx_page(facts: OnnxFacts) -> Page:
    """Return nodes, ports, opset, metadata and sizes."""
    from rnn_export.cli.output import size
    from rnn_export.reports.table import Cell, Column, Table, row

    opsets = ", ".join(f"{domain or 'opset'} {number}" for domain, number in facts.opsets.items())
    counts = Counter(node.op for node in facts.nodes)
    nodes = Table(
        (
            Column("node", fold=True),
            Column("operator"),
            Column("inputs", fold=True),
            Column("outputs", fold=True),
        ),
        tuple(
            row(
                f"  {node.name}" if node.inside else node.name,
                node.op,
                Cell(" ".join(name or "-" for name in node.inputs), "quiet"),
                " ".join(name or "-" for name in node.outputs),
            )
            for node in facts.nodes
        ),
    )
    summary = ", ".join(f"{count} {op}" for op, count in sorted(counts.items()))
    external = [
        Cell(
            f"weights in {name}: {'missing' if count is None else size(count)}",
            "bad" if count is None else "",
        )
        for name, count in facts.external.items()
    ]
    return (
        Cell(f"{facts.file}: ONNX, {opsets}, IR {facts.ir_version}, {size(facts.size)}", "strong"),
        *([Cell(f"written by {facts.producer}", "quiet")] if facts.producer else []),
        nodes,
        *_ports(facts.inputs, facts.outputs),
        Cell(f"{len(facts.nodes)} nodes ({summary})"),
        Cell(f"{facts.parameters:,} parameters, {size(facts.weight_bytes)}"),
        *external,
        *(Cell(f"{key}: {value}", "quiet") for key, value in facts.metadata.items()),
    )


def _ports(
    inputs: tuple[PortFacts, ...], outputs: tuple[PortFacts, ...]
) -> tuple[Table | Cell, ...]:
    from rnn_export.cli.output import shape
    from rnn_export.reports.table import Column, Table, row

    rows = tuple(
        row(kind, port.name, shape(port.shape), port.dtype)
        for kind, ports in (("input", inputs), ("output", outputs))
        for port in ports
    )
    columns = (
        Column("port"),
        Column("name", fold=True),
        Column("shape", fold=True),
        Column("dtype"),
    )
    return (Table(columns, rows),)
