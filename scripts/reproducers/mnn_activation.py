"""MNN computes Tanh in an RNN, whatever its attribute activations says.

Seen with MNN 3.6.1. Needs: pip install MNN onnx numpy
"""

import tempfile

import _tools
import MNN.expr as expr
import MNN.nn as nn
import numpy as np
import onnx

MODEL = """<ir_version: 10, opset_import: ["": 17]>
rnn (float[5,1,1] x) => (float[5,1,1,1] y) <float[1,1,1] w = {1}, float[1,1,1] r = {0.5}> {
    y = RNN <hidden_size = 1, activations = ["Relu"]> (x, w, r)
}"""
x = np.array([0.1, -0.4, 0.7, -0.2, 0.3], np.float32).reshape(5, 1, 1)
expected, h = np.zeros((5, 1, 1, 1)), 0.0
for t in range(5):
    z = x[t, 0, 0] + 0.5 * h
    expected[t] = h = max(z, 0.0)
path = tempfile.mkdtemp() + "/model."
onnx.save(onnx.parser.parse_model(MODEL), path + "onnx")
# What the script mnnconvert calls, which also installs packages and sends a report.
_tools.mnnconvert(
    ["", "-f", "ONNX", "--modelFile", path + "onnx", "--MNNModel", path + "mnn", "--bizCode", "x"]
)
net = nn.load_module_from_file(path + "mnn", ["x"], ["y"])
given = expr.placeholder(list(x.shape), expr.NCHW)
given.write(x)
got = np.array(expr.convert(net.forward(given), expr.NCHW).read())
print("expected:", *expected.ravel().tolist())
print("got:     ", *got.ravel().tolist())
print("largest difference:", float(np.abs(got - expected).max()))
