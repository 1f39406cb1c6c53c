"""One part of many tasks, for CI matrices: 3/16 is the third of sixteen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``count``, from 1.

    >>> [Shard(number, 3).of("abcdefgh") for number in (1, 2, 3)]
    [['a', 'd', 'g'], ['b', 'e', 'h'], ['c', 'f']]
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ValueError(
                f"shard: expected 1/{self.count} to {self.count}/{self.count}, got {self}"
            )

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that "3/16" names.

        Raises:
            ValueError: any other text.
        """
        found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text)
        if found is None:
            raise ValueError(f"shard: expected I/N such as 3/16, got {text!r}")
        return cls(int(found[1]), int(found[2]))

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Return this part. Neighbours go to different parts: they are often alike, and take as long."""
        return list(items[self.number - 1 :: self.count])

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
