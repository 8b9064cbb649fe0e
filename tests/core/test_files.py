"""Atomic files and folders."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from songrec.core import files


def fail_after_writing(path: Path) -> None:
    path.write_text("new")
    raise ZeroDivisionError


def test_a_file_is_replaced_only_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "notes.txt"
    files.write_text(path, "old")
    with pytest.raises(ZeroDivisionError), files.atomic_file(path) as temporary:
        fail_after_writing(temporary)
    assert path.read_text() == "old"
    with files.atomic_file(path, suffix=".txt") as temporary:
        assert temporary.suffix == ".txt"
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert [each.name for each in path.parent.iterdir()] == ["notes.txt"]


def test_json_round_trip_and_missing_or_damaged_files_read_as_none(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    assert files.read_json(path) is None
    files.write_json(path, {"a": [1, "ü"]}, indent=2)
    assert files.read_json(path) == {"a": [1, "ü"]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(path, float("nan"))
    assert files.read_json(path) == {"a": [1, "ü"]}
    path.write_text("{")
    assert files.read_json(path) is None


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    final = tmp_path / "runs" / "r1"
    with pytest.raises(ZeroDivisionError), files.atomic_folder(final) as folder:
        fail_after_writing(folder / "a")
    assert list(final.parent.iterdir()) == []
    with files.atomic_folder(final) as folder:
        assert files.is_partial(folder)
        assert not final.exists()
        (folder / "a").write_text("1")
    assert (final / "a").read_text() == "1"


def test_a_folder_gives_way_only_when_asked_to(tmp_path: Path) -> None:
    final = tmp_path / "model"
    for content in "12":
        with files.atomic_folder(final, replace=True) as folder:
            (folder / "a").write_text(content)
    assert (final / "a").read_text() == "2"
    with pytest.raises(OSError, match="not empty"), files.atomic_folder(final) as folder:
        (folder / "a").write_text("3")
    assert (final / "a").read_text() == "2"
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_the_version_in_use_is_named_in_a_file(tmp_path: Path) -> None:
    assert files.current_version(tmp_path) is None
    files.use_version(tmp_path, "v1")
    files.use_version(tmp_path, "v2")
    assert files.current_version(tmp_path) == "v2"


@pytest.mark.parametrize("moment", [-(2**70), -1, 0, 2**63 - 1, 2**63, 10**19, 2**64 + 5])
def test_modification_times_fit_into_64_bits_and_differ(moment: int) -> None:
    one, next_one = (
        files.modified_ns(cast(os.stat_result, SimpleNamespace(st_mtime_ns=moment + step)))
        for step in (0, 1)
    )
    assert one != next_one
    assert all(-(2**63) <= value < 2**63 for value in (one, next_one))
    if abs(moment) < 2**62:
        assert one == moment
