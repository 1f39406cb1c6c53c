"""ReferenceEvaluator does not heed an RNN's sequence_lens.

Seen with onnx 1.23.2. Needs: pip install onnx numpy
"""

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

MODEL = """<ir_version: 10, opset_import: ["": 17]>
rnn (float[5,1,1] x) => (float[5,1,1,1] y) <float[1,1,1] w = {1}, float[1,1,1] r = {0.5}, int32[1] lengths = {3}> {
    y = RNN <hidden_size = 1> (x, w, r, "", lengths)
}"""
x = np.array([0.1, -0.4, 0.7, -0.2, 0.3], np.float32).reshape(5, 1, 1)
expected, h = np.zeros((5, 1, 1, 1)), 0.0
for t in range(3):  # the other two steps are past the row's length
    expected[t] = h = np.tanh(x[t, 0, 0] + 0.5 * h)
(got,) = ReferenceEvaluator(onnx.parser.parse_model(MODEL)).run(None, {"x": x})
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print("largest difference:", float(np.abs(got - expected).max()))
