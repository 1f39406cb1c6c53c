"""Nodes held against what ONNX says of their operators, so that nobody after needs to ask how many inputs there are.

Source: ONNX, docs/Operators.md, by `onnx.defs`
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import NodeProto, OperatorSetIdProto

Versions = dict[str, int]
"""Of the operators of each domain, by what the model or one of its functions states."""


def versions(imports: Iterable[OperatorSetIdProto]) -> Versions:
    """Return the versions that a model or function states; ONNX' own domain is ''."""
    return {"" if item.domain == "ai.onnx" else item.domain: item.version for item in imports}


def complaint(node: NodeProto, domain: str, stated: Versions) -> tuple[str, str] | None:
    """Return what was expected of a node and what it has instead; None if it is as its operator says.

    Nothing is known of operators outside ONNX.
    """
    schema = _schema(domain, node.op_type, stated.get(domain, 0))
    if schema is None:
        return None if domain else (f"an operator of opset {stated.get('', 0)}", "an unknown one")
    sides = (
        ("inputs", node.input, schema.inputs, schema.min_input, schema.max_input),
        ("outputs", node.output, schema.outputs, schema.min_output, schema.max_output),
    )
    for what, names, formal, least, most in sides:
        if not least <= len(names) <= most:
            many = f"{least}" if least == most else f"{least} to {min(most, 2**31 - 1)}"
            return f"{many} {what}", f"{len(names)}"
        for slot, name in zip(formal, names, strict=False):
            if not name and slot.option == type(slot.option).Single:
                return f"{what} with {slot.name}", "none"
    given: set[str] = set()
    for attribute in node.attribute:
        known = schema.attributes.get(attribute.name)
        if known is None or attribute.name in given or known.type.value != attribute.type:
            kind = "no such attribute" if known is None else f"one {known.type.name.lower()}"
            return f"{kind} {attribute.name!r}", "another"
        given.add(attribute.name)
    missing = [name for name, known in schema.attributes.items() if known.required]
    for name in missing:
        if name not in given:
            return f"the attribute {name!r}", "none"
    return None


@cache
def _schema(domain: str, operator: str, version: int) -> Any:
    """Return what ONNX says of an operator; None if it does not know it."""
    from onnx import defs

    try:
        return defs.get_schema(operator, version, domain)
    except defs.SchemaError:
        return None
