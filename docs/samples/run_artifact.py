"""Runs an artifact's model on its test data, without the package that made it: python run_artifact.py ARTIFACT

Needs: pip install onnxruntime onnx
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

artifact = Path(sys.argv[1])
model = artifact / (sys.argv[2] if len(sys.argv) > 2 else "rnn.onnx")


def read(kind: str) -> dict[str, np.ndarray]:
    """Return the tensors input_0.pb, input_1.pb, ... (or output_...), each by the name of its port."""
    data = artifact / "test_data_set_0"
    tensors = [
        onnx.TensorProto.FromString((data / f"{kind}_{number}.pb").read_bytes())
        for number in range(len(list(data.glob(f"{kind}_*.pb"))))
    ]
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in tensors}


options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1  # a small recurrent model is faster on one
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
expected = read("output")
results = session.run(list(expected), read("input"))
for (name, right), got in zip(expected.items(), results, strict=True):
    print(f"{name} {got.shape}: largest difference {np.abs(got - right).max():.3g}")
