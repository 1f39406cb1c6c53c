"""Sums up where nodes run, for the report: by operator type, and each recurrent node by its name."""

from __future__ import annotations

from collections.abc import Iterable

RECURRENT = ("RNN", "Scan", "Loop", "GRU", "LSTM")


def summarise(assigned: Iterable[tuple[str, str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return operator type to places, and recurrent node to its place.

    Args:
        assigned: node name (may be empty), operator type and place of every node.

    >>> summarise([("a", "RNN", "CUDA"), ("", "RNN", "CPU"), ("c", "Squeeze", "CPU")])
    ({'RNN': 'CPU + CUDA', 'Squeeze': 'CPU'}, {'a': 'CUDA', 'RNN#1': 'CPU'})
    """
    operators: dict[str, set[str]] = {}
    nodes: dict[str, str] = {}
    seen: dict[str, int] = {}
    for name, operator, place in assigned:
        operators.setdefault(operator, set()).add(place)
        number = seen[operator] = seen.get(operator, -1) + 1
        if operator in RECURRENT:
            nodes[name or f"{operator}#{number}"] = place
    return {operator: " + ".join(sorted(places)) for operator, places in operators.items()}, nodes
