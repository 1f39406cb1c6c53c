"""Functions of an ONNX file's own: none calls itself, and written out where they are called they stay within limits.

Thirty functions that each call the next one twice are a file of a few kilobytes and a graph of a billion nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnn_export.errors import ReadError
from rnn_export.workflows.onnx_input.graphs import Called, Graphs

if TYPE_CHECKING:
    from onnx import ModelProto


def expect_no_recursion(model: ModelProto, graphs: Graphs) -> None:
    """Look at every function, and at how many nodes the model has once they are written out.

    Args:
        model: whose graph ``graphs`` has just seen.
        graphs: holds what that graph calls.

    Raises:
        ReadError: a function calls itself, directly or through others, or there are too many nodes.
    """
    main, graphs.called = graphs.called, {}
    calls: dict[tuple[str, str], Called] = {}
    for function in model.functions:
        graphs.see_function(function)
        calls[(function.domain, function.name)] = graphs.called
        graphs.called = {}
    sizes: dict[tuple[str, str], int] = {}
    for name in calls:
        _size(name, calls, sizes, graphs.subject)
    total = sum(count * sizes.get(name, 1) for name, count in main.items())
    largest = max([total, *sizes.values()])
    graphs.tensors.limits.hold("nodes", largest, graphs.subject, "nodes, functions written out")


def _size(
    name: tuple[str, str],
    calls: dict[tuple[str, str], Called],
    sizes: dict[tuple[str, str], int],
    subject: str,
) -> None:
    """Put the number of nodes of a function, and of those it calls, into ``sizes``."""
    stack = [(name, False)]
    entered: set[tuple[str, str]] = set()
    while stack:
        current, done = stack.pop()
        inner = calls[current]
        if done:
            sizes[current] = sum(count * sizes.get(item, 1) for item, count in inner.items())
        elif current not in sizes:
            if current in entered:
                raise ReadError(
                    f"{subject}: function {current[1]!r}",
                    expected="functions that do not call themselves",
                    got="one that does, itself or through others",
                )
            entered.add(current)
            stack.append((current, True))
            stack.extend((item, False) for item in inner if item in calls and item not in sizes)
