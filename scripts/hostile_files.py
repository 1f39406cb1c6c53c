"""Write the public list of hostile files, and try them: how does each command end, how soon, at what memory?

    .venv/bin/python scripts/hostile_files.py FOLDER              only write them
    .venv/bin/python scripts/hostile_files.py --try [--only TEXT]  write them somewhere, try each, print the table

Every command must end with exit code 4, one line on stderr, within 5 s and 500 MB, and write nothing. Exit code 1
unless all do. A file takes what it tries: some are links to devices; look at them with care.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.attacks.commands import commands, complaints
from tests.attacks.hostile import Hostile, everything
from tests.attacks.trying import tried


def main() -> int:
    parser = argparse.ArgumentParser(description="The public list of hostile files.")
    parser.add_argument("folder", type=Path, nargs="?", help="where to write them")
    parser.add_argument(
        "--try", dest="attempt", action="store_true", help="run every command on each"
    )
    parser.add_argument("--only", default="", help="files whose name holds this text")
    asked = parser.parse_args()
    if asked.folder is None and not asked.attempt:
        parser.error("name a folder, or --try")
    chosen = [item for item in everything() if asked.only in item.name]
    with tempfile.TemporaryDirectory(prefix="hostile-") as scratch:
        files = {item.name: item.make(asked.folder or Path(scratch, "files")) for item in chosen}
        if not asked.attempt:
            for item in chosen:
                print(f"{files[item.name]}: {item.does}")
            return 0
        return _try(chosen, files, Path(scratch))


def _try(chosen: list[Hostile], files: dict[str, Path], scratch: Path) -> int:
    """Run every command on every file and print how it ended; return 1 if any did not as it must."""
    out, temporary = scratch / "out", scratch / "temporary"
    out.mkdir()
    temporary.mkdir()
    asked = [(item, words) for item in chosen for words in commands(item, files[item.name], out)]
    ends = tried([words for _, words in asked], out, {"TMPDIR": str(temporary)})
    bad = 0
    for (item, words), ended in zip(asked, ends, strict=True):
        wrong = complaints(item, ended, temporary)
        bad += bool(wrong)
        state = "; ".join(wrong) or ended.said.strip().replace(str(scratch), "...")[:110]
        print(
            f"{item.name:32} {words[0]:8} {ended.seconds:6.2f} s {ended.peak / 1e6:5.0f} MB  {state}"
        )
    left = [str(path) for folder in (out, temporary) for path in folder.rglob("*")]
    slowest, largest = max(item.seconds for item in ends), max(item.peak for item in ends)
    busiest = max(item.busy for item in ends)
    print(
        f"\n{len(chosen)} files, {len(asked)} commands: {bad} did not end as they must; "
        f"{len(left)} files written; at most {slowest:.1f} s "
        f"({busiest:.1f} s of the processor) and {largest / 1e6:.0f} MB"
    )
    return int(bad > 0 or bool(left))


if __name__ == "__main__":
    sys.exit(main())
