"""Keras in a process of its own, warm for many networks: it is loud, large, and would claim the accelerator."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rnn_export.errors import RnnExportError, RuntimeCrashed, RuntimeUnavailable
from rnn_export.network import Network
from rnn_export.workflows.child import Child

ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
}

Request = tuple[Network | Path, Path]


class KerasProcess:
    """Saves networks as `.keras` files and has Keras translate such; started when first needed, ended with `close`."""

    def __init__(self) -> None:
        self._child: Child | None = None

    def save(self, network: Network, path: Path) -> None:
        """Write the network as a `.keras` file.

        Raises:
            RuntimeUnavailable: Keras is not installed.
            RuntimeCrashed: the process died.
            NetworkError: something no Keras layer stands for.
            StoreError: the file cannot be written.
        """
        self._ask(network.source.name, ("keras", "tensorflow"), (network, path))

    def translate(self, source: Path, path: Path) -> None:
        """Write Keras' own ONNX translation (form `loop`) of a Keras file; see `rnn_export.peers.loop`.

        Raises:
            RuntimeUnavailable: Keras, TensorFlow or tf2onnx is not installed.
            RuntimeRefused: Keras does not load or translate it, in its words.
            RuntimeCrashed: the process died.
        """
        self._ask(source.name, ("keras", "tensorflow", "tf2onnx"), (source, path))

    def close(self) -> None:
        """End the process; a later request starts another."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def _ask(self, subject: str, needs: tuple[str, ...], request: Request) -> None:
        missing = [name for name in needs if find_spec(name) is None]
        if missing:
            raise RuntimeUnavailable(
                subject,
                expected=f"{', '.join(needs)} to be installed",
                got=f"no {', '.join(missing)}",
                advice="Install them: pip install 'rnn-export[keras,peers]'.",
            )
        if self._child is None:
            self._child = Child(f"{__name__}:answer", ENVIRONMENT)
        try:
            self._child.send(request)
            refusal = self._child.receive()
        except RuntimeCrashed as error:
            self._child = None
            raise RuntimeCrashed(
                subject,
                expected="an answer from Keras",
                got=error.got,
                advice="Build it alone, to see whether it is this network that it dies of.",
            ) from error
        except BaseException:
            # Ctrl-C: the answer would come later, and pass for that of another request.
            self._child.interrupt()
            self._child.close()
            self._child = None
            raise
        if refusal is not None:
            raise refusal


def answer(request: Request) -> RnnExportError | None:
    """Save or translate, in the child; return the error, or None."""
    what, path = request
    try:
        if isinstance(what, Network):
            from rnn_export.builders import save_keras

            save_keras(what, path)
        else:
            from rnn_export.peers import loop

            loop(what, path)
    except RnnExportError as error:
        return error
    except Exception as error:
        # Keras' own: it must reach the user in words, not as a process that died.
        name = what.source.name if isinstance(what, Network) else what.name
        got = f"{type(error).__name__}: {error}"
        return RnnExportError(name, expected="Keras to write it", got=got)
    return None
