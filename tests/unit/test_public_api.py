"""The public names: all there, imported when used and not before, and none hidden by a module of the same name."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import rnn_export

FUNCTIONS = ("build", "check", "export", "inspect", "judge", "read", "verify")


def test_importing_the_package_imports_nothing_else_of_weight() -> None:
    code = "import sys, rnn_export; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert [name for name in loaded if name.startswith("rnn_export")] == [
        "rnn_export",
        "rnn_export._version",
    ]
    assert "numpy" not in loaded


@pytest.mark.parametrize("name", rnn_export.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(rnn_export, name) is not None
    assert name in dir(rnn_export)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_functions_whatever_was_imported_before(name: str) -> None:
    value = getattr(rnn_export, name)
    assert callable(value)
    assert not isinstance(value, ModuleType)


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'exprot'"):
        getattr(rnn_export, "exprot")  # noqa: B009  # mypy knows the names, and would object
