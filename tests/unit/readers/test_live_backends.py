"""A live model gives the same network on every Keras backend that is installed, and so does the file it writes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

# What each needs beside itself; Keras' own NumPy backend needs SciPy.
NEEDS = {"tensorflow": ("tensorflow",), "numpy": ("scipy",), "jax": ("jax",), "torch": ("torch",)}
BACKENDS = [name for name, modules in NEEDS.items() if all(map(find_spec, modules))]

PROGRAM = """
import sys
import keras, numpy as np
from rnn_export.readers import read
L = keras.layers
x = keras.Input((None, 5), name="x")
rnn = L.SimpleRNN(4, return_sequences=True, name="rnn", dtype="mixed_bfloat16")
y = L.Bidirectional(rnn, name="both")(L.Masking(name="masking")(x))
model = keras.Model(x, L.Dense(3, name="dense", dtype="bfloat16")(y), name="model")
rng = np.random.default_rng(0)
for variable in model.weights:
    variable.assign(rng.normal(size=variable.shape))
model.save(sys.argv[1])
print(keras.backend.backend(), read(model).digest, read(sys.argv[1]).digest)
"""


@pytest.mark.slow
def test_every_backend_gives_the_same_network(tmp_path: Path) -> None:
    assert "tensorflow" in BACKENDS
    digests = set()
    for backend in BACKENDS:
        process = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / f"{backend}.keras")],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ
            | {"KERAS_BACKEND": backend, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert process.returncode == 0, process.stderr
        used, live, saved = process.stdout.split()
        assert used == backend
        digests |= {live, saved}
    assert len(digests) == 1
