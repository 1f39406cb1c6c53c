"""Every block of code in the documentation runs, every link leads somewhere, every picture is what it claims."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from rnn_export.runtimes.node import folder as npm_folder

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))

RUN = {
    "python": [sys.executable, "-c"],
    "bash": [shutil.which("bash") or "bash", "-ec"],
}
HELD = {"toml", "yaml"}
"""Languages that stand for files, not for programs."""

BLOCK = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A block of code, and the file it is to be, if any."""

    language: str
    code: str
    file: str | None
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(
            found["language"], found["code"], found["file"],
            text.count("\n", 0, found.start("language")) + 1,
        )
        for found in BLOCK.finditer(text)
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem
)
def test_every_block_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    if any("rnn-export web" in block.code for block in blocks(page)) and not (
        shutil.which("npm") or (npm_folder() / "node_modules/onnxruntime-web").is_dir()
    ):
        pytest.skip("npm is not installed, and neither is onnxruntime-web: apt-get install npm")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTEST_PLUGINS": "rnn_export.pytest_plugin",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    for block in blocks(page):
        if block.file is not None:
            (tmp_path / block.file).write_text(block.code)
            continue
        done = subprocess.run(
            [*RUN[block.language], block.code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        place = f"{page.relative_to(ROOT)}, line {block.line}"
        assert done.returncode == 0, f"{place}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_block_is_left_out(page: Path) -> None:
    fences = [line for line in page.read_text().splitlines() if line.startswith("```")]
    assert len(fences) == 2 * len(blocks(page))
    for block in blocks(page):
        assert block.language in RUN or (block.language in HELD and block.file), block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    targets = re.findall(r"\]\(([^)#\s]+)\)", text) + re.findall(r'<img src="([^"]+)"', text)
    for target in targets:
        assert (page.parent / target).is_file(), target


def test_the_index_names_every_page() -> None:
    named = set(re.findall(r"\]\((\w+\.md)\)", (DOCS / "README.md").read_text()))
    assert named == {page.name for page in PAGES} - {"README.md"}


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


def test_pictures_of_graphs_are_what_the_exporters_write(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "scripts/pictures"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    drawn = {path.name: path.read_text() for path in tmp_path.glob("*.svg")}
    assert drawn == {path.name: path.read_text() for path in (DOCS / "pictures").glob("*.svg")}
