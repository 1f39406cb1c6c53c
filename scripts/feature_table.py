"""Try every feature of SimpleRNN with this package, Keras' own ONNX export and tf2onnx, and write the table.

Each translates the same Keras file; onnxruntime on the CPU runs what comes out, and the verifier judges it against
Keras: right, wrong (other values than Keras'), does not load (onnxruntime declines the file), refused (no file, and
an error that says so). A model that keeps its state between calls is fed in two halves.

    .venv/bin/python scripts/feature_table.py [--only TEXT] [--write]     --write: docs/features.md, README.md
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import keras
import numpy as np
import onnx
import onnxruntime
import tf2onnx

from rnn_export import StreamingSession, __version__, export, judge, read
from rnn_export.errors import RnnExportError, RuntimeRefused
from rnn_export.network import Network
from rnn_export.peers import loop
from rnn_export.runtimes import Connection, KerasFile, OnnxFile, Options, connect
from rnn_export.runtimes.contract import Session
from rnn_export.verifier import Facts, Observation, Outcome
from tests.contract.feature_models import FEATURES_OF_RNN, Feature, fed
from tests.property.keras_comparing import keras_outputs, quietly

PAGE = Path(__file__).resolve().parent.parent / "docs" / "features.md"
FRONT = PAGE.parent.parent / "README.md"
END = "<!-- end of the table -->"
MARK = "<!-- the table, by scripts/feature_table.py -->"
PEERS = ("rnn_export", "Keras' export", "tf2onnx")
TF2ONNX = "rnn_export.workflows.benchmarks.peers.tf2onnx_file:runtime"
RIGHT, WRONG, REFUSED, UNLOADED = "right", "**wrong**", "refused", "**does not load**"


Row = tuple[str, str, tuple[str, ...]]


class Trial:
    """One feature: the file that all are given, what is fed, and what the outputs are judged by."""

    def __init__(self, name: str, feature: Feature, folder: Path) -> None:
        self.stateful = feature.twin is not None
        model = quietly(feature.make)
        self.file = folder / "model.keras"
        model.save(self.file)
        self.network: Network = read(self.file)
        self.folder = folder
        # A Sequential that was built by a call has no input of its own; its file has.
        model = keras.saving.load_model(self.file)
        given = fed(model, name)
        self.pieces = [given]
        self.judged = self.network
        if feature.twin is not None:
            self.judged = read(quietly(feature.twin))
            self.pieces = [
                {k: x[:, :3] for k, x in given.items()},
                {k: x[:, 3:] for k, x in given.items()},
            ]
        self.whole = given
        outputs = [keras_outputs(model, piece) for piece in self.pieces]
        if self.verdict(outputs) != RIGHT:
            raise SystemExit(f"{name}: Keras itself is not what was read of it")

    def verdict(self, outputs: list[list[np.ndarray]]) -> str:
        """Return what is said of the outputs of each piece, in the order of the model's."""
        names = [port.name for port in self.judged.outputs]
        if any(len(piece) < len(names) for piece in outputs):
            return WRONG
        joined = [
            arrays[0] if len(outputs) == 1 else np.concatenate(arrays, axis=1)
            for arrays in zip(*outputs, strict=True)
        ]
        ports = [port.name for port in self.judged.inputs]
        feeds = dict(zip(ports, self.whole.values(), strict=True))
        facts = Facts("onnxruntime:cpu", network_digest=self.judged.digest)
        shipped = dict(zip(names, joined, strict=False))
        found = judge(self.judged, Observation(feeds, shipped, facts)).outcome
        return (
            RIGHT if found == Outcome.PASS else f"{WRONG}" if found == Outcome.FAIL else str(found)
        )

    def run(self, session: Session) -> list[list[np.ndarray]]:
        """Return the outputs of each piece, inputs being matched by their order."""
        made = []
        for piece in self.pieces:
            arrays = dict(zip((slot.name for slot in session.inputs), piece.values(), strict=True))
            made.append(list(session.run(arrays).values()))
        return made


