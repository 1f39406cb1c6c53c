"""`build`: from sources to artifacts that Keras, the manual reference and onnxruntime agree on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnn_export import presets
from rnn_export.errors import RuntimeUnavailable, StoreError
from rnn_export.workflows.artifact import REQUIRED, Artifact, Settings
from rnn_export.workflows.building_each import Task, artifact_of
from rnn_export.workflows.making import PEER, Workshop
from rnn_export.workflows.shards import Shard
from rnn_export.workflows.sharing import Crew, crew

ANSWERING = "rnn_export.workflows.building_each:answer"

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Built:
    """What `build` did.

    Args:
        artifacts: one for each source, in order.
        required: runtimes that had to agree.
    """

    artifacts: tuple[Artifact, ...]
    required: tuple[str, ...] = REQUIRED

    @property
    def agreed(self) -> int:
        """The number of artifacts on which every required runtime agrees."""
        reports = [artifact.report for artifact in self.artifacts if artifact.report]
        now = sum(set(self.required) <= set(report.agreed) for report in reports)
        # Nothing is stored, so nothing can be kept, on which they did not.
        return now + sum(artifact.kept for artifact in self.artifacts)

    @property
    def agreeing(self) -> tuple[str, ...]:
        """The required runtimes, each with its version where it ran."""
        versions: dict[str, str] = {}
        for artifact in self.artifacts:
            for case in artifact.report.cases if artifact.report else ():
                versions.setdefault(case.runtime, case.version)
        return tuple(f"{name} {versions.get(name, '')}".strip() for name in self.required)

    @property
    def exit_code(self) -> int:
        """4 when something could not be made, else 1 when a case failed, else 3 when a pass is missing, else 0."""
        codes = {0, *(_code(artifact) for artifact in self.artifacts)}
        return next(code for code in (4, 1, 3, 0) if code in codes)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds spent in each kind of step, over all artifacts (and processes) together."""
        total = {"all": 0.0, "keras": 0.0, f"{PEER} (tf2onnx)": 0.0}
        for artifact in self.artifacts:
            for step, seconds in artifact.seconds.items():
                total["all"] += seconds
                if PEER in step.split():
                    total[f"{PEER} (tf2onnx)"] += seconds
                elif "keras" in step:
                    total["keras"] += seconds
        return total


def build(
    wanted: Iterable[str | Path] = (),
    *,
    out: str | Path = "artifacts",
    forms: Sequence[str] = ("rnn",),
    runtimes: Sequence[str] = (),
    jobs: int = 1,
    scheduler: str | None = None,
    shard: Shard | None = None,
    resume: bool = False,
    allow_nonfinite: bool = False,
    seed: int = 0,
    tell: Tell = lambda name, done, of: None,
) -> Built:
    """Build, export, verify and store networks.

    Args:
        wanted: presets, `.keras` files, TOML files (all their networks, or FILE.toml:NAME); none: every preset.
        out: the folder that artifacts stand in.
        forms: to export and store.
        runtimes: to verify on beside Keras, numpy and onnxruntime, which are required.
        jobs: processes to work in.
        scheduler: address of a Dask scheduler whose workers do the work, in place of processes here.
        shard: the part of them to build; None for all.
        resume: leave alone what an earlier run has finished.
        allow_nonfinite: take weights that are NaN or infinite.
        seed: of the inputs for verification.
        tell: called with each artifact that is done, how many are, and how many there are; first with none.

    Returns:
        What became of each; an error of one ends no other.

    Raises:
        ReadError: a TOML file that cannot be read.
        StoreError: two sources that would be the same artifact.
        UnknownRuntime: a name that no runtime has.
        RnnExportError: no scheduler at that address.
    """
    settings = Settings(Path(out), tuple(forms), tuple(runtimes), allow_nonfinite, seed, resume)
    named = _named([os.fspath(source) for source in wanted] or list(presets.names()))
    if shard is not None:
        named = dict(shard.of(list(named.items())))
    made: dict[str, Artifact] = {}
    tell("", 0, len(named))
    for artifact in _work(named, settings, crew(min(jobs, len(named)), scheduler)):
        made[artifact.name] = artifact
        tell(artifact.name, len(made), len(named))
    return Built(tuple(made[name] for name in named))


def _work(named: dict[str, str], settings: Settings, hands: Crew | None) -> Iterator[Artifact]:
    if hands is None:
        with Workshop(settings) as workshop:
            for name, source in named.items():
                yield workshop.make(name, source)
        return
    tasks = [Task(settings, name, source, Path.cwd()) for name, source in named.items()]
    for task, answer in hands.work(tasks, ANSWERING):
        yield artifact_of(task, answer)


def _named(wanted: list[str]) -> dict[str, str]:
    """Return the name of each artifact with its source."""
    named: dict[str, str] = {}
    for name, source in _expanded(wanted):
        if named.get(name, source) != source:
            raise StoreError(
                f"artifact {name!r}",
                expected="one source",
                got=f"{named[name]} and {source}",
                advice="Rename one of them, or build them into different folders with --out.",
            )
        named[name] = source
    return named


def _expanded(wanted: list[str]) -> Iterator[tuple[str, str]]:
    from rnn_export.builders import networks_from_toml

    for source in wanted:
        if source in presets.names():
            yield source, source
        elif source.endswith(".toml"):
            for network in networks_from_toml(source):
                yield network.source.name, f"{source}:{network.source.name}"
        elif ".toml:" in source:
            yield source.rpartition(":")[2], source
        else:
            yield Path(source).stem, source


def _code(artifact: Artifact) -> int:
    if isinstance(artifact.error, RuntimeUnavailable):
        return 3
    if artifact.kept:
        return 0
    if artifact.error is not None or artifact.report is None:
        return 4
    return artifact.report.exit_code
