"""OpenVINO's CPU plugin, in float32 or in the precision it picks by itself (bfloat16 where the CPU has it).

Its bfloat16 loses 2e-2 on a plain RNN, hence "float32" sets INFERENCE_PRECISION_HINT and "default" does not.

Source: https://docs.openvino.ai, properties of the CPU plugin
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnn_export.runtimes import feeds as inputs_check
from rnn_export.runtimes.contract import (
    Available,
    Feeds,
    Kind,
    Model,
    OnnxFile,
    Options,
    Results,
    RunFacts,
    Session,
    Slot,
    Unavailable,
)
from rnn_export.runtimes.onnx_slots import load_slots

# What the plugin calls the layers that RNN, Scan and Loop become.
RECURRENT = ("RNNSeq", "RNNCell", "LSTMSequence", "GRUSequence", "TensorIterator", "Loop")

PRECISIONS = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}


@dataclass(frozen=True)
class OpenVino:
    """OpenVINO on one device."""

    name: str
    device: str
    accepts: tuple[Kind, ...] = ("onnx",)
    precisions: tuple[str, ...] = ("float32", "default")
    install: str = "pip install 'rnn-export[openvino]'"

    def probe(self) -> Available | Unavailable:
        try:
            product = importlib.import_module("openvino")
        except ImportError as error:
            return Unavailable(str(error), self.install)
        core = product.Core()
        if self.device not in core.available_devices:
            return Unavailable(
                f"no device {self.device} among {core.available_devices}", self.install
            )
        return Available(
            _version(product), {"device": str(core.get_property(self.device, "FULL_DEVICE_NAME"))}
        )

    def open(self, model: Model, options: Options) -> Session:
        if not isinstance(model, OnnxFile):
            raise TypeError(f"expected an OnnxFile, got {model!r}")
        product = importlib.import_module("openvino")
        settings: dict[str, object] = {"INFERENCE_NUM_THREADS": options.threads}
        if options.precision == "float32":
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        settings.update(options.extra)
        compiled = product.Core().compile_model(str(model.path), self.device, settings)
        return OpenVinoSession(self.name, _version(product), compiled, model)


class OpenVinoSession:
    """A compiled model; inputs and outputs by position, since OpenVINO may give one tensor several names."""

    def __init__(self, name: str, version: str, compiled: Any, model: OnnxFile) -> None:
        self._compiled = compiled
        self._name = name
        self.inputs, self.outputs = load_slots(model.path)
        hint = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        precision = PRECISIONS.get(hint, hint)
        devices = " + ".join(compiled.get_property("EXECUTION_DEVICES"))
        layers = [_layer(each) for each in compiled.get_runtime_model().get_ops()]
        nodes = {
            label: f"{devices} {kernel}" for kind, label, kernel in layers if kind in RECURRENT
        }
        # The plugin's own layers, few of which bear the file's node names: fused, split and renamed.
        placement = {
            kind: devices for kind, _, _ in layers if kind not in ("Input", "Output", "Const")
        }
        self.facts = RunFacts(name, version, precision, placement, nodes)

    def run(self, feeds: Feeds) -> Results:
        inputs_check.check(self._name, self.inputs, feeds)
        results = self._compiled(
            {number: feeds[slot.name] for number, slot in enumerate(self.inputs)}
        )
        # Copies: the arrays of an inference request are overwritten by its next run.
        return {
            slot.name: _own(np.array(results[number]), slot)
            for number, slot in enumerate(self.outputs)
        }

    def close(self) -> None:
        self._compiled = None


def _own(shown: np.ndarray, slot: Slot) -> np.ndarray:
    """Return an output in its own dtype: OpenVINO hands out the bits of bfloat16 as if they were float16."""
    if slot.dtype != "bfloat16" or shown.dtype != np.float16:
        return shown
    import ml_dtypes

    return shown.view(ml_dtypes.bfloat16)


def _layer(operation: Any) -> tuple[str, str, str]:
    """Return type, name and kernel of a layer of the executed graph ("RNNSeq", "rnn", "ref_any_f32")."""
    facts = operation.get_rt_info()
    kind, kernel = (facts[key].astype(str) for key in ("layerType", "primitiveType"))
    return kind, operation.get_friendly_name(), kernel


def _version(product: Any) -> str:
    return str(product.__version__).split("-")[0]


cpu = OpenVino("openvino:cpu", "CPU")
