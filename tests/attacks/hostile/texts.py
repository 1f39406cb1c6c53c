"""Configurations that are no JSON, or too much of it, or numbers that no layer can have."""

from __future__ import annotations

import json
from pathlib import Path

from tests.attacks.hostile.listing import hostile
from tests.attacks.hostile.making import (
    CONFIG,
    Config,
    layer,
    members,
    with_config,
    with_layer,
    with_members,
)


def _text(folder: Path, old: str, new: str) -> None:
    """Write the sequential model with a part of its configuration's text replaced, once."""
    text = members()[CONFIG].decode()
    if old not in text:
        raise ValueError(f"configuration: expected {old!r} in it")
    with_members(folder, config=text.replace(old, new, 1).encode())


@hostile("100,000 lists in one another", "nested at most")
def deep_json(folder: Path) -> None:
    with_members(folder, config=b'{"config": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@hostile("objects in one another, just beyond the limit", "nested at most")
def deep_objects(folder: Path) -> None:
    value: Config = {}
    for _ in range(101):
        value = {"config": value}
    with_layer(folder, extra=value)


@hostile("nine megabytes of configuration", "bytes")
def huge_json(folder: Path) -> None:
    with_layer(folder, extra="x" * (9 * 2**20))


@hostile("eight megabytes of empty objects, each of which takes sixty bytes", "config.json")
def many_objects(folder: Path) -> None:
    with_members(folder, config=b"[" + b"{}," * 2_700_000 + b"{}]")


@hostile("a configuration that is no text", "damaged text")
def not_utf8(folder: Path) -> None:
    with_members(folder, config=b"\xff\xfe{\x00}\x00")


@hostile("a configuration that is no JSON", "damaged text")
def not_json(folder: Path) -> None:
    with_members(folder, config=b"__import__('os').system('touch escaped')")


@hostile("a list in place of an object", "expected a JSON object")
def json_list(folder: Path) -> None:
    with_members(folder, config=b"[1, 2, 3]")


@hostile("metadata that is no JSON", "damaged text")
def broken_metadata(folder: Path) -> None:
    with_members(folder, metadata=b"{")


@hostile("a number of 5,000 digits", "config.json")
def endless_number(folder: Path) -> None:
    _text(folder, '"units": 4', '"units": ' + "9" * 5_000)


@hostile("units that are not a number", "units")
def units_nan(folder: Path) -> None:
    _text(folder, '"units": 4', '"units": NaN')


@hostile("units without an end", "units")
def units_infinite(folder: Path) -> None:
    _text(folder, '"units": 4', '"units": Infinity')


@hostile("fewer units than none", "kernel (-4, -4)")
def units_negative(folder: Path) -> None:
    with_layer(folder, units=-4)


@hostile("more units than memory can hold", "The weights do not belong")
def units_huge(folder: Path) -> None:
    with_layer(folder, units=10**15)


@hostile("units as text", "units")
def units_text(folder: Path) -> None:
    with_layer(folder, units="4; import os")


@hostile("an input with 10^18 features", "expected")
def input_huge(folder: Path) -> None:
    with_config(
        folder, lambda config: layer(config, 0)["config"].update(batch_shape=[None, None, 10**18])
    )


@hostile("an input with a negative axis", "expected")
def input_negative(folder: Path) -> None:
    with_config(folder, lambda config: layer(config, 0)["config"].update(batch_shape=[None, -3, 3]))


@hostile("an input of 10,000 axes", "expected")
def input_many_axes(folder: Path) -> None:
    with_config(
        folder, lambda config: layer(config, 0)["config"].update(batch_shape=[None] * 10_000)
    )


@hostile("a model that is null", "expected")
def null_model(folder: Path) -> None:
    with_members(folder, config=b'{"class_name": null, "config": null, "module": null}')


@hostile("a layer that is a number", "a layer's configuration")
def layer_is_a_number(folder: Path) -> None:
    with_config(folder, lambda config: config["config"]["layers"].append(17))


@hostile("a class name that commands the terminal", "expected")
def terminal_commands(folder: Path) -> None:
    with_config(
        folder,
        lambda config: layer(config).update(
            class_name="\x1b]0;owned\x07\x1b[2J\r\nrnn-export: all right"
        ),
    )


@hostile("a layer's name of a megabyte", "expected")
def endless_name(folder: Path) -> None:
    with_layer(folder, name="n" * 2**20, units=0)


@hostile("half a character in a name", "expected")
def lone_surrogate(folder: Path) -> None:
    with_layer(folder, name="\ud800", units=-1)


@hostile("a metadata file that is a bomb of nesting", "nested at most")
def deep_metadata(folder: Path) -> None:
    with_members(
        folder,
        metadata=json.dumps({"keras_version": None}).encode()[:-1]
        + b', "a": '
        + b"[" * 500
        + b"]" * 500
        + b"}",
    )
