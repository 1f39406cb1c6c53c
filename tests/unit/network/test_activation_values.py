"""Every activation against Keras itself in float64 and against mpmath, and its turns against a dense grid."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import mpmath
import numpy as np
import pytest

from rnn_export.errors import NetworkError
from rnn_export.network import FUNCTIONS, Activation, activation

U = 2.0**-53

# Every function with its defaults, and every parameter away from them, edges and signs included.
CASES = [activation(name) for name in sorted(FUNCTIONS)] + [
    activation("celu", alpha=0.7),
    activation("celu", alpha=-1.5),
    activation("elu", alpha=0.3),
    activation("elu", alpha=-0.4),
    activation("gelu", approximate=1.0),
    activation("hard_shrink", threshold=1.25),
    activation("hard_shrink", threshold=0.0),
    activation("hard_shrink", threshold=-0.5),
    activation("hard_sigmoid", slope=0.2, offset=0.5),
    activation("leaky_relu", negative_slope=0.01),
    activation("leaky_relu", negative_slope=1.5),
    activation("leaky_relu", negative_slope=-0.3),
    activation("relu", negative_slope=0.1),
    activation("relu", negative_slope=-0.1),
    activation("relu", max_value=2.5),
    activation("relu", max_value=6.0),
    activation("relu", max_value=2.5, negative_slope=0.1),
    activation("relu", threshold=1.5),
    activation("relu", threshold=-1.5),
    activation("relu", threshold=1.5, max_value=2.5),
    activation("relu", threshold=-1.5, max_value=2.5),
    activation("relu", threshold=1.5, negative_slope=0.2, max_value=2.5),
    activation("relu", threshold=-1.5, negative_slope=0.2),
    activation("soft_shrink", threshold=1.25),
    activation("soft_shrink", threshold=-1.25),
    activation("squareplus", b=0.5),
    activation("squareplus", b=0.0),
    activation("threshold", threshold=1.0, default_value=20.0),
    activation("threshold", threshold=-1.0, default_value=-3.0),
]
SCALARS = [case for case in CASES if not case.function.vector]
# The slope of Keras 2 is one that Keras 3 cannot run.
OF_KERAS_3 = [case for case in SCALARS if case != activation("hard_sigmoid", slope=0.2)]


def grid(act: Activation) -> np.ndarray:
    """Points everywhere, at every edge, and right beside it."""
    edges = np.array([0, 0.5, 1, 1.5, 3, 6, *act.options.values(), *act.turns()])
    edges = edges[np.isfinite(edges)]
    both = np.concatenate([edges, -edges])
    beside = [np.nextafter(both, np.inf), np.nextafter(both, -np.inf)]
    return np.unique(np.concatenate([both, *beside, np.linspace(-9, 9, 733), [-700, -40, 40, 700]]))


def scale(act: Activation, z: np.ndarray) -> np.ndarray:
    """Return the size of what is added inside: parameters, argument and value."""
    inside = 1 + sum(abs(value) for value in act.options.values() if np.isfinite(value))
    return np.asarray(inside * (1 + np.abs(z)) + np.abs(act(z)))


def in_keras(act: Activation, z: np.ndarray) -> np.ndarray:
    function = getattr(keras.activations, act.name)
    options: dict[str, Any] = dict(act.options)
    if act.name == "relu" and np.isinf(options["max_value"]):
        options["max_value"] = None
    if act.name == "gelu":
        options["approximate"] = bool(options["approximate"])
    if act.name == "hard_sigmoid":  # Keras 3 has its slope built in
        options = {}
    made = function(keras.ops.convert_to_tensor(z, "float64"), **options)
    return np.asarray(keras.ops.convert_to_numpy(made))


@pytest.mark.parametrize("act", OF_KERAS_3, ids=str)
def test_value_is_keras_own_in_float64(act: Activation) -> None:
    z = grid(act)
    z = z[np.abs(z) <= (500 if act.name in ("exponential", "squareplus") else 1000)]
    # 16 roundings on either side; a float64 exp or tanh is good to a few. TensorFlow holds the
    # constants of gelu in float32, whatever it computes in.
    unit = 2.0**-24 if act.name == "gelu" else U
    np.testing.assert_array_less(np.abs(act(z) - in_keras(act, z)), 16 * unit * scale(act, z))


@pytest.mark.parametrize("name", [name for name, f in FUNCTIONS.items() if f.vector])
def test_vector_activation_is_keras_own_in_float64(name: str) -> None:
    z = np.random.default_rng(3).normal(scale=2, size=(5, 7, 11))
    z[0, 0] = 1.5  # ties
    z[0, 1, 4] = 60
    act = activation(name)
    bound = 4 * U * z.shape[-1] * scale(act, z).max()
    np.testing.assert_array_less(np.abs(act(z) - in_keras(act, z)), bound)


def test_every_activation_of_keras_but_glu_is_known() -> None:
    names = {name for name, value in vars(keras.activations).items() if inspect.isfunction(value)}
    assert names - {"get", "serialize", "deserialize", "swish", "hard_swish"} - set(FUNCTIONS) == {
        "glu"  # halves the number of units: no recurrence can use it
    }


EXACT = {
    "exponential": mpmath.exp,
    "gelu": lambda z: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
    "log_sigmoid": lambda z: -mpmath.log1p(mpmath.exp(-z)),
    "mish": lambda z: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))),
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "squareplus": lambda z: (z + mpmath.sqrt(z * z + 4)) / 2,
    "tanh": mpmath.tanh,
}


@pytest.mark.parametrize("name", sorted(EXACT))
def test_value_is_true_to_the_last_bits(name: str) -> None:
    z = np.linspace(-37, 37, 401)
    got = activation(name)(z)
    with mpmath.workdps(60):
        want = [EXACT[name](mpmath.mpf(float(point))) for point in z]
        # exp turns a relative error of its argument into |z| of the result, erfc into z^2.
        assert all(
            abs(mpmath.mpf(float(value)) - true) <= 4 * U * (2 + point**2) * abs(true)
            for value, true, point in zip(got, want, z, strict=True)
        )


def test_hard_sigmoid_of_keras_2_has_its_own_slope() -> None:
    got = activation("hard_sigmoid", slope=0.2)(np.array([-2.5, -1.0, 0.0, 2.0, 2.5]))
    np.testing.assert_array_equal(got, [0.0, 0.3, 0.5, 0.9, 1.0])


@pytest.mark.parametrize("act", SCALARS, ids=str)
def test_values_inside_an_interval_lie_between_those_at_its_ends_and_turns(act: Activation) -> None:
    rng = np.random.default_rng(11)
    points = grid(act)
    points = points[np.abs(points) < 10]
    for _ in range(200):
        low, high = np.sort(rng.choice(points, 2, replace=False))
        marks = np.array([low, high, *(turn for turn in act.turns() if low < turn < high)])
        inside = np.concatenate(
            [np.linspace(low, high, 97), points[(points >= low) & (points <= high)]]
        )
        ends, values = act(marks), act(inside)
        slack = 8 * U * scale(act, np.array([low, high])).max()
        assert values.min() >= ends.min() - slack
        assert values.max() <= ends.max() + slack


def test_minima_are_roots_of_the_derivative_in_double_precision() -> None:
    with mpmath.workdps(40):
        c = mpmath.sqrt(2 / mpmath.pi)
        cubic = mpmath.mpf("0.044715")
        found = {
            activation("silu"): EXACT["silu"],
            activation("gelu"): EXACT["gelu"],
            activation("mish"): EXACT["mish"],
            activation("gelu", approximate=1): lambda z: (
                z * (1 + mpmath.tanh(c * (z + cubic * z**3))) / 2
            ),
        }
        for act, exact in found.items():
            (turn,) = act.turns()
            assert float(mpmath.findroot(lambda z, f=exact: mpmath.diff(f, z), turn)) == turn


@pytest.mark.parametrize("act", CASES, ids=str)
def test_float32_in_gives_float32_out_near_the_float64_value(act: Activation) -> None:
    z = np.random.default_rng(5).normal(scale=2, size=(4, 9)).astype(np.float32)
    got, want = act(z), act(z.astype(np.float64))
    assert got.dtype == np.float32
    bound = 16 * 2.0**-24 * scale(act, z.astype(np.float64))
    np.testing.assert_array_less(np.abs(got - want), bound)


@pytest.mark.parametrize("act", CASES, ids=str)
def test_no_rows_give_no_values(act: Activation) -> None:
    assert act(np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_sparsemax_is_that_of_keras_and_not_that_of_the_paper() -> None:
    z = np.array([1.0, 2.0, 1.5])
    np.testing.assert_array_equal(
        activation("sparsemax")(z), [0.0, 0.0, 0.0]
    )  # the paper's: 0, .75, .25


def test_relu_of_minus_infinity_is_zero() -> None:
    assert activation("relu")(np.array([-np.inf])) == 0


def test_unknown_activation_and_parameter_are_refused_by_name() -> None:
    with pytest.raises(NetworkError, match="'glu'"):
        activation("glu")
    with pytest.raises(NetworkError, match=r"'tanh'.*alpha"):
        activation("tanh", alpha=1.0)
    with pytest.raises(NetworkError, match=r"'elu'.*nan"):
        activation("elu", alpha=float("nan"))
