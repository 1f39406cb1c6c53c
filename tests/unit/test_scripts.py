"""scripts/build and scripts/test make .venv ready once, and survive what can go wrong meanwhile.

They run here in a small copy of the repository, with Pythons that only pretend: nothing is installed.
"""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
TOOLS = "bash cat cp cut dirname env flock ls mkdir mv rm sha256sum sleep tail tr"
PYTHON = r"""#!/usr/bin/env bash
case "$*" in
    *importlib.util*) echo "VERSION MODULES" ;;
    "-c import pip") ;;
    "-m venv "*)
        echo venv >>"$LOG"
        mkdir -p "$3/bin"
        [[ -z ${VENV_DIES-} ]] || kill -9 $PPID
        cp "$0" "$3/bin/python"
        echo "version = VERSION" >"$3/pyvenv.cfg"
        ;;
    "-m pip show "*) [[ " ${INSTALLED-} " == *" ${@: -1} "* ]] ;;
    "-m pip uninstall "*) echo "uninstall ${*: -2}" >>"$LOG" ;;
    "-m pip "*)
        echo "install ${@: -1}" >>"$LOG"
        sleep "${PIP_SECONDS-0}"
        [[ -z ${PIP_FAILS-} ]] || { echo "no such version" && exit 1; }
        ;;
    *) echo "ran $*" ;;
esac
"""


@dataclass
class Checkout:
    """A fresh clone on a machine with the named Pythons."""

    root: Path
    bin: Path
    settings: dict[str, str] = field(default_factory=dict)

    def add_python(self, name: str, version: str, modules: str = "complete") -> None:
        program = self.bin / name
        program.write_text(PYTHON.replace("VERSION", version).replace("MODULES", modules))
        program.chmod(0o755)

    def start(self, script: str, *words: str, **settings: str) -> subprocess.Popen[str]:
        environment = {"PATH": str(self.bin), "LOG": str(self.root / "log")} | settings
        return subprocess.Popen(
            [str(self.root / "scripts" / script), *words],
            cwd="/",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        process = self.start(script, *words, **settings)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(script, process.returncode, out, err)

    def log(self) -> list[str]:
        """What the Pythons were asked to do since the last time."""
        path = self.root / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


BUILD = ["install editables", "install .[cpu,keras,peers]"]
TEST = ["install editables", "install .[cpu,keras,peers,dev]"]


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "a place", tmp_path / "bin")
    (checkout.root / "scripts").mkdir(parents=True)
    for name in ("build", "test", "environment", "constraints.txt"):
        shutil.copy(SCRIPTS / name, checkout.root / "scripts")
    (checkout.root / "pyproject.toml").write_text("[project]\n")
    checkout.bin.mkdir()
    for tool in TOOLS.split():
        if found := shutil.which(tool):
            (checkout.bin / tool).symlink_to(found)
    return checkout


@pytest.fixture
def checkout(bare: Checkout) -> Checkout:
    bare.add_python("python3", "3.12")
    return bare


def test_the_first_run_installs_and_the_second_does_not(checkout: Checkout) -> None:
    first = checkout.run("build", "cell", "--json")
    assert (first.returncode, first.stdout) == (0, "ran -m rnn_export build cell --json\n")
    assert checkout.log() == ["venv", *BUILD]

    second = checkout.run("build")
    assert (second.returncode, second.stdout, second.stderr) == (0, "ran -m rnn_export build\n", "")
    assert checkout.log() == []


def test_what_the_tests_installed_serves_the_build(checkout: Checkout) -> None:
    checkout.run("build")
    checkout.log()
    checkout.run("test")
    assert checkout.log() == TEST

    checkout.run("build")
    checkout.run("test")
    assert checkout.log() == []


@pytest.mark.parametrize("changed", ["pyproject.toml", "scripts/constraints.txt"])
def test_a_change_of_what_is_asked_for_installs_again(checkout: Checkout, changed: str) -> None:
    checkout.run("test")
    checkout.log()
    with (checkout.root / changed).open("a") as file:
        file.write("# changed\n")

    # All that .venv held before, so that nothing in it stays behind.
    checkout.run("build")
    assert checkout.log() == TEST
    checkout.run("test")
    assert checkout.log() == []


def test_a_failed_install_is_reported_and_tried_again(checkout: Checkout) -> None:
    failed = checkout.run("build", PIP_FAILS="yes")
    assert failed.returncode == 4
    assert failed.stdout == ""
    assert "no such version" in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("scripts/build: install: expected pip")
    checkout.log()

    assert checkout.run("build").returncode == 0
    assert checkout.log() == BUILD


def test_a_failed_upgrade_is_tried_again(checkout: Checkout) -> None:
    checkout.run("build")
    (checkout.root / "pyproject.toml").write_text("[project]  # changed\n")
    assert checkout.run("build", PIP_FAILS="yes").returncode == 4
    # Back to what had been installed before: it may be half replaced by now.
    (checkout.root / "pyproject.toml").write_text("[project]\n")
    checkout.log()

    assert checkout.run("build").returncode == 0
    assert checkout.log() == BUILD


