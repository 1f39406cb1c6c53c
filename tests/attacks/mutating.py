"""Changes at random: to bytes, to JSON, and to the fields of an ONNX model, so that they get past the first look."""

from __future__ import annotations

import json
from copy import deepcopy
from random import Random
from typing import Any

from google.protobuf.message import DecodeError

from tests.attacks.fuzzing import seeds

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    1.5,
    float("nan"),
    "",
    "\ud800",
    "x" * 300,
    [],
    {},
    [[]],
    [None, -3],
)


def mutated(target: str, random: Random, data: bytes | None = None) -> bytes:
    """Return a file, by default a seed of the target, with a few things changed."""
    held = bytearray(random.choice(seeds(target)) if data is None else data)
    if random.random() < 0.8:
        try:
            if target in ("config", "pair"):
                return _other_json(bytes(held), random)
            if target == "onnx":
                return _other_model(bytes(held), random)
        except (ValueError, RecursionError, DecodeError):
            # Its bytes are no such file any more.
            pass
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        at = random.randrange(len(held) + 1)
        size = random.choice((1, 1, 2, 4, 8, 64, 1024))
        way = random.randrange(5)
        if way == 0:
            held[at : at + size] = random.randbytes(size)
        elif way == 1:
            del held[at : at + size]
        elif way == 2:
            held[at:at] = random.randbytes(size)
        elif way == 3:
            other = random.randrange(len(held) + 1)
            held[at : at + size] = held[other : other + size]
        else:
            number = random.choice((0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**63))
            held[at : at + 8] = number.to_bytes(8, random.choice(("little", "big")))
    return bytes(held)


def _other_json(data: bytes, random: Random) -> bytes:
    """Return a configuration with values replaced, dropped, repeated or put elsewhere."""
    value = json.loads(data)
    if not isinstance(value, dict) or not value:
        raise ValueError("no object")
    for _ in range(random.choice((1, 1, 2, 5))):
        places = list(_places(value))
        holder, key = random.choice(places)
        way = random.randrange(4)
        if way == 0:
            # A copy: what is put inside itself later has no end.
            holder[key] = deepcopy(random.choice(ODD))
        elif way == 1:
            del holder[key]
        elif way == 2 and isinstance(holder, list):
            holder.append(holder[key])
        else:
            other, name = random.choice(places)
            holder[key] = json.loads(json.dumps(other[name]))
        if not isinstance(value, dict) or not list(_places(value)):
            break
    return json.dumps(value).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        keys = (
            list(item)
            if isinstance(item, dict)
            else range(len(item))
            if isinstance(item, list)
            else ()
        )
        for key in keys:
            found.append((item, key))
            waiting.append(item[key])
    return found


NUMBERS = (-(2**31), -1, 0, 1, 2, 7, 11, 16, 2**31 - 1)
TEXTS = ("", "X", "Y", "RNN", "Scan", "com.example", "\x00", "x" * 300)


def _other_model(data: bytes, random: Random) -> bytes:
    """Return an ONNX model with fields changed, cleared, repeated or taken from elsewhere in it."""
    from onnx import ModelProto

    model = ModelProto.FromString(data)
    for _ in range(random.choice((1, 1, 2, 5))):
        places = list(_fields(model))
        holder, field = random.choice(places)
        way = random.randrange(4)
        if way == 0:
            holder.ClearField(field.name)
        elif field.message_type is not None:
            _graft(holder, field, [one for one, other in places if other is field], random)
        elif field.is_repeated:
            values = getattr(holder, field.name)
            if way == 1:
                values.append(_odd(field, random))
            elif len(values):
                values[random.randrange(len(values))] = _odd(field, random)
        else:
            alike = [one for one, other in places if other is field]
            value = getattr(random.choice(alike), field.name) if way == 1 else _odd(field, random)
            setattr(holder, field.name, value)
    return bytes(model.SerializeToString())


def _graft(holder: Any, field: Any, alike: list[Any], random: Random) -> None:
    """Put a copy of a message of the same field, from anywhere in the model, into a holder."""
    value = getattr(random.choice(alike), field.name)
    value = random.choice(value) if field.is_repeated else value
    # A copy first: it may hold the holder.
    copied = type(value)()
    copied.CopyFrom(value)
    target = getattr(holder, field.name)
    if not field.is_repeated:
        target.CopyFrom(copied)
    elif random.random() < 0.5:
        target.append(copied)
    else:
        target[random.randrange(len(target))].CopyFrom(copied)


def _odd(field: Any, random: Random) -> Any:
    """Return a value that a field can carry and a model hardly has."""
    if field.enum_type is not None:
        return random.choice(field.enum_type.values).number
    if field.type == field.TYPE_STRING:
        return random.choice(TEXTS)
    if field.type == field.TYPE_BYTES:
        return random.randbytes(random.choice((0, 1, 4, 48)))
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return random.choice((0.0, -1.0, 1e30, float("nan")))
    number = random.choice(NUMBERS)
    return abs(number) if field.type == field.TYPE_UINT64 else number


def _fields(model: Any) -> list[tuple[Any, Any]]:
    """Return every field that is set anywhere in a model, with the message that holds it."""
    found: list[tuple[Any, Any]] = []
    waiting = [model]
    while waiting:
        holder = waiting.pop()
        for field, value in holder.ListFields():
            found.append((holder, field))
            if field.message_type is not None:
                waiting.extend(value if field.is_repeated else [value])
    return found
