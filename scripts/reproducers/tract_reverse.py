"""tract runs an RNN of direction "reverse" from the first step on.

Seen with tract 0.23.9. Needs: pip install tract onnx numpy
"""

import tempfile

import numpy as np
import onnx
import tract

MODEL = """<ir_version: 10, opset_import: ["": 17]>
rnn (float[5,1,1] x) => (float[5,1,1,1] y) <float[1,1,1] w = {1}, float[1,1,1] r = {0.5}> {
    y = RNN <hidden_size = 1, direction = "reverse"> (x, w, r)
}"""
x = np.array([0.1, -0.4, 0.7, -0.2, 0.3], np.float32).reshape(5, 1, 1)
expected, h = np.zeros((5, 1, 1, 1)), 0.0
for t in reversed(range(5)):
    z = x[t, 0, 0] + 0.5 * h
    expected[t] = h = np.tanh(z)
path = tempfile.mkdtemp() + "/model.onnx"
onnx.save(onnx.parser.parse_model(MODEL), path)
got = tract.onnx().load(path).into_model().into_runnable().run([x])[0].to_numpy()
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print("largest difference:", float(np.abs(got - expected).max()))
