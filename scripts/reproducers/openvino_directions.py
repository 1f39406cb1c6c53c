"""OpenVINO computes both directions of an RNN with one activation, where they have two.

Seen with OpenVINO 2026.4.1. Needs: pip install openvino onnx numpy
"""

import tempfile

import numpy as np
import onnx
import openvino

MODEL = """<ir_version: 10, opset_import: ["": 17]>
rnn (float[5,1,1] x) => (float[5,2,1,1] y) <float[2,1,1] w = {1, 1}, float[2,1,1] r = {0.5, 0.5}> {
    y = RNN <hidden_size = 1, direction = "bidirectional", activations = ["Tanh", "Relu"]> (x, w, r)
}"""
x = np.array([0.1, -0.4, 0.7, -0.2, 0.3], np.float32).reshape(5, 1, 1)
expected, h = np.zeros((5, 2, 1, 1)), np.zeros(2)
for t in range(5):
    expected[t, 0] = h[0] = np.tanh(x[t, 0, 0] + 0.5 * h[0])
    expected[4 - t, 1] = h[1] = max(x[4 - t, 0, 0] + 0.5 * h[1], 0.0)
path = tempfile.mkdtemp() + "/model.onnx"
onnx.save(onnx.parser.parse_model(MODEL), path)
model = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
got = model(x)[0]
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print("largest difference:", float(np.abs(got - expected).max()))
