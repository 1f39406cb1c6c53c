"""onnxruntime takes 0 for the alpha of ThresholdedRelu that an RNN does not name; ONNX says 1.

Seen with onnxruntime 1.31.1. Needs: pip install onnxruntime onnx numpy
"""

import numpy as np
import onnx
import onnxruntime

MODEL = """<ir_version: 10, opset_import: ["": 17]>
rnn (float[5,1,1] x) => (float[5,1,1,1] y) <float[1,1,1] w = {1}, float[1,1,1] r = {0.5}> {
    y = RNN <hidden_size = 1, activations = ["ThresholdedRelu"]> (x, w, r)
}"""
x = np.array([0.1, -0.4, 1.7, -0.2, 0.3], np.float32).reshape(5, 1, 1)
expected, h = np.zeros((5, 1, 1, 1)), 0.0
for t in range(5):
    z = x[t, 0, 0] + 0.5 * h
    expected[t] = h = z if z > 1.0 else 0.0
model = onnx.parser.parse_model(MODEL).SerializeToString()
(got,) = onnxruntime.InferenceSession(model).run(None, {"x": x})
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print("largest difference:", float(np.abs(got - expected).max()))
