"""Hostile files, second part: configurations that name code, or whose wiring or numbers are traps."""

from __future__ import annotations

from typing import Any

from tests.attacks.sound_keras import (
    Json,
    archive,
    called,
    changed,
    functional,
    given,
    layer,
    rnn_changed,
    sound,
    tensor,
)

CODE = "4wEAAAAAAAAAAAAAAAEAAAATAAAA8wYAAACXAHwAUwCpAU6pACkB2gF6cwEAAAAg"


def _with(entry: Json, *inputs: Json) -> bytes:
    """Return an archive of a model x -> entry."""
    name = entry["config"]["name"]
    return archive(
        functional([given(), called(entry, *(inputs or (tensor("x"),)))], [[name, 0, 0]])
    )


def code() -> dict[str, bytes]:
    """Return configurations that name Python code."""
    evil = layer("System", "evil", command="id")
    lambda_entry = {"class_name": "__lambda__", "config": {"value": [CODE, None, None]}}
    custom = {"module": "evil", "class_name": "Init", "config": {}, "registered_name": "evil>Init"}
    homeless: Json = {"module": None, "class_name": "Mine", "config": {}, "registered_name": "Mine"}
    system = {
        "module": "os",
        "class_name": "function",
        "config": "system",
        "registered_name": "system",
    }
    return {
        "code-lambda-layer": _with(layer("Lambda", "l", function=lambda_entry)),
        "code-lambda-activation": rnn_changed(activation=lambda_entry),
        "code-activation-from-os": rnn_changed(activation=system),
        "code-activation-eval": rnn_changed(
            activation={"module": "builtins", "class_name": "function", "config": "eval"}
        ),
        "code-activation-custom": rnn_changed(activation=custom),
        "code-layer-module": _with({**evil, "module": "os"}),
        "code-layer-module-like-keras": _with(
            {**layer("Dense", "d", units=3), "module": "keras_evil"}
        ),
        "code-layer-registered": _with(
            {**layer("Dense", "d", units=3), "registered_name": "evil>Dense"}
        ),
        "code-layer-homeless": _with({**layer("Mine", "m"), **homeless, "config": {"name": "m"}}),
        "code-initializer": rnn_changed(kernel_initializer=custom),
        "code-initializer-lambda": rnn_changed(kernel_initializer=lambda_entry),
        "code-regularizer": rnn_changed(kernel_regularizer=homeless),
        "code-constraint": rnn_changed(bias_constraint=system),
        "code-policy": rnn_changed(
            dtype={"module": "evil", "class_name": "DTypePolicy", "config": {"name": "float32"}}
        ),
        "code-model-class": archive(
            {**sound(), "module": "evil.models", "registered_name": "evil>Model"}
        ),
        "code-operation": _with(
            {**layer("Exec", "e"), "module": "keras.src.ops.numpy", "registered_name": "Exec"}
        ),
        "code-saved-model": _with(layer("TFSMLayer", "t", filepath="/etc")),
        "code-cell": _with(layer("RNN", "r", cell={**layer("MyCell", "c"), "module": "evil"})),
        "code-op-lambda": _with(
            {"class_name": "TFOpLambda", "config": {"name": "t", "function": "math.add"}}
        ),
    }


def wiring() -> dict[str, bytes]:
    """Return configurations whose graphs are traps."""
    rnn = layer("SimpleRNN", "rnn", units=4, return_sequences=True)
    loop = [given(), called(rnn, tensor("rnn"))]
    pair = [given(), called(layer("Add", "a"), tensor("b")), called(layer("Add", "b"), tensor("a"))]
    same = [given(), called(rnn, tensor("x")), called(rnn, tensor("x"))]
    many = [given(), *(called(layer("Dropout", f"d{k}"), tensor("x")) for k in range(3000))]
    long = [given(), called(layer("Dropout", "d0"), tensor("x"))]
    long += [called(layer("Dropout", f"d{k}"), tensor(f"d{k - 1}")) for k in range(1, 1900)]
    return {
        "wiring-loop": archive(functional(loop, [["rnn", 0, 0]])),
        "wiring-loop-of-two": archive(functional(pair, [["a", 0, 0]])),
        "wiring-name-twice": archive(functional(same, [["rnn", 0, 0]])),
        "wiring-unknown-tensor": _with(rnn, tensor("nobody")),
        "wiring-call-negative": _with(rnn, tensor("x", -1)),
        "wiring-call-beyond": _with(rnn, tensor("x", 10**12)),
        "wiring-output-beyond": _with(rnn, tensor("x", 0, 7)),
        "wiring-output-negative": _with(rnn, tensor("x", 0, -1)),
        "wiring-history-odd": _with(
            rnn, {"class_name": "__keras_tensor__", "config": {"keras_history": "x"}}
        ),
        "wiring-no-outputs": archive(functional([given()], [])),
        "wiring-no-inputs": archive(
            functional([given(), called(rnn, tensor("x"))], [["rnn", 0, 0]], [])
        ),
        "wiring-input-is-no-input": archive(
            functional([given(), called(rnn, tensor("x"))], [["rnn", 0, 0]], [["rnn", 0, 0]])
        ),
        "wiring-unlisted-input": archive(
            functional(
                [given(), given("y"), called(layer("Add", "a"), [tensor("x"), tensor("y")])],  # type: ignore[arg-type]
                [["a", 0, 0]],
            )
        ),
        "wiring-constant": _with(
            rnn, {"class_name": "__numpy__", "config": {"value": [1], "dtype": "int8"}}
        ),
        "wiring-arguments-many": _with(rnn, *[tensor("x")] * 9),
        "wiring-nodes-odd": changed(lambda c: c["config"]["layers"][1].update(inbound_nodes=[7])),
        "wiring-layers-object": changed(lambda c: c["config"].update(layers={"a": 1})),
        "wiring-layer-number": changed(lambda c: c["config"]["layers"].append(7)),
        "wiring-many-layers": archive(functional(many, [["d1", 0, 0]])),
        "wiring-long-chain-of-nothing": archive(functional(long, [["nobody", 0, 0]])),
        "wiring-doubling": archive(_doubling(17)),
        "wiring-inside-itself": archive(_inside_itself()),
        "wiring-empty-sequential": archive(_sequential([])),
        "wiring-unbuilt-sequential": archive(_sequential([rnn])),
        "wiring-subclassed": archive({**sound(), "config": {"name": "m"}}),
    }


