"""onnxruntime on its CPU and CUDA providers, with the placement of every node and no silent fallback.

Options.extra: "optimization" ("disabled", "basic", "extended", "all"); "device_id" (CUDA); any
"session.*" key is a session configuration entry of onnxruntime.

Source: https://onnxruntime.ai/docs/api/python/api_summary.html
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rnn_export.runtimes import feeds as inputs_check
from rnn_export.runtimes import onnxruntime_values as values
from rnn_export.runtimes.callers import Started, Threaded
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
    Unavailable,
)
from rnn_export.runtimes.failures import Refused
from rnn_export.runtimes.onnxruntime_started import OnnxRuntimeStarted
from rnn_export.runtimes.placement import summarise

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
NO_CPU = "session.disable_cpu_ep_fallback"
WARNING = 2  # onnxruntime's log levels; below it, it is quiet. The log goes to the worker's stderr, which is kept.

# The ONNX model y = Identity(x), float[1], IR 8, opset 13, as bytes: whether a provider starts shows only when a
# session asks for it, and the onnx package need not be in this environment.
TINY_MODEL = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a"
    "0a08080112040a020801620f0a0179120a0a08080112040a02080142040a00100d"
)


@dataclass(frozen=True)
class OnnxRuntime:
    """onnxruntime with one execution provider."""

    name: str
    provider: str
    precisions: tuple[str, ...]
    install: str
    accepts: tuple[Kind, ...] = ("onnx",)

    def probe(self) -> Available | Unavailable:
        try:
            product = importlib.import_module("onnxruntime")
        except ImportError as error:
            return Unavailable(str(error), self.install)
        if self.provider == CUDA:
            if self.provider not in product.get_available_providers():
                reason = f"this build of onnxruntime ({product.__version__}) has no {self.provider}"
                return Unavailable(reason, self.install)
            _preload(product)
            started = _session(self.name, TINY_MODEL, self._providers(Options()), Options())
            if self.provider not in started.get_providers():
                reason = f"{self.provider} does not start here: no device, driver, CUDA or cuDNN that fits"
                return Unavailable(reason, self.install)
        details = {"providers": ", ".join(product.get_available_providers())}
        return Available(product.__version__, details)

    def open(self, model: Model, options: Options) -> Session:
        return self._open(model, options)

    def _open(self, model: Model, options: Options) -> OnnxRuntimeSession:
        if not isinstance(model, OnnxFile):
            raise TypeError(f"expected an OnnxFile, got {model!r}")
        product = importlib.import_module("onnxruntime")
        providers = self._providers(options)
        session = _session(self.name, str(model.path), providers, options)
        # A provider that cannot start is left out with a line in the log, and the model runs on the CPU.
        if self.provider not in session.get_providers():
            raise Refused(
                f"runtime {self.name}",
                expected=self.provider,
                got=", ".join(session.get_providers()),
            )
        return OnnxRuntimeSession(self.name, product.__version__, session, options, self.provider)

    def open_started(self, model: Model, options: Options) -> Started:
        # One thread more than for `open`: the caller is one of the pool.
        return self._open(model, replace(options, threads=options.threads + 1)).started()

    def _providers(self, options: Options) -> list[tuple[str, dict[str, str]]]:
        if self.provider == CPU:
            return [(CPU, {})]
        # TF32 is on by default, with 10 bits in place of 23. CPU last: shape arithmetic belongs there, and
        # which nodes went there is reported, not hidden.
        settings = {
            "use_tf32": "1" if options.precision in ("tf32", "default") else "0",
            "device_id": options.extra.get("device_id", "0"),
        }
        if options.extra.get(NO_CPU) == "1":
            return [(self.provider, settings)]
        return [(self.provider, settings), (CPU, {})]


class OnnxRuntimeSession:
    """An InferenceSession that checks its inputs and tells where its nodes run."""

    def __init__(
        self, name: str, version: str, session: Any, options: Options, provider: str
    ) -> None:
        self._session = session
        self._name = name
        self.inputs = values.slots(session.get_inputs())
        self.outputs = values.slots(session.get_outputs())
        operators, nodes = summarise(values.assigned(session, name))
        # What the provider says of itself, not what it was asked for.
        settings = session.get_provider_options().get(provider, {})
        precision = "tf32" if settings.get("use_tf32") == "1" else "float32"
        details = {"threads": str(options.threads)}
        details.update({key: settings[key] for key in ("use_tf32", "device_id") if key in settings})
        self.facts = RunFacts(name, version, precision, operators, nodes, details)

    def run(self, feeds: Feeds) -> Results:
        inputs_check.check(self._name, self.inputs, feeds)
        return values.run(self._session, self.outputs, feeds)

    def started(self) -> Started:
        """Return the same as a session that is started and waited for; this one is not used any more."""
        if "bfloat16" in {slot.dtype for slot in (*self.inputs, *self.outputs)}:
            return Threaded(self)
        return OnnxRuntimeStarted(self._session, self.outputs)

    def close(self) -> None:
        self._session = None


def _session(
    name: str,
    model: str | bytes,
    providers: Sequence[tuple[str, dict[str, str]]],
    options: Options,
) -> Any:
    product = importlib.import_module("onnxruntime")
    settings = product.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = WARNING
    settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    for key, value in options.extra.items():
        if key.startswith("session."):
            settings.add_session_config_entry(key, value)
        elif key == "optimization":
            level = "ORT_DISABLE_ALL" if value == "disabled" else f"ORT_ENABLE_{value.upper()}"
            settings.graph_optimization_level = getattr(product.GraphOptimizationLevel, level)
        elif key != "device_id":
            raise Refused(f"runtime {name}", expected="a known option", got=f"{key}={value}")
    # enable_fallback=0: in Python, onnxruntime otherwise repeats on the CPU what failed on a provider.
    return product.InferenceSession(model, settings, providers=list(providers), enable_fallback=0)


def _preload(product: Any) -> None:
    # From 1.21: finds CUDA and cuDNN in their pip packages, without which the provider's library does not load.
    if hasattr(product, "preload_dlls"):
        product.preload_dlls()


cpu = OnnxRuntime("onnxruntime:cpu", CPU, ("float32", "default"), "pip install 'rnn-export[cpu]'")
cuda = OnnxRuntime(
    "onnxruntime:cuda",
    CUDA,
    ("float32", "tf32", "default"),
    "pip install 'rnn-export[gpu]' (not beside onnxruntime)",
)
