"""OpenVINO computes a Scan of fixed sizes wrongly where its body adds the product on the right.

Seen with OpenVINO 2026.4.1. Needs: pip install openvino onnx numpy
"""

import tempfile

import numpy as np
import onnx
import openvino

MODEL = """<ir_version: 10, opset_import: ["": 17]>
scan (float[5,1,2] x) => (float[5,1,2] y) <float[1,2] h0 = {0, 0}, float[2,2] r = {0.5, 0, 0.3, -0.5}> {
    last, y = Scan <num_scan_inputs = 1, body = step (float[1,2] h, float[1,2] xt) => (float[1,2] hn, float[1,2] yt) {
        product = MatMul (h, r)
        z = Add (xt, product)  # Add (product, xt) is right
        hn = Tanh (z)
        yt = Identity (hn)
    }> (h0, x)
}"""
x = np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 1, 2)
expected, h = np.zeros((5, 1, 2)), np.zeros((1, 2))
for t in range(5):
    expected[t] = h = np.tanh(x[t] + h @ np.array([[0.5, 0], [0.3, -0.5]]))
path = tempfile.mkdtemp() + "/model.onnx"
onnx.save(onnx.parser.parse_model(MODEL), path)
model = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
got = model(x)[0]
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print("largest difference:", float(np.abs(got - expected).max()))