def test_an_interrupted_venv_is_made_again(checkout: Checkout) -> None:
    assert checkout.run("build", VENV_DIES="yes").returncode == -9
    checkout.log()

    assert checkout.run("build").returncode == 0
    assert checkout.log() == ["venv", *BUILD]


def test_a_venv_whose_python_is_gone_is_made_again(checkout: Checkout) -> None:
    checkout.run("build")
    (checkout.root / ".venv/bin/python").unlink()
    checkout.log()

    assert checkout.run("build").returncode == 0
    assert checkout.log() == ["venv", *BUILD]


def test_a_moved_checkout_gets_a_new_venv(checkout: Checkout) -> None:
    checkout.run("build")
    checkout.log()
    checkout.root = checkout.root.rename(checkout.root.with_name("elsewhere"))

    assert checkout.run("build").returncode == 0
    assert checkout.log() == ["venv", *BUILD]


def test_a_venv_of_the_users_own_is_kept(checkout: Checkout) -> None:
    (checkout.root / ".venv/bin").mkdir(parents=True)
    shutil.copy(checkout.bin / "python3", checkout.root / ".venv/bin/python")
    (checkout.root / ".venv/pyvenv.cfg").touch()

    assert checkout.run("build").returncode == 0
    assert checkout.log() == BUILD


@pytest.mark.parametrize("holds", ["notes.txt", "bin/python"])
def test_a_folder_that_is_no_venv_is_not_removed(checkout: Checkout, holds: str) -> None:
    own = checkout.root / ".venv" / holds
    own.parent.mkdir(parents=True)
    own.touch()

    refused = checkout.run("build")
    assert refused.returncode == 4
    assert refused.stderr.startswith("scripts/build: .venv: expected a virtual environment, got")
    assert own.exists()


def test_a_venv_with_an_unsupported_python_is_refused(checkout: Checkout) -> None:
    checkout.run("build")
    shutil.rmtree(checkout.root / ".venv")
    (checkout.root / ".venv/bin").mkdir(parents=True)
    checkout.add_python("python3.9", "3.9")
    shutil.copy(checkout.bin / "python3.9", checkout.root / ".venv/bin/python")

    refused = checkout.run("build")
    assert refused.returncode == 4
    assert ".venv: expected Python 3.11 to 3.13, got 3.9." in refused.stderr


def test_a_python_that_does_not_run_is_passed_over(checkout: Checkout) -> None:
    shim = checkout.bin / "python3.13"
    shim.write_text("#!/usr/bin/env bash\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)

    made = checkout.run("build")
    assert made.returncode == 0
    assert "making .venv with python3\n" in made.stderr


def test_no_python_of_a_supported_version_is_one_line(bare: Checkout) -> None:
    bare.add_python("python3", "3.14")
    assert bare.run("build").stderr == (
        "scripts/build: Python: expected 3.11, 3.12 or 3.13 on PATH, got python3 is 3.14; "
        "install one, or name it in RNN_EXPORT_PYTHON.\n"
    )


def test_a_python_without_ensurepip_is_one_line(bare: Checkout) -> None:
    bare.add_python("python3", "3.11", modules="no-ensurepip")
    refused = bare.run("build")
    assert (refused.returncode, refused.stderr.count("\n")) == (4, 1)
    assert "apt install python3.11-venv" in refused.stderr


@pytest.mark.parametrize(("named", "got"), [("python3.9", "got 3.9."), ("nowhere", "does not run")])
def test_a_named_python_that_will_not_do_is_refused(
    checkout: Checkout, named: str, got: str
) -> None:
    checkout.add_python("python3.9", "3.9")
    refused = checkout.run("build", RNN_EXPORT_PYTHON=named)
    assert (refused.returncode, refused.stderr.count("\n")) == (4, 1)
    assert got in refused.stderr


def test_two_runs_at_once_install_once(checkout: Checkout) -> None:
    if shutil.which("flock") is None:
        pytest.skip("flock is not installed")
    runs = [checkout.start("build", PIP_SECONDS="0.3") for _ in range(3)]
    assert [run.communicate(timeout=60)[0] for run in runs] == ["ran -m rnn_export build\n"] * 3
    assert checkout.log() == ["venv", *BUILD]


def test_gpu_and_cpu_replace_each_other(checkout: Checkout) -> None:
    gpu = {"RNN_EXPORT_EXTRAS": "gpu,keras,peers"}
    checkout.run("build")
    checkout.log()

    checkout.run("build", **gpu, INSTALLED="onnxruntime")
    assert checkout.log() == [
        "uninstall onnxruntime onnxruntime-gpu",
        "install editables",
        "install .[gpu,keras,peers]",
    ]
    checkout.run("build", **gpu, INSTALLED="onnxruntime-gpu")
    assert checkout.log() == []

    checkout.run("test", **gpu, INSTALLED="onnxruntime-gpu")
    assert checkout.log() == ["install editables", "install .[gpu,keras,peers,dev]"]
    shutil.rmtree(checkout.root / ".venv")

    checkout.run("build", **gpu)
    checkout.log()
    checkout.run("build", INSTALLED="onnxruntime-gpu")
    assert checkout.log() == ["uninstall onnxruntime onnxruntime-gpu", *BUILD]
