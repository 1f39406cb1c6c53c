"""Which runtimes there are: a static table, plus what other packages register; importing none of them."""

from __future__ import annotations

import difflib
import re

from rnn_export.runtimes.failures import UnknownRuntime

GROUP = "rnn_export.runtimes"
"""Entry-point group through which another package adds runtimes: ``name = "module:object"``."""

TABLE: dict[str, str] = {
    "numpy": "rnn_export.runtimes.numpy_reference:runtime",
    "keras:tensorflow": "rnn_export.runtimes.keras:tensorflow",
    "keras:numpy": "rnn_export.runtimes.keras:numpy",
    "keras:jax": "rnn_export.runtimes.keras:jax",
    "keras:torch": "rnn_export.runtimes.keras:torch",
    "onnxruntime:cpu": "rnn_export.runtimes.onnxruntime:cpu",
    "onnxruntime:cuda": "rnn_export.runtimes.onnxruntime:cuda",
    "onnx-reference": "rnn_export.runtimes.onnx_reference:runtime",
    "onnxruntime-node": "rnn_export.runtimes.node:node",
    "onnxruntime-web:wasm": "rnn_export.runtimes.node:wasm",
    "openvino:cpu": "rnn_export.runtimes.openvino:cpu",
    "tract": "rnn_export.runtimes.tract:runtime",
    "mnn": "rnn_export.runtimes.mnn:runtime",
    "emx-onnx-cgen": "rnn_export.runtimes.emx_onnx_cgen:runtime",
}
"""Runtime name to ``module:object`` of a `Runtime`; only a worker imports it."""


def names() -> tuple[str, ...]:
    """Return every runtime's name: the built-in ones in their order, then other packages' by name."""
    return (*TABLE, *sorted(_added().keys() - TABLE.keys()))


def find(name: str) -> str:
    """Return the ``module:object`` that ``name`` stands for.

    A precision may follow the name, as in ``openvino:cpu@default``: see `split`.

    Raises:
        UnknownRuntime: no runtime has this name; the message lists the nearest.
    """
    base, _ = split(name)
    if base in TABLE:
        return TABLE[base]
    added = _added()
    if base in added:
        return added[base]
    known = names()
    near = difflib.get_close_matches(base, known, n=3, cutoff=0.5)
    near += [
        known_name for known_name in known if base and base in known_name and known_name not in near
    ]
    raise UnknownRuntime(
        f"runtime {name!r}",
        expected=f"one of {', '.join(known)}",
        got=repr(base),
        advice=f"Did you mean {' or '.join(near)}?" if near else "",
    )


def split(name: str) -> tuple[str, str | None]:
    """Return a runtime's name and the precision asked for in it.

    >>> split("onnxruntime:cuda@tf32")
    ('onnxruntime:cuda', 'tf32')
    >>> split("onnxruntime:cuda")
    ('onnxruntime:cuda', None)
    """
    base, separator, precision = name.partition("@")
    return base, precision if separator else None


def interpreter_variable(name: str) -> str:
    """Return the environment variable that points a runtime at another environment's interpreter.

    >>> interpreter_variable("onnxruntime:cpu@default")
    'RNN_EXPORT_INTERPRETER_ONNXRUNTIME_CPU'
    """
    return "RNN_EXPORT_INTERPRETER_" + re.sub(r"[^A-Z0-9]+", "_", split(name)[0].upper())


def _added() -> dict[str, str]:
    # Imported here: it takes longer than all else in this module together, and --help never needs it.
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}
