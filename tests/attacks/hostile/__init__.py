"""The public list of hostile files: what a stranger may hand over, and the word it has to be refused with."""

from tests.attacks.hostile.listing import Hostile, everything

__all__ = ["Hostile", "everything"]
