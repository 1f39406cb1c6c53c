"""Every corrupted model, each with the layer at fault and the name it should be given."""

from __future__ import annotations

from tests.mutants.faults.activations import activations
from tests.mutants.faults.directions import directions
from tests.mutants.faults.dtypes import dtypes
from tests.mutants.faults.forms import forms
from tests.mutants.faults.layers import layers
from tests.mutants.faults.loops import loops
from tests.mutants.faults.masks import masks
from tests.mutants.faults.networks import networks
from tests.mutants.faults.states import states
from tests.mutants.faults.weights import weights
from tests.mutants.faults.wiring import wiring
from tests.mutants.mutant import Mutant

__all__ = ["Mutant", "mutants"]


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant."""
    return (
        *weights(),
        *layers(),
        *activations(),
        *directions(),
        *wiring(),
        *masks(),
        *states(),
        *forms(),
        *dtypes(),
        *networks(),
        *loops(),
    )
