"""onnxruntime's Softplus in an RNN is infinite from 89 on.

Seen with onnxruntime 1.31.1. Needs: pip install onnxruntime onnx numpy
"""

import numpy as np
import onnx
import onnxruntime

MODEL = """<ir_version: 10, opset_import: ["": 17]>
rnn (float[5,1,1] x) => (float[5,1,1,1] y) <float[1,1,1] w = {1}, float[1,1,1] r = {0.5}> {
    y = RNN <hidden_size = 1, activations = ["Softplus"]> (x, w, r)
}"""
x = np.array([0.1, 100.0, 0.7, -200.0, 0.3], np.float32).reshape(5, 1, 1)
expected, h = np.zeros((5, 1, 1, 1)), 0.0
for t in range(5):
    z = x[t, 0, 0] + 0.5 * h
    expected[t] = h = np.logaddexp(0.0, z)
model = onnx.parser.parse_model(MODEL).SerializeToString()
(got,) = onnxruntime.InferenceSession(model).run(None, {"x": x})
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print("largest difference:", float(np.abs(got - expected).max()))
