"""The reproducers still reproduce: a new version of a product that repairs its error is noticed here."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "scripts" / "reproducers"
SCRIPTS = sorted(FOLDER.glob("*.py"))

STEPS, TERMS, TANH = 5, 3, 9
"""Of the scripts' networks; 9 u is the largest error of any runtime's tanh that was measured."""

ROUNDING = STEPS * (TERMS + TANH) * 2.0**-24 * 2
"""What float32 can be off by: each step adds its roundings and keeps half of those before (|R| = 0.5)."""


def imported(script: Path) -> set[str]:
    """The modules outside the standard library that a script imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names


def test_there_are_reproducers() -> None:
    assert len(SCRIPTS) > 15


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_error_is_still_there(script: Path, tmp_path: Path) -> None:
    missing = sorted(name for name in imported(script) if importlib.util.find_spec(name) is None)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"largest difference: (\S+|another shape)", done.stdout.splitlines()[-1])
    assert found is not None, done.stdout
    wrong = found[1] == "another shape" or float(found[1]) > ROUNDING
    assert wrong, (
        f"{script.name}: this version is right ({found[1]}). Say so in {FOLDER.name}/README.md, remove the "
        "script and its trap in tests/contract/traps.py, and measure the table of capabilities anew."
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_reproducer_needs_public_packages_alone(script: Path) -> None:
    assert "rnn_export" not in script.read_text()
    # A docstring, the file in ONNX' own text, and some twenty lines around them.
    assert len(script.read_text().splitlines()) < 50


def test_the_page_names_every_reproducer() -> None:
    named = set(re.findall(r"\]\((\w+\.py)\)", (FOLDER / "README.md").read_text()))
    assert named == {script.name for script in SCRIPTS}
