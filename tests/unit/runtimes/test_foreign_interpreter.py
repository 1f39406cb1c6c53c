"""A runtime may live in another environment, which needs NumPy and the product and nothing of ours."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from rnn_export.runtimes import Available, Missing, Options, Refused, Unavailable, connect
from tests.unit.runtimes import faulty

pytestmark = pytest.mark.usefixtures("registered")

ROOT = Path(__file__).resolve().parents[3]


def make_environment(folder: Path, *, with_numpy: bool) -> Path:
    """Make an environment whose site-packages hold NumPy alone (linked), or nothing; return its interpreter."""
    venv.create(folder, with_pip=False, symlinks=True)
    site = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    if with_numpy:
        ours = Path(np.__file__).parent
        for package in (ours, ours.parent / "numpy.libs"):
            if package.exists():
                (site / package.name).symlink_to(package)
        # The faulty runtimes stand for the product.
        (site / "tests").symlink_to(ROOT / "tests")
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("bare"), with_numpy=False)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("foreign"), with_numpy=True)


def test_a_runtime_runs_in_the_environment_of_the_interpreter(foreign: Path) -> None:
    with connect("faulty:refuse", Options(interpreter=foreign)) as connection:
        found = connection.probe()
        assert isinstance(found, Available)
        assert Path(found.details["prefix"]) == foreign.parent.parent
        with connection.open(faulty.ANY_FILE) as session:
            x = np.zeros(3, np.float16)
            assert np.array_equal(session.run({"x": x})["x"], x)


def test_the_interpreter_may_stand_in_the_environment_variable(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNN_EXPORT_INTERPRETER_FAULTY_REFUSE", str(foreign))
    with connect("faulty:refuse") as connection:
        found = connection.probe()
    assert isinstance(found, Available)
    assert Path(found.details["prefix"]) == foreign.parent.parent


def test_our_packages_do_not_leak_into_it(foreign: Path) -> None:
    # It has no onnxruntime, whatever stands on our own path; nor does our PYTHONPATH count there.
    assert "PYTHONPATH" in os.environ
    with connect("onnxruntime:cpu", Options(interpreter=foreign)) as connection:
        found = connection.probe()
    assert isinstance(found, Unavailable)
    assert found.reason == "No module named 'onnxruntime'"


def test_a_dtype_it_lacks_is_refused_and_the_session_goes_on(foreign: Path) -> None:
    import ml_dtypes

    with (
        connect("faulty:refuse", Options(interpreter=foreign)) as connection,
        connection.open(faulty.ANY_FILE) as session,
    ):
        with pytest.raises(Refused, match="'bfloat16': expected one of NumPy's or ml_dtypes'"):
            session.run({"x": np.zeros(3, ml_dtypes.bfloat16)})
        assert session.run({"x": np.zeros(3)})["x"].size == 3


def test_an_environment_without_numpy_says_so(bare: Path) -> None:
    with connect("faulty:refuse", Options(interpreter=bare)) as connection:
        with pytest.raises(Missing, match="No module named 'numpy'"):
            connection.open(faulty.ANY_FILE)
        found = connection.probe()
    assert isinstance(found, Unavailable)
    assert "NumPy" in found.install


def test_an_interpreter_that_does_not_exist_says_so(tmp_path: Path) -> None:
    with connect("numpy", Options(interpreter=tmp_path / "python")) as connection:
        found = connection.probe()
    assert isinstance(found, Unavailable)
    assert "No such file" in found.reason


def test_a_session_cannot_ask_for_another_interpreter(foreign: Path) -> None:
    with connect("faulty:refuse") as connection, pytest.raises(ValueError, match="interpreter"):
        connection.open(faulty.ANY_FILE, Options(interpreter=foreign))
