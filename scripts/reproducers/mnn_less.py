"""MNN's Less takes -0.3 to be less than -0.5, and -0.9 not: it compares floats as if their bits were integers.

Seen with MNN 3.6.1. Needs: pip install MNN onnx numpy
"""

import tempfile

import _tools
import MNN.expr as expr
import MNN.nn as nn
import numpy as np
import onnx

MODEL = """<ir_version: 10, opset_import: ["": 17]>
less (float[6] x) => (float[6] y) <float c = {-0.5}> {
    below = Less (x, c)
    y = Cast <to = 1> (below)
}"""
x = np.array([-0.9, -0.3, -0.1, 0.1, 0.3, 0.9], np.float32)
expected = (x < np.float32(-0.5)).astype(np.float32)
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
print("expected:", *expected.tolist())
print("got:     ", *got.tolist())
print("largest difference:", float(np.abs(got - expected).max()))
