"""What `make run` says before anything is installed: one line for each thing that is wrong."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "requirements" / "install.py"


@pytest.fixture(scope="module")
def install() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("install", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def message(install: ModuleType, function: str, *arguments: object) -> str:
    with pytest.raises(install.Problem) as caught:
        getattr(install, function)(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("version", [(3, 11, 7), (3, 12, 1), (3, 13, 0)])
def test_supported_versions_pass(install: ModuleType, version: tuple[int, ...]) -> None:
    install.check_python(version, "CPython", True, True)


@pytest.mark.parametrize(
    ("version", "implementation", "is_64_bit", "has_gil", "what"),
    [
        ((2, 7, 18), "CPython", True, True, "Python 2.7.18"),
        ((3, 10, 13), "CPython", True, True, "Python 3.10.13"),
        ((3, 15, 0), "CPython", True, True, "Python 3.15.0"),
        ((3, 12, 1), "PyPy", True, True, "PyPy"),
        ((3, 12, 1), "CPython", False, True, "a Python for 32 bits"),
        ((3, 13, 0), "CPython", True, False, "a free-threaded Python"),
    ],
)
def test_another_python_is_one_line_that_names_a_supported_one(
    install: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    version: tuple[int, ...],
    implementation: str,
    is_64_bit: bool,
    has_gil: bool,
    what: str,
) -> None:
    arguments = (version, implementation, is_64_bit, has_gil)
    monkeypatch.setattr(install, "_runs", lambda name: name == "python3.12")
    text = message(install, "check_python", *arguments)
    assert f"is {what}. Add PYTHON=python3.12 to the command" in text
    monkeypatch.setattr(install, "_runs", lambda name: False)
    assert "Install one (python3.13)" in message(install, "check_python", *arguments)


OTHERS = [
    path
    for name in ("python2.7", "python3.6", "python3.10")
    for path in [shutil.which(name), *Path.home().glob(f".pyenv/versions/*/bin/{name}")]
    if path
]


@pytest.mark.parametrize("python", OTHERS or [None], ids=str)
def test_the_script_runs_on_old_pythons(python: str | None, tmp_path: Path) -> None:
    if python is None or subprocess.run([python, "-c", ""], capture_output=True).returncode:
        pytest.skip("no old Python here")
    done = subprocess.run(
        [python, str(SCRIPT), str(tmp_path / "venv"), "requirements.txt"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("songrec: songrec needs CPython 3.11 to ")
    assert not (tmp_path / "venv").exists()


def test_a_python_without_venv_is_one_line(install: ModuleType) -> None:
    text = message(install, "check_venv", ("venv", "ensurepip_of_debian"))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (
        f"has no module ensurepip_of_debian. On Debian and Ubuntu: apt install python{version}-venv"
        in text
    )


def test_a_full_disk_is_seen_before_anything_is_installed(
    install: ModuleType, tmp_path: Path
) -> None:
    text = message(install, "check_space", str(tmp_path), str(tmp_path), lambda folder: 2e9)
    assert text.startswith(
        f"No space: installing needs 4.7 GB in {tmp_path}, where 2.0 GB are free"
    )
    assert "TMPDIR" in text
    install.check_space(str(tmp_path), str(tmp_path), lambda folder: 5e9)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "Collecting flask\nERROR: Could not install packages due to an OSError: [Errno 28] No "
            "space left on device\n",
            "the disk is full",
        ),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError("
            '"Failed to establish a new connection: [Errno -3] Temporary failure in name '
            "resolution\")'\nERROR: No matching distribution found for flask==3.1\n",
            "the package index cannot be reached",
        ),
        (
            "ERROR: Could not find a version\nERROR: No matching distribution found for "
            "tensorflow==2.21.0\n",
            "the package index has no tensorflow==2.21.0 for this system",
        ),
        ("ERROR: Could not install: [Errno 13] Permission denied: '/opt'\n", "VENV=~/songrec-venv"),
        ("ERROR: something new\nmore about it\n", "installed: something new"),
        ("", "pip did not say why"),
    ],
)
def test_failures_of_pip_are_one_line(install: ModuleType, output: str, line: str) -> None:
    text = install.explain(output)
    assert line in text
    assert "\n" not in text


LOCKS = {
    "requirements.txt": "base.in",
    "requirements/dev.txt": "dev.in",
    "requirements/embeddings.txt": "embeddings.in",
    "requirements/postgresql.txt": "postgresql.in",
    "requirements/vibenet.txt": "vibenet.in",
    "requirements/sentences.txt": "sentences.in",
}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(("lock", "source"), LOCKS.items(), ids=LOCKS)
def test_every_pin_has_hashes_and_every_requirement_a_pin(lock: str, source: str) -> None:
    lines = (ROOT / lock).read_text().replace("\\\n", "").splitlines()
    pins = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    for pin in pins:
        assert re.match(r"[\w.-]+==[\w.]+ .*--hash=sha256:[0-9a-f]{64}\b", pin), pin[:80]
    required = {
        normalized(match[1])
        for line in (SCRIPT.parent / source).read_text().splitlines()
        if (match := re.match(r"([A-Za-z][\w.-]*)", line))
    }
    assert required
    assert required <= {normalized(pin.split("==")[0]) for pin in pins}


def test_what_the_real_pip_refuses_is_one_line(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"songrec-no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    environment = tmp_path / "made on the way" / "venv"
    arguments = [sys.executable, str(SCRIPT), str(environment), str(requirements)]
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_NO_INDEX": "1"},
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "has no songrec-no-such-package==1.0 for this system" in line
    assert (environment / "bin" / "python").exists()
    # The environment works: the next call goes on in it.
    requirements.write_text("")
    assert subprocess.run(arguments, capture_output=True, text=True).returncode == 0
    # Nor does a file with another hash than the pinned one get into it.
    with zipfile.ZipFile(tmp_path / "songrec_probe-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("songrec_probe-1.0.dist-info/METADATA", "Name: songrec-probe\nVersion: 1.0")
    requirements.write_text(f"songrec-probe==1.0 --hash=sha256:{'0' * 64}\n")
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)},
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "a downloaded package differs from the pinned one" in line
