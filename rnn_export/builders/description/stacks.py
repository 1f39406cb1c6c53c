"""Single and stacked SimpleRNN networks in one line."""

from __future__ import annotations

from collections.abc import Sequence

from rnn_export.builders.description.chain import Policy
from rnn_export.builders.description.sequential import sequential
from rnn_export.network import Network

LAST_ONLY = ("return_sequences", "return_state")


def simple_rnn(
    units: int = 64,
    features: int = 32,
    *,
    name: str = "simple_rnn",
    time: int | None = None,
    input_dim: int | None = None,
    mask_zero: bool = False,
    bidirectional: str | None = None,
    dtype: str = "float32",
    seed: int = 0,
    **options: object,
) -> Network:
    """Return a network of one SimpleRNN layer with seeded weights.

    Args:
        units: of the layer.
        features: of its input.
        name: of the model.
        time: number of steps; None leaves it open.
        input_dim: if given, the input holds tokens below this number, and an Embedding makes ``features`` of
            each.
        mask_zero: of that Embedding: token 0 is padding.
        bidirectional: "concat", "sum", "mul" or "ave" puts the layer into a Bidirectional.
        dtype: dtype policy of every layer.
        seed: of the weights.
        options: any other parameter of keras.layers.SimpleRNN (activation, use_bias, return_sequences,
            return_state, go_backwards, dropout, unroll, bias_initializer, ...), with Keras' defaults. Its bias
            is 0 unless bias_initializer says otherwise ("uniform" is small and not 0).

    Raises:
        NetworkError: an unknown option (the advice names the nearest) or a value that does not fit.

    Example:
        >>> from rnn_export.builders import simple_rnn
        >>> simple_rnn(units=64, features=32).parameters
        6208
    """
    return stacked(
        [units],
        features,
        name=name,
        time=time,
        input_dim=input_dim,
        mask_zero=mask_zero,
        bidirectional=bidirectional,
        dtype=dtype,
        seed=seed,
        **options,
    )


def stacked(
    units: Sequence[int] = (64, 64, 32),
    features: int = 8,
    *,
    name: str = "stacked",
    time: int | None = None,
    input_dim: int | None = None,
    mask_zero: bool = False,
    bidirectional: str | None = None,
    dtype: str = "float32",
    seed: int = 0,
    **options: object,
) -> Network:
    """Return a network of SimpleRNN layers, one for each number of units, with seeded weights.

    All but the last layer return sequences; ``return_sequences`` and ``return_state`` speak of the last,
    every other option of all. Arguments, errors: as for :func:`simple_rnn`.

    Example:
        >>> from rnn_export.builders import stacked
        >>> stacked(units=[64, 64, 32], features=8).outputs[0].name
        'simple_rnn_2'
    """
    layers: list[dict[str, object]] = []
    steps = "time" if time is None else time
    if input_dim is None:
        policy = Policy(dtype)
        given: dict[str, object] = {"shape": [steps, features], "dtype": policy.variable}
    else:
        given = {"shape": [steps], "name": "tokens"}
        embedding = {"class": "Embedding", "input_dim": input_dim, "output_dim": features}
        layers.append({**embedding, "mask_zero": mask_zero})
    shared = {key: value for key, value in options.items() if key not in LAST_ONLY}
    own = {key: value for key, value in options.items() if key in LAST_ONLY}
    for index, size in enumerate(units):
        last = index == len(units) - 1
        ends = own if last else {"return_sequences": True}
        layer: dict[str, object] = {"class": "SimpleRNN", "units": size, **shared, **ends}
        if bidirectional is not None:
            layer = {"class": "Bidirectional", "merge_mode": bidirectional, "layer": layer}
        layers.append(layer)
    return sequential(layers, name=name, input=given, seed=seed, dtype=dtype)
