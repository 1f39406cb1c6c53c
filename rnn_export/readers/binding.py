"""Arguments by name, as Python would bind them to a layer's ``call``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnn_export.errors import ReadError
from rnn_export.readers.fields import brief
from rnn_export.readers.layer_tree import Layer
from rnn_export.readers.values import Structure


def bound(
    layer: Layer,
    names: tuple[str, ...],
    args: Sequence[Structure],
    kwargs: Mapping[str, Structure],
) -> dict[str, Structure]:
    """Return the arguments that were given, the first parameter's first; None and ``training`` count as not given.

    Args:
        layer: the layer that is called.
        names: its parameters, in order.
        args: given by place.
        kwargs: given by name.

    Raises:
        ReadError: too many, an unknown one, or none for the first parameter.
    """
    if len(args) > len(names):
        raise ReadError(
            layer.subject, expected=f"at most {len(names)} arguments", got=f"{len(args)}"
        )
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if value is None or name == "training":
            continue
        if name not in names or name in given:
            raise ReadError(
                layer.subject,
                expected=f"arguments among {', '.join(names)}",
                got=f"{name}={brief(value)}",
            )
        given[name] = value
    kept = {
        name: value for name, value in given.items() if value is not None and name != "training"
    }
    first = names[0]
    if first not in kept:
        raise ReadError(layer.subject, expected=f"the argument {first}", got="none")
    return {first: kept.pop(first), **kept}
