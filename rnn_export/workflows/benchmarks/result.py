"""What a benchmark found, as plain data; `--json` writes it as it is."""

from __future__ import annotations

from dataclasses import dataclass

from rnn_export.workflows.benchmarks.figures import Ratio, Spread
from rnn_export.workflows.benchmarks.machine import Machine
from rnn_export.workflows.shapes import Shape


@dataclass(frozen=True)
class Entry:
    """One contender at one size.

    Args:
        name: "scan@onnxruntime:cpu", "torch:eager"; with the way behind it.
        form: of our file; "" for a peer.
        runtime: that ran it, or the peer's name.
        version: of the product.
        seconds: of one run, over the rounds that count.
        least: seconds of the shortest run of all, which a disturbed machine tells best.
        ratio: to the fastest contender of this size, in pairs; 1 for that one.
        of_floor: the floor's share of the shortest run; above 1 where the floor's sums were done in a cheaper way.
        max_difference: from the float64 reference, over all outputs; for people, judged by nobody.
        rounds: every round's seconds, disturbed ones too.
        reason: why it was not timed; "" if it was.
        way: in which it was run: "" for the whole batch with all threads; "2 callers" at once, each with its share of
            the rows and of the threads; "1 thread" of several.
    """

    name: str
    form: str
    runtime: str
    version: str = ""
    seconds: Spread | None = None
    least: float | None = None
    ratio: Ratio | None = None
    of_floor: float | None = None
    max_difference: float | None = None
    rounds: tuple[float, ...] = ()
    reason: str = ""
    way: str = ""

    @property
    def peer(self) -> bool:
        """Whether it is another tool's way."""
        return not self.form


@dataclass(frozen=True)
class Floor:
    """What the machine needs for the sums alone, at the best rates it showed on onnxruntime in the same rounds.

    Args:
        seconds: products plus activations.
        products, activations: their parts.
        gemm_rate: operations a second of a large product.
        bandwidth: bytes a second at which a product with one row takes in its weights.
        activation_rate: values of tanh a second.
    """

    seconds: float
    products: float
    activations: float
    gemm_rate: float
    bandwidth: float
    activation_rate: float


@dataclass(frozen=True)
class Point:
    """All contenders at one size.

    Args:
        batch, time: the size.
        threads: within an operator.
        floor: None where onnxruntime is missing.
        entries: fastest first, then those that were not timed.
        foreign: others' share of the machine in each round.
        fair: up to which share a round is calm.
        counted: numbers of the rounds that count, the calmest ones.
    """

    batch: int
    time: int
    threads: int
    floor: Floor | None
    entries: tuple[Entry, ...]
    foreign: tuple[float, ...]
    fair: float
    counted: tuple[int, ...]

    def times(self, entry: Entry) -> list[float]:
        """Return the seconds of an entry in the rounds that count."""
        return [entry.rounds[number] for number in self.counted]

    def entry(self, name: str) -> Entry:
        """Return the entry of this name; KeyError if there is none."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(name)


@dataclass(frozen=True)
class Benchmark:
    """Everything that one `bench` found.

    Args:
        schema: of the JSON.
        source: as the user named it.
        network: its digest.
        words: its recurrent layers, "3x64 of 32".
        shape: the same as numbers; None if it has none.
        parameters: of the network.
        machine: where it ran.
        points: one for each size.
    """

    source: str
    network: str
    words: str
    shape: Shape | None
    parameters: int
    machine: Machine
    points: tuple[Point, ...]
    schema: int = 1
