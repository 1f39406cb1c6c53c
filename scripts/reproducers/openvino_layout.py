"""OpenVINO takes an RNN of layout 1 for one of layout 0.

Seen with OpenVINO 2026.4.1. Needs: pip install openvino onnx numpy
"""

import tempfile

import numpy as np
import onnx
import openvino

MODEL = """<ir_version: 10, opset_import: ["": 17]>
rnn (float[2,3,1] x) => (float[2,3,1,1] y) <float[1,1,1] w = {1}, float[1,1,1] r = {0.5}> {
    y = RNN <hidden_size = 1, layout = 1> (x, w, r)
}"""
x = np.array([0.1, -0.4, 0.7, -0.2, 0.3, 0.5], np.float32).reshape(2, 3, 1)
expected, h = np.zeros((2, 3, 1, 1)), np.zeros(2)
for t in range(3):
    h = np.tanh(x[:, t, 0] + 0.5 * h)
    expected[:, t, 0, 0] = h
path = tempfile.mkdtemp() + "/model.onnx"
onnx.save(onnx.parser.parse_model(MODEL), path)
model = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
got = model(x)[0]
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print(
    "largest difference:",
    float(np.abs(got - expected).max()) if got.shape == expected.shape else "another shape",
)
