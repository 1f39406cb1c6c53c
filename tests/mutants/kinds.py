"""What corruptions are made of: functions of values, and of models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import ModelProto

Rng = np.random.Generator
Make = Callable[[ModelProto, Rng], ModelProto]
Change = Callable[[np.ndarray], np.ndarray]
Choose = Callable[[np.ndarray, Rng], np.ndarray]
