"""A corrupted model: what is done to it, which layer is then at fault, and what the fault should be called."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import ModelProto

from rnn_export.network import Network
from tests.mutants.anywhere import OfNetwork, OfWeight
from tests.mutants.kinds import Make, Rng

STEPS = 11
"""Of an unrolled file, which can have no other number of them."""


@dataclass(frozen=True)
class Mutant:
    """A corrupted model.

    Args:
        name: of the fault, unique with its world and form.
        world: of worlds.WORLDS.
        make: the corruption of the world's model.
        layer: path of the layer at fault.
        named: part of the diagnosis that names it right; "" where no name is known for it.
        form: in which the world's network is exported.
        many: more than one thing is wrong at once.
    """

    name: str
    world: str
    make: Make | OfWeight | OfNetwork
    layer: str
    named: str = ""
    form: str = "rnn"
    many: bool = False

    def made(self, network: Network, model: ModelProto, rng: Rng) -> ModelProto:
        """Return the corrupted model."""
        if isinstance(self.make, OfNetwork):
            return self.make(network, self.form, STEPS if self.form == "unrolled" else None)
        if isinstance(self.make, OfWeight):
            return self.make(network, model, rng)
        return self.make(model, rng)

    @property
    def id(self) -> str:
        return f"{self.world}{'' if self.form == 'rnn' else f' as {self.form}'}: {self.name}"
