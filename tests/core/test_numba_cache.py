"""Processes that compile at the same time have caches of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from songrec.core import numba_cache

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import sys
from songrec.core import numba_cache
print(numba_cache.claim(), flush=True)
sys.stdin.read()
"""
COMPILE = """
import sys
from songrec.core import numba_cache
numba_cache.claim()
sys.path.insert(0, sys.argv[1])
import compiled
print(compiled.triple(14), sum(compiled.triple.stats.cache_hits.values()))
"""


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return {**kept, "PYTHONPATH": str(ROOT), **variables}


@contextmanager
def holder(**variables: str) -> Iterator[str]:
    """A process that has claimed a folder, and the folder's path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env=environment(**variables),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_processes_at_once_have_folders_of_their_own_and_a_later_one_uses_the_first_again(
    tmp_path: Path,
) -> None:
    base = tmp_path / "cache" / "numba"
    variables = {"SONGREC_INSTANCE": str(tmp_path)}
    with holder(**variables) as first, holder(**variables) as second:
        assert (first, second) == (str(base / "slot-0"), str(base / "slot-1"))
        # A child of the second, which inherits its variable, has one beside it.
        with holder(NUMBA_CACHE_DIR=second) as third:
            assert third == str(base / "slot-2")
    with holder(SONGREC_INSTANCE=str(tmp_path)) as later:  # the others were killed
        assert later == str(base / "slot-0")
    assert (base / "slot-0").stat().st_mode & 0o777 == 0o700


def test_the_cache_is_used_again_by_the_next_process(tmp_path: Path) -> None:
    (tmp_path / "compiled.py").write_text(
        "import numba\n\n\n@numba.njit(cache=True)\ndef triple(x):\n    return 3 * x\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", COMPILE, str(tmp_path)],
            env=environment(SONGREC_INSTANCE=str(tmp_path / "instance")),
            text=True,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert outputs == [["42", "0"], ["42", "1"]]
    assert not list(tmp_path.glob("__pycache__/*.nb?"))
    assert list(tmp_path.glob("instance/cache/numba/slot-0/**/*.nbc"))


def test_an_instance_that_cannot_be_written_means_a_temporary_folder(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with holder(SONGREC_INSTANCE=str(tmp_path), TMPDIR=str(tmp_path)) as folder:
        assert folder.startswith(str(tmp_path / "songrec-numba-"))


def test_clearing_empties_what_no_process_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    with holder(SONGREC_INSTANCE=str(tmp_path)) as used:
        free = tmp_path / "cache" / "numba" / "slot-1"
        for folder in (Path(used), free):
            (folder / "umap_1").mkdir(parents=True)
            (folder / "umap_1" / "layouts.nbc").write_bytes(b"code")
            (folder / "index.nbi").write_bytes(b"index")
        assert numba_cache.clear(tmp_path) == 1
        assert (Path(used) / "umap_1" / "layouts.nbc").exists()
        assert (Path(used) / "index.nbi").exists()
        assert [path.name for path in free.iterdir()] == ["lock"]
    assert numba_cache.clear(tmp_path) == 2
    assert not (Path(used) / "umap_1").exists()


def test_whatever_imports_numba_claims_a_folder_first() -> None:
    imports = re.compile(r"^( *)(?:import|from) (?:umap|librosa|numba|pynndescent)\b", re.MULTILINE)
    count = 0
    for path in [*(ROOT / "songrec").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        source = path.read_text(encoding="utf-8")
        for match in imports.finditer(source):
            count += 1
            before = source[: match.start()].rstrip().splitlines()[-1]
            assert before.strip() == "numba_cache.claim()", path
    assert count >= 4
