"""No module of the package reaches the network: neither when it is imported, nor in a full export."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "attacks" / "corpus"

# Every way out of a process by network raises one of these events; an address of the network may not even be
# looked up. Sockets between processes of this machine are no network.
GUARD = """
import socket, sys
def hook(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto"):
        raise SystemExit(f"{event} {args}")
    if event in ("socket.connect", "socket.bind") and args[0].family != socket.AF_UNIX:
        raise SystemExit(f"{event} {args}")
    if event in ("urllib.Request", "http.client.connect", "ftplib.connect", "smtplib.connect"):
        raise SystemExit(f"{event} {args}")
sys.addaudithook(hook)
"""
IMPORTS = """
import importlib, pkgutil, rnn_export
# The plug-in for pytest is imported by pytest alone; what needs a product is imported by who has it.
for found in pkgutil.walk_packages(rnn_export.__path__, "rnn_export."):
    if found.name == "rnn_export.__main__":
        continue
    try:
        importlib.import_module(found.name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "rnn_export":
            raise
print("imported")
"""
EXPORT = """
from rnn_export.cli.app import PROGRAM, app
from rnn_export.cli.boundary import run
for form in ("rnn", "scan", "wavefront"):
    code = run(app, PROGRAM, ["export", sys.argv[1], "-o", f"{form}.onnx", "--form", form])
    assert code == 0, (form, code)
assert run(app, PROGRAM, ["inspect", "rnn.onnx"]) == 0
print("exported")
"""
REACHES_OUT = "import socket; socket.create_connection(('127.0.0.1', 9), 0.1)"


RUNTIMES = ("--runtime", "numpy", "--runtime", "onnxruntime:cpu")


def guarded(code: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", GUARD + code, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_importing_every_module_reaches_no_network(tmp_path: Path) -> None:
    done = guarded(IMPORTS, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "imported\n"), done.stderr


def test_a_full_export_reaches_no_network(tmp_path: Path) -> None:
    done = guarded(EXPORT, str(CORPUS / "functional.keras"), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("exported\n")


def test_verifying_reaches_no_network_in_any_of_its_processes(tmp_path: Path) -> None:
    done = everywhere(tmp_path, "-m", "rnn_export", "verify", str(CORPUS / "tiny.keras"), *RUNTIMES)
    assert done.returncode == 0, done.stdout + done.stderr
    # The workers were watched, not only the caller.
    assert len((tmp_path / "watched").read_text().splitlines()) >= 3


def test_the_guard_notices_a_process_of_a_process(tmp_path: Path) -> None:
    code = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {REACHES_OUT!r}]))"
    done = everywhere(tmp_path, "-c", code)
    assert done.returncode == 1
    assert "socket." in done.stderr


def everywhere(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the guard in it and in every Python that it starts; each notes that it is watched."""
    place = folder / "guard"
    place.mkdir()
    note = f"open({str(folder / 'watched')!r}, 'a').write('watched\\n')\n"
    (place / "sitecustomize.py").write_text(GUARD + note)
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(place), str(ROOT)))},
    )


def test_the_guard_notices_who_does(tmp_path: Path) -> None:
    done = guarded(REACHES_OUT, folder=tmp_path)
    assert done.returncode == 1
    assert "socket." in done.stderr
