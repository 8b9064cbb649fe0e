"""Folders within a limit of bytes: what was used last stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from songrec.core import file_cache


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Four files of 100 bytes, the first one used longest ago."""
    paths = [tmp_path / name[:1] / name for name in ("a1", "a2", "b1", "b2")]
    for age, path in enumerate(reversed(paths)):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return paths


def test_what_was_used_longest_ago_is_deleted_first(tmp_path: Path, files: list[Path]) -> None:
    assert file_cache.use(files[0])
    file_cache.trim(tmp_path, 250, files[3])
    assert [path.exists() for path in files] == [True, False, False, True]


def test_the_newest_stays_however_large_it_is(tmp_path: Path, files: list[Path]) -> None:
    file_cache.trim(tmp_path, 50, files[1])
    assert [path.exists() for path in files] == [False, True, False, False]


def test_unfinished_files_stay_for_a_day(tmp_path: Path, files: list[Path]) -> None:
    writing, abandoned = tmp_path / "a" / ".1.partial", tmp_path / "a" / ".2.partial"
    for path in (writing, abandoned):
        path.write_bytes(bytes(1000))
    os.utime(abandoned, (1_700_000_000, 1_700_000_000))
    file_cache.trim(tmp_path, 400, files[3])
    assert all(path.exists() for path in files)
    assert writing.exists()
    assert not abandoned.exists()


def test_a_file_that_is_gone_is_not_used(tmp_path: Path) -> None:
    assert not file_cache.use(tmp_path / "gone")
