"""SimpleRNN cells from options: their weights, and what matters in training alone as hints."""

from __future__ import annotations

from collections.abc import Mapping

from rnn_export.builders.description.chain import Chain, Policy
from rnn_export.builders.description.options import Options
from rnn_export.errors import NetworkError
from rnn_export.network import Activation, ArrayWeight, activation
from rnn_export.network.ops import Cell

WEIGHTS = ("kernel", "recurrent", "bias")
_INITIALIZERS = {"kernel": "glorot_uniform", "recurrent": "orthogonal", "bias": "zeros"}
_ACTIVATION_LAYERS = {"ELU": "elu", "LeakyReLU": "leaky_relu", "ReLU": "relu"}


def cell(
    chain: Chain, options: Options, path: str, features: int, policy: Policy, name: str = ""
) -> tuple[Cell, dict[str, object]]:
    """Return a cell and its hints; weights are drawn by ``path``.

    Raises:
        NetworkError: an option of the wrong type, an unknown activation or initializer.
    """
    units = options.integer("units")
    chosen = {key: options.text(f"{key}_initializer", _INITIALIZERS[key]) for key in WEIGHTS}
    use_bias = options.flag("use_bias", True)
    made = Cell(
        name,
        drawn(chain, options, chosen["kernel"], (features, units), f"{path}/kernel", policy),
        drawn(
            chain, options, chosen["recurrent"], (units, units), f"{path}/recurrent_kernel", policy
        ),
        drawn(chain, options, chosen["bias"], (units,), f"{path}/bias", policy)
        if use_bias
        else None,
        read_activation(options, "tanh"),
    )
    hints: dict[str, object] = {f"{key}_initializer": value for key, value in chosen.items()}
    hints |= training_options(options, [f"{key}_{what}" for key in WEIGHTS for what in PENALTIES])
    for key in ("dropout", "recurrent_dropout"):
        rate = options.number(key, 0.0)
        if not 0 <= rate <= 1:
            raise options.wrong(key, "a rate from 0 to 1", rate)
        if rate:
            hints[key] = rate
    if "seed" in options:
        hints["seed"] = options.integer("seed", least=0)
    return made, hints


PENALTIES = ("regularizer", "constraint")


def training_options(options: Options, keys: list[str]) -> dict[str, object]:
    """Return the given ones of these options: a name, or {class_name, config} as Keras serializes it."""
    found: dict[str, object] = {}
    for key in keys:
        value = options.raw(key)
        if value is None:
            continue
        if not isinstance(value, (str, Mapping)):
            raise options.wrong(key, "a name, or a table with class_name and config", value)
        found[key] = value if isinstance(value, str) else dict(value)
    return found


def read_activation(options: Options, default: str) -> Activation:
    """Return the option ``activation``: a name, or a table such as {class = "LeakyReLU", negative_slope = 0.1}."""
    value = options.raw("activation")
    subject = f"{options.subject}, activation"
    if value is None or isinstance(value, (str, Activation)):
        try:
            return value if isinstance(value, Activation) else activation(value or default)
        except NetworkError as error:
            raise NetworkError(
                subject, expected=error.expected, got=error.got, advice=error.advice
            ) from None
    if not isinstance(value, Mapping):
        raise options.wrong("activation", "a name or a table", value)
    inside = Options(value, subject)
    name = _ACTIVATION_LAYERS[inside.text("class", among=tuple(_ACTIVATION_LAYERS))]
    defaults = activation(name).options
    given = {key: inside.number(key) for key in defaults if key in inside}
    for key in defaults:
        inside.raw(key)
    inside.finish()
    return activation(name, **given)


def drawn(
    chain: Chain,
    options: Options,
    initializer: str,
    shape: tuple[int, ...],
    path: str,
    policy: Policy,
) -> ArrayWeight:
    """Return a weight; an initializer that is refused is named by the layer's option."""
    try:
        return chain.weight(initializer, shape, path, policy)
    except NetworkError as error:
        raise NetworkError(
            f"{options.subject}, {path.rpartition('/')[2]}_initializer",
            expected=error.expected,
            got=error.got,
            advice=error.advice,
        ) from None