def ours(trial: Trial, runtime: Connection) -> str:
    path = trial.folder / "ours.onnx"
    try:
        export(trial.network).save(path)
    except RnnExportError:
        return REFUSED
    try:
        if trial.stateful:
            with StreamingSession(path) as session:
                return trial.verdict([list(session.run(piece).values()) for piece in trial.pieces])
        return trial.verdict(trial.run(runtime.open(OnnxFile(path))))
    except RuntimeRefused:
        return UNLOADED


def keras_export(trial: Trial, runtime: Connection) -> str:
    path = trial.folder / "keras.onnx"
    try:
        loop(trial.file, path)
    except RuntimeRefused:
        return REFUSED
    try:
        return trial.verdict(trial.run(runtime.open(OnnxFile(path))))
    except RuntimeRefused:
        return UNLOADED


def tf2onnx_file(trial: Trial, connection: Connection) -> str:
    try:
        return trial.verdict(trial.run(connection.open(KerasFile(trial.file))))
    except RuntimeRefused as error:
        return UNLOADED if "ONNXRuntime" in str(error) else REFUSED


def rows(only: str) -> list[Row]:
    """Return group, feature and what became of it with each."""
    made: list[Row] = []
    with (
        connect("onnxruntime:cpu") as runtime,
        Connection("tf2onnx", Options(), place=TF2ONNX) as peer,
    ):
        for name, feature in FEATURES_OF_RNN.items():
            if only not in name:
                continue
            with tempfile.TemporaryDirectory() as folder:
                trial = Trial(name, feature, Path(folder))
                words = (
                    ours(trial, runtime),
                    keras_export(trial, runtime),
                    tf2onnx_file(trial, peer),
                )
            print(
                f"{feature.group:10} {name:50} {'  '.join(f'{word:18}' for word in words)}",
                flush=True,
            )
            made.append((feature.group, name, words))
    return made


def table(made: list[Row]) -> str:
    """Return the table in Markdown, with how many were right and which versions were tried."""
    lines = [
        "| | feature |" + "".join(f" {peer} |" for peer in PEERS),
        "|---" * (2 + len(PEERS)) + "|",
    ]
    last = ""
    for group, name, words in made:
        lines.append(f"| {group if group != last else ''} | {name} | " + " | ".join(words) + " |")
        last = group
    counts = [Counter(words[k] for _, _, words in made) for k in range(len(PEERS))]
    total = " | ".join(f"{count[RIGHT]} of {len(made)} right" for count in counts)
    lines.append(f"| | | {total} |")
    versions = (
        f"rnn_export {__version__}, Keras {keras.__version__}, tf2onnx {tf2onnx.__version__}, "
        f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}"
    )
    return "\n".join(lines) + f"\n\nTried with {versions}.\n"


def summary(made: list[Row]) -> str:
    """Return a line for each group: how many of its features are right with each."""
    lines = [
        "| feature |" + "".join(f" {peer} |" for peer in PEERS),
        "|---" * (1 + len(PEERS)) + "|",
    ]
    for group in dict.fromkeys(group for group, _, _ in made):
        own = [words for other, _, words in made if other == group]
        right = [sum(words[k] == RIGHT for words in own) for k in range(len(PEERS))]
        lines.append(f"| {group} | " + " | ".join(f"{n} of {len(own)}" for n in right) + " |")
    return "\n".join(lines)


def write(made: list[Row]) -> None:
    """Put the table into its page, and the summary into the front page."""
    before = PAGE.read_text().partition(MARK)[0]
    PAGE.write_text(f"{before}{MARK}\n\n{table(made)}")
    front = FRONT.read_text()
    before, found, rest = front.partition(MARK)
    if found:
        after = rest.partition(END)[2]
        FRONT.write_text(f"{before}{MARK}\n\n{summary(made)}\n\n{END}{after}")


def main() -> int:
    """Try all features; return 1 if one of them is not right here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="features that have it in their name"
    )
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    made = rows(asked.only)
    text = table(made)
    print(text)
    if asked.write:
        write(made)
    return 0 if made and all(words[0] == RIGHT for _, _, words in made) else 1


if __name__ == "__main__":
    raise SystemExit(main())
