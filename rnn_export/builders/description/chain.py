"""A Sequential being described: what the last layer made, its mask, and the names and weights to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rnn_export.builders.description.options import Options
from rnn_export.network import ArrayWeight, Draft, Op, Spec, TensorId
from rnn_export.network.dtypes import is_floating
from rnn_export.network.ops import Cast
from rnn_export.presets.seeded import draw

POLICIES = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class Policy:
    """A dtype policy: what a layer computes in and what it stores its weights in."""

    name: str

    @property
    def compute(self) -> str:
        return self.name.removeprefix("mixed_")

    @property
    def variable(self) -> str:
        return "float32" if self.name.startswith("mixed_") else self.name


@dataclass
class Chain:
    """What is known between two layers.

    Args:
        draft: the network being written.
        tensor: what the last layer made.
        seed: of all weights.
        policy: of layers that name no dtype.
        mask: of ``tensor``, as Keras carries it along.
        before: configurations of layers that vanish, since the last call.
        after: the same, behind the last call of all; set before that is made.
        states: what a layer with return_state made beside its output.
    """

    draft: Draft
    tensor: TensorId
    seed: int
    policy: Policy
    mask: TensorId | None = None
    before: tuple[dict[str, object], ...] = ()
    after: tuple[dict[str, object], ...] = ()
    states: tuple[TensorId, ...] = ()

    @property
    def spec(self) -> Spec:
        return self.draft.spec(self.tensor)

    def policy_of(self, options: Options) -> Policy:
        """Return the policy that a layer's option ``dtype`` names, else that of the network."""
        return Policy(options.text("dtype", self.policy.name, among=POLICIES))

    def weight(
        self, initializer: str, shape: tuple[int, ...], path: str, policy: Policy
    ) -> ArrayWeight:
        """Draw a weight that belongs to ``path``."""
        return draw(initializer, shape, seed=self.seed, path=path, dtype=policy.variable)

    def cast(self, layer: str, policy: Policy) -> TensorId:
        """Return the tensor as Keras hands it to a layer: fractions in the layer's compute dtype."""
        if not is_floating(self.spec.dtype) or self.spec.dtype == policy.compute:
            return self.tensor
        (tensor,) = self.part(f"{layer}/cast", Cast(), [self.tensor], policy)
        return tensor

    def part(
        self,
        path: str,
        op: Op,
        inputs: list[TensorId],
        policy: Policy,
        *,
        dtype: str = "",
        mask: TensorId | None = None,
        hints: Mapping[str, object] | None = None,
    ) -> tuple[TensorId, ...]:
        """Add a call that is not all of its layer: a cast, a mask, one half of a Bidirectional."""
        kind = dtype or policy.compute
        return self.draft.call(path, op, inputs, dtype=kind, mask=mask, hints=hints)

    def call(
        self,
        layer: str,
        op: Op,
        inputs: list[TensorId],
        policy: Policy,
        *,
        mask: TensorId | None = None,
        hints: Mapping[str, object] | None = None,
    ) -> tuple[TensorId, ...]:
        """Add a layer's call; layers that vanish before and behind it become hints of it."""
        made = dict(hints or {})
        if self.before:
            made["before"] = self.before
        if self.after:
            made["after"] = self.after
        self.before = ()
        return self.part(layer, op, inputs, policy, mask=mask, hints=made)


@dataclass
class Names:
    """Names for layers that have none: Keras' own, counted within the network."""

    used: dict[str, int] = field(default_factory=dict)

    def name(self, options: Options, automatic: str) -> str:
        """Return a layer's option ``name``, else ``automatic`` with a number from the second on."""
        count = self.used.get(automatic, 0)
        if options.raw("name") is None:
            self.used[automatic] = count + 1
        return options.text("name", f"{automatic}_{count}" if count else automatic)
