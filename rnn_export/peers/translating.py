"""The peer in a process of its own: TensorFlow is never imported here, and may die there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from rnn_export.errors import RnnExportError, RuntimeCrashed, RuntimeRefused, RuntimeUnavailable

_KINDS = {kind.__name__: kind for kind in (RuntimeRefused, RuntimeUnavailable)}
_SETTINGS = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
}


def translate(source: str | Path, path: str | Path, *, time_limit: float = 300.0) -> Path:
    """Write Keras' own ONNX export of a file; see `rnn_export.peers.loop`.

    Args:
        source: a `.keras` or `.h5` file.
        path: where to write.
        time_limit: seconds.

    Returns:
        ``path``.

    Raises:
        RuntimeUnavailable: Keras, TensorFlow or tf2onnx is missing.
        RuntimeRefused: Keras does not load or does not translate the model, in its words.
        RuntimeCrashed: the process died or took too long.
    """
    command = [sys.executable, "-m", "rnn_export.peers.translating", str(source), str(path)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **_SETTINGS},
            capture_output=True,
            text=True,
            timeout=time_limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeCrashed(
            "peer loop", expected=f"a translation within {time_limit:g} s", got="none"
        ) from error
    answer = done.stdout.strip().splitlines()[-1:] or [""]
    if done.returncode == 0:
        return Path(path)
    try:
        parts = json.loads(answer[0])
        kind = _KINDS[parts.pop("kind")]
    except (ValueError, KeyError, AttributeError):
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        raise RuntimeCrashed(
            "peer loop", expected="a translation", got=f"exit code {done.returncode}: {last[0]}"
        ) from None
    raise kind(**parts)


def main(source: str, path: str) -> int:
    """Translate, and print a failure as one line of JSON; return the exit code."""
    from rnn_export.peers.keras_export import loop

    try:
        loop(Path(source), path)
    except RnnExportError as error:
        parts = {name: getattr(error, name) for name in ("subject", "expected", "got", "advice")}
        print(json.dumps({"kind": type(error).__name__, **parts}))  # noqa: T201  # the answer
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