def _sequential(layers: list[Json]) -> Json:
    config = {"name": "s", "trainable": True, "layers": layers}
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": config,
        "registered_name": None,
    }


def _doubling(levels: int) -> Json:
    """Return models inside models, each calling the one below twice: two to the power of ``levels`` calls."""
    below: Json = layer("Dropout", "d0", rate=0.1)
    for level in range(1, levels + 1):
        inner = {**called(below, tensor("x"))}
        name = inner["name"]
        inner["inbound_nodes"] = [
            {"args": [tensor("x")], "kwargs": {}},
            {"args": [tensor(name)], "kwargs": {}},
        ]
        model = functional([given(), inner], [[name, 2 if level > 1 else 1, 0]])
        model["config"]["name"] = f"d{level}"
        below = model
    return below


def _inside_itself() -> Json:
    model = functional([given()], [["inner", 1, 0]])
    model["shared_object_id"] = 7
    inner: dict[str, Any] = {
        **functional([], []),
        "shared_object_id": 7,
        "config": {"name": "inner"},
    }
    model["config"]["layers"].append({**called(inner, tensor("x")), "name": "inner"})
    return model


def numbers() -> dict[str, bytes]:
    """Return configurations whose numbers do not fit or are absurd."""
    shapes: dict[str, Any] = {
        "negative": [None, -3, 5],
        "text": [None, "a", 5],
        "nested": [[None, 5]],
        "empty": [],
        "none": None,
        "true": [None, True, 5],
    }
    made = {
        f"input-shape-{name}": archive(functional([given(shape=shape or ())], [["x", 0, 0]]))
        if shape is not None
        else changed(lambda c: c["config"]["layers"][0]["config"].pop("batch_shape"))
        for name, shape in shapes.items()
    }
    return {
        **made,
        "input-of-text": archive(functional([given(dtype="string")], [["x", 0, 0]])),
        "input-sparse": changed(lambda c: c["config"]["layers"][0]["config"].update(sparse=True)),
        "units-zero": rnn_changed(units=0),
        "units-negative": rnn_changed(units=-4),
        "units-huge": rnn_changed(units=10**30),
        "units-text": rnn_changed(units="4"),
        "units-of-another-model": rnn_changed(units=6),
        "features-of-another-model": changed(
            lambda c: c["config"]["layers"][0]["config"].update(batch_shape=[None, None, 6])
        ),
        "flag-odd": rnn_changed(return_sequences="yes"),
        "policy-int8": rnn_changed(dtype="int8_from_float32"),
        "policy-quantized": rnn_changed(
            dtype={
                "module": "keras.dtype_policies",
                "class_name": "QuantizedDTypePolicy",
                "config": {"mode": "int8", "source_name": "float32"},
            }
        ),
        "policy-unknown": rnn_changed(dtype="float8"),
        "activation-unknown": rnn_changed(activation="bent_identity"),
        "activation-number": rnn_changed(activation=3),
        "no-units": changed(lambda c: c["config"]["layers"][1]["config"].pop("units")),
        "slope-infinite": _with(layer("LeakyReLU", "l", negative_slope=1e400)),
        "reshape-impossible": _with(layer("Reshape", "r", target_shape=[7, 7])),
        "reshape-huge": _with(layer("Reshape", "r", target_shape=[10**40, -1])),
        "permute-odd": _with(layer("Permute", "p", dims=[1, 1])),
        "concatenate-nothing": _with(layer("Concatenate", "c", axis=99), [tensor("x")]),  # type: ignore[arg-type]
        "softmax-batch-axis": _with(layer("Softmax", "s", axis=0)),
        "repeat-negative": _with(layer("RepeatVector", "r", n=-5)),
        "reshape-negative": _with(layer("Reshape", "r", target_shape=[-5, -1])),
        "name-long": _with(layer("Unknown", "n" * 100_000)),
        "class-long": _with(layer("Unknown" * 10_000, "n")),
        "name-of-lines": _with(layer("Unknown", "a\nb")),
        "class-of-lines": _with(layer("Un\nknown", "n")),
        "units-of-another-dense": changed(
            lambda c: c["config"]["layers"][2]["config"].update(units=7)
        ),
        "tokens-of-another-embedding": _with(layer("Embedding", "e", input_dim=3, output_dim=3)),
    }
