"""What holds for every test: Hypothesis profiles, and third parties kept quiet and repeatable.

RNN_EXPORT_PROFILE chooses how hard Hypothesis tries: dev (the default), ci or nightly.
"""

import atexit
import os
import shutil
import signal
import tempfile

from hypothesis import HealthCheck, settings

# No deadlines: how fast a machine is says nothing about the code.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=100,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly",
    deadline=None,
    max_examples=2000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("RNN_EXPORT_PROFILE", "dev"))

# Set before anything is imported; pytest's own workers and the processes that tests start inherit
# them. What the caller has set stands.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Several processes share one GPU.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
if "KERAS_HOME" not in os.environ:
    # A keras.json in the home folder could change the float type, and Keras writes one on import.
    os.environ["KERAS_HOME"] = tempfile.mkdtemp(prefix="rnn_export-keras-")
    atexit.register(shutil.rmtree, os.environ["KERAS_HOME"], ignore_errors=True)

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
