"""Weights larger than memory: written in blocks, whatever their size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

MEBI = 2**20

# A process of its own: its peak is the measure. One kernel of 320 MB that exists in blocks alone, and is transposed.
PROGRAM = """
import sys
import numpy as np
from rnn_export.exporters import export
from rnn_export.network import ArrayWeight, Draft, Source, activation
from rnn_export.network.ops import Cell, Recurrent

class Blocks:
    shape, dtype, digest = (81920, 1024), np.dtype("float32"), "blocks"
    def read(self):
        raise MemoryError("a weight of this size is not to be read at once")
    def blocks(self):
        for start in range(0, self.shape[0], 4096):
            rows = np.arange(start, start + 4096, dtype=np.float32)
            yield np.repeat(rows[:, None], self.shape[1], axis=1)

draft = Draft()
x = draft.input("x", ("batch", "time", 81920), "float32")
small = ArrayWeight(np.zeros((1024, 1024), np.float32))
cell = Cell("", Blocks(), small, None, activation("tanh"))
(y,) = draft.call("rnn", Recurrent((cell,)), [x])
draft.output("rnn", y)
export(draft.finish(Source("python", "large"))).save(sys.argv[1])
# ru_maxrss would begin with what the parent had when it forked.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_large_kernel_is_transposed_on_the_way_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True
    )
    # Two slabs of 32 MB, a block and R beside what the imports take: nowhere near 320 MB.
    assert int(done.stdout) * 1024 < 256 * MEBI
    model = onnx.load(path, load_external_data=False)
    (kernel,) = [item for item in model.graph.initializer if item.name == "rnn/W"]
    place = {entry.key: entry.value for entry in kernel.external_data}
    values = np.memmap(
        tmp_path / place["location"],
        np.float32,
        "r",
        int(place["offset"]),
        tuple(kernel.dims),
    )
    assert values.shape == (1, 1024, 81920)
    for unit in (0, 511, 1023):
        np.testing.assert_array_equal(values[0, unit], np.arange(81920))
