"""Every block of code in the documentation runs, every link leads somewhere, every picture is what it claims.

A block is run from top to bottom with the others of its page, in a folder like a clone in which scripts/build has run.
What stands before a block says how: ``<!-- file: NAME -->`` writes it to a file, ``<!-- needs: RUNTIME -->`` runs it
where that runtime (or npm) is. A block of ``text`` is what the block before it prints, but for the numbers.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from rnn_export import errors
from rnn_export.runtimes import Available, connect
from rnn_export.runtimes.node import folder as npm_folder
from rnn_export.verifier.verdicts import Outcome

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])

RUN = {
    "python": [sys.executable, "-c"],
    "bash": [shutil.which("bash") or "bash", "-ec"],
}
HELD = {"toml", "yaml"}
"""Languages that stand for files, not for programs."""

SHOWN = "text"
"""The language of what a program prints."""

BY_CI = {"scripts/build", "scripts/test"}
"""Commands that CI runs by themselves, before or around these tests."""

BLOCK = re.compile(
    r"(?:^<!-- (?P<how>file|needs): (?P<what>\S+) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.M | re.S,
)
NUMBER = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True)
class Block:
    """A block of code, and how it is run.

    Args:
        language, code: as written.
        file: its name, if it is a file.
        needs: the runtime without which it is not run, if any.
        line: where it begins on its page.
    """

    language: str
    code: str
    file: str | None
    needs: str | None
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(
            found["language"],
            found["code"],
            found["what"] if found["how"] == "file" else None,
            found["what"] if found["how"] == "needs" else None,
            text.count("\n", 0, found.start("language")) + 1,
        )
        for found in BLOCK.finditer(text)
    ]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(block: Block) -> set[str]:
    """Return a block's lines without what is said about them."""
    lines = (line.partition(" #")[0].strip() for line in block.code.splitlines())
    return {line for line in lines if line}


def lines_of(text: str) -> list[str]:
    """Return lines in which numbers and the width of columns do not matter."""
    return [" ".join(NUMBER.sub("0", line).split()) for line in text.splitlines() if line.strip()]


def is_here(runtime: str) -> bool:
    if runtime == "npm":
        # What npm would install may be there already.
        return bool(shutil.which("npm")) or (npm_folder() / "node_modules/onnxruntime-web").is_dir()
    with connect(runtime) as connection:
        return isinstance(connection.probe(), Available)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder as a reader has it: .venv, and an artifact that scripts/build wrote."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    shutil.copytree(ROOT / "artifacts/last-output", tmp_path / "artifacts/last-output")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=name_of)
def test_every_block_of_a_page_runs(page: Path, clone: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTEST_PLUGINS": "rnn_export.pytest_plugin",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # What a page installs has to be here already.
        "PIP_NO_INDEX": "1",
    }
    left_out, printed = [], ""
    for block in blocks(page):
        place = f"{name_of(page)}, line {block.line}"
        if block.file is not None:
            (clone / block.file).write_text(block.code)
        elif block.language == SHOWN:
            missing = set(lines_of(block.code)) - set(lines_of(printed))
            assert not missing, f"{place}: not printed: {missing}\n{printed}"
        elif commands(block) <= BY_CI:
            continue
        elif block.needs is not None and not is_here(block.needs):
            left_out.append(f"{place}, which needs {block.needs}")
        else:
            done = subprocess.run(
                [*RUN[block.language], block.code],
                cwd=clone,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, f"{place}\n{done.stdout}\n{done.stderr}"
            printed = done.stdout
    if left_out:
        pytest.skip(f"every block ran but {'; '.join(left_out)}")


def test_ci_runs_what_these_tests_leave_to_it() -> None:
    run = (ROOT / ".ci/run").read_text().splitlines()
    for command in BY_CI:
        assert any(line == command or line.startswith(f"{command} ") for line in run), command


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_block_is_left_out(page: Path) -> None:
    text = page.read_text()
    assert len(re.findall(r"^\s*(?:```|~~~)", text, flags=re.M)) == 2 * len(blocks(page))
    # Indented code would be seen by readers and by nobody who runs it.
    assert not re.findall(r"^\n(?:    |\t)\S.*", BLOCK.sub("", text), flags=re.M)
    languages = [block.language for block in blocks(page)]
    for before, block in zip(["", *languages], blocks(page), strict=False):
        assert (
            block.language in RUN
            or (block.language in HELD and block.file)
            or (block.language == SHOWN and before in RUN)
        ), block


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    targets = re.findall(r"\]\(([^)#\s]+)\)", text) + re.findall(r'<img src="([^"]+)"', text)
    for target in targets:
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_index_names_every_page() -> None:
    named = set(re.findall(r"\]\((\w+\.md)\)", (DOCS / "README.md").read_text()))
    assert named == {page.name for page in DOCS.glob("*.md")} - {"README.md"}


def test_every_message_that_is_explained_exists() -> None:
    source = " ".join(path.read_text() for path in (ROOT / "rnn_export").rglob("*.py"))
    # A message may be split over lines of source.
    joined = re.sub(r'"\s*f?"', "", source)
    headings = re.findall(r"^### (.+)$", (DOCS / "troubleshooting.md").read_text(), flags=re.M)
    assert len(headings) > 15
    for heading in headings:
        parts = [part for part in re.split(r"expected |, got", heading) if part.strip()]
        for part in parts:
            assert part.strip() in joined, heading


def test_every_kind_of_error_and_every_verdict_is_explained() -> None:
    text = (DOCS / "troubleshooting.md").read_text()
    kinds = {
        kind.__name__
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.RnnExportError)
    }
    assert {kind for kind in kinds if f"| `{kind}` |" not in text} == {"RnnExportError"}
    verdicts = (DOCS / "verdicts.md").read_text()
    assert [outcome for outcome in Outcome if f"| {outcome} |" not in verdicts] == []


def test_pictures_of_graphs_are_what_the_exporters_write(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "scripts/pictures"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    drawn = {path.name: path.read_text() for path in tmp_path.glob("*.svg")}
    kept = {path.name: path.read_text() for path in (DOCS / "pictures").glob("*.svg")}
    assert drawn == kept, "draw them again: .venv/bin/python scripts/pictures"
