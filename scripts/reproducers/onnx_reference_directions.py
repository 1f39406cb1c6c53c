"""ReferenceEvaluator computes both directions of an RNN with the first activation.

Seen with onnx 1.23.2. Needs: pip install onnx numpy
"""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

MODEL = """<ir_version: 10, opset_import: ["": 17]>
rnn (float[5,1,1] x) => (float[5,2,1,1] y) <float[2,1,1] w = {1, 1}, float[2,1,1] r = {0.5, 0.5}> {
    y = RNN <hidden_size = 1, direction = "bidirectional", activations = ["Affine", "Tanh"],
        activation_alpha = [1.0, 0.0], activation_beta = [0.0, 0.0]> (x, w, r)
}"""
x = np.array([0.1, -0.4, 0.7, -0.2, 0.3], np.float32).reshape(5, 1, 1)
expected, h = np.zeros((5, 2, 1, 1)), np.zeros(2)
for t in range(5):
    expected[t, 0] = h[0] = x[t, 0, 0] + 0.5 * h[0]
    expected[4 - t, 1] = h[1] = np.tanh(x[4 - t, 0, 0] + 0.5 * h[1])
(got,) = ReferenceEvaluator(onnx.parser.parse_model(MODEL)).run(None, {"x": x})
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print("largest difference:", float(np.abs(got - expected).max()))
