"""Runtimes: each product that runs a model, behind a worker process of its own.

with connect("onnxruntime:cpu") as runtime, runtime.open(OnnxFile(path)) as session:
    results = session.run({"x": x})
"""

from rnn_export.runtimes.connection import Connection, connect
from rnn_export.runtimes.contract import (
    Available,
    Feeds,
    KerasFile,
    Model,
    OnnxFile,
    Options,
    Results,
    RunFacts,
    Runtime,
    Session,
    Slot,
    Unavailable,
)
from rnn_export.runtimes.failures import Crashed, Missing, Refused, UnknownRuntime
from rnn_export.runtimes.remote import RemoteSession
from rnn_export.runtimes.table import find, names

__all__ = [
    "Available",
    "Connection",
    "Crashed",
    "Feeds",
    "KerasFile",
    "Missing",
    "Model",
    "OnnxFile",
    "Options",
    "Refused",
    "RemoteSession",
    "Results",
    "RunFacts",
    "Runtime",
    "Session",
    "Slot",
    "Unavailable",
    "UnknownRuntime",
    "connect",
    "find",
    "names",
]
