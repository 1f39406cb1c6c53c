"""Which peers there are, where each one's adapter is, and whose interpreter it may borrow."""

from __future__ import annotations

from dataclasses import dataclass

FOLDER = "rnn_export.workflows.benchmarks.peers"


@dataclass(frozen=True)
class Peer:
    """A way to run the same model without a file of ours.

    Args:
        name: as ``--peer`` takes it.
        place: ``module:object`` of its runtime; "" for one of the table of runtimes.
        runtime: whose interpreter it runs in (``RNN_EXPORT_INTERPRETER_TORCH`` for "torch"), or that runs it.
        takes: "source" for the network or the Keras file, "loop" for Keras' own ONNX export, "saved-model".
    """

    name: str
    place: str
    runtime: str
    takes: str = "source"


PEERS = (
    Peer("keras:predict_on_batch", f"{FOLDER}.keras_calls:predict_on_batch", "keras:tensorflow"),
    Peer("keras:tf.function", f"{FOLDER}.keras_calls:function", "keras:tensorflow"),
    Peer("keras:tf.function-xla", f"{FOLDER}.keras_calls:compiled", "keras:tensorflow"),
    Peer("loop@onnxruntime:cpu", "", "onnxruntime:cpu", "loop"),
    Peer("loop@openvino:cpu", "", "openvino:cpu", "loop"),
    Peer("keras@openvino:cpu", f"{FOLDER}.openvino_keras:runtime", "openvino:cpu", "saved-model"),
    Peer("tf2onnx@onnxruntime:cpu", f"{FOLDER}.tf2onnx_file:runtime", "keras:tensorflow"),
    Peer("torch:eager", f"{FOLDER}.torch_rnn:eager", "torch"),
    Peer("torch:compiled", f"{FOLDER}.torch_rnn:compiled", "torch"),
    Peer("jax:scan", f"{FOLDER}.jax_scan:scan", "jax"),
)


def peer_names() -> tuple[str, ...]:
    """Return the names of all peers."""
    return tuple(peer.name for peer in PEERS)
