"""OpenVINO does not heed an RNN's sequence_lens where any axis is symbolic.

Seen with OpenVINO 2026.4.1. Needs: pip install openvino onnx numpy
"""

import tempfile

import numpy as np
import onnx
import openvino

MODEL = """<ir_version: 10, opset_import: ["": 17]>
rnn (float[T,1,1] x, int32[1] lengths) => (float[T,1,1,1] y) <float[1,1,1] w = {1}, float[1,1,1] r = {0.5}> {
    y = RNN <hidden_size = 1> (x, w, r, "", lengths)
}"""
x = np.array([0.1, -0.4, 0.7, -0.2, 0.3], np.float32).reshape(5, 1, 1)
lengths = np.array([3], np.int32)
expected, h = np.zeros((5, 1, 1, 1)), 0.0
for t in range(3):  # the other two steps are past the row's length
    expected[t] = h = np.tanh(x[t, 0, 0] + 0.5 * h)
path = tempfile.mkdtemp() + "/model.onnx"
onnx.save(onnx.parser.parse_model(MODEL), path)
model = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
got = model([x, lengths])[0]
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print("largest difference:", float(np.abs(got - expected).max()))
