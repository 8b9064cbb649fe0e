"""The folder of shared counters: one for each server, removed with it or after it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from songrec.core import metrics_folder
from songrec.core.errors import BadInput


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(metrics_folder.VARIABLE, "")  # restored after the test


def test_one_folder_for_one_server(tmp_path: Path) -> None:
    folder = metrics_folder.prepare(str(tmp_path))
    (folder / "counter_1.db").touch()
    assert metrics_folder.prepare(str(tmp_path)) == folder
    assert list(tmp_path.iterdir()) == [folder]
    metrics_folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_servers_folder_is_removed_and_a_living_ones_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        for pid in (ended.pid, living.pid):
            (tmp_path / f"songrec-metrics-{pid}-abc").mkdir()
        (tmp_path / "other").mkdir()
        folder = metrics_folder.prepare(str(tmp_path))
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {folder.name, f"songrec-metrics-{living.pid}-abc", "other"}
    finally:
        living.communicate()


def test_a_place_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"SONGREC_METRICS=1 needs a folder .* No such file"):
        metrics_folder.prepare(str(tmp_path / "absent"))


def test_another_programs_folder_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics_folder.VARIABLE, str(tmp_path))
    metrics_folder.remove()
    assert tmp_path.is_dir()
