"""The scripts that draw say in a line that matplotlib is missing, and end with exit code 1."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WITHOUT = (
    "import runpy, sys; sys.modules['matplotlib'] = None; "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.mark.parametrize(
    ("script", "words"), [("bench_grid.py", ("--report",)), ("bench_forms.py", ("--chart",))]
)
def test_a_drawing_without_matplotlib_ends_in_one_line(
    script: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    shutil.copy(ROOT / "artifacts" / "bench" / "threads1.json", tmp_path)
    out = ("--out", str(tmp_path)) if "--report" in words else ()
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(ROOT / "scripts" / script), *words, *out],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert "expected matplotlib" in line
    assert "pip install 'rnn-export[reports]'" in line
