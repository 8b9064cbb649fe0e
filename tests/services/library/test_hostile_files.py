"""A folder with files that are made to hang, crash or fill the memory: the others are analysed."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.audio_files import tags
from songrec.core import isolation
from songrec.features.settings import AudioSettings
from songrec.services.features import waveform
from songrec.services.library import worker_process
from songrec.services.library.analysis_report import AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder
from songrec.store.instance import Instance
from songrec.store.tables import Track
from tests.audio_files.bombs import id3_bomb
from tests.audio_files.sounds import chords, tone, write, write_wav

SETTINGS = AudioSettings(seconds=3.0)
MIB = 2**20


def memory_peak(pid: int | None) -> int:
    """Return the greatest memory that a process has had, 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return max(
        (int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), default=0
    )


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """A song of 3 s behind a tag of 1.6 MB that unpacks to 1.5 GiB."""
    song = write(tmp_path / "song.mp3", chords(3.0, 1), 22_050, "libmp3lame").read_bytes()
    path = tmp_path / "music" / "a bomb.mp3"
    path.parent.mkdir()
    path.write_bytes(id3_bomb(1.5) + song)
    return path


def test_a_bomb_in_the_tags_costs_its_tags_and_the_next_song_is_analysed(
    app: Flask, session: Session, bomb: Path
) -> None:
    write_wav(bomb.with_name("b song.wav"), chords(3.0, 2))
    # A sheet beside it has its length looked up, which reads its tags once more.
    bomb.with_suffix(".cue").write_text(
        'FILE "a bomb.mp3" MP3\n TRACK 01 AUDIO\n  INDEX 01 00:00:00\n'
        " TRACK 02 AUDIO\n  INDEX 01 00:01:00\n"
    )
    peaks: dict[int, int] = {}

    def look(share: float, message: str, details: dict[str, Any] | None = None) -> None:
        children = [one.pid for one in list(worker_process._all)] + [isolation._shared.pid]
        peaks.update({pid: memory_peak(pid) for pid in children if pid})

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    request = AnalyzeRequest(bomb.parent, workers=1, settings=SETTINGS)
    report = analyze_folder(Instance(app.config["INSTANCE"], session), request, look)
    assert (report.analysed, report.rejected) == (3, [])
    assert {title for (title,) in session.execute(select(Track.title))} == {
        "Track 1",
        "Track 2",
        "b song",
    }
    notes = [note for _, note in report.notes]
    assert "its tags need more than 256 MiB of memory and are not read" in notes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert peaks
    assert max(peaks.values()) < tags.MEMORY_BYTES + 400 * MIB


def test_its_waveform_is_drawn_in_a_child_too(app: Flask, bomb: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    created = waveform.create(app.config["INSTANCE"], bomb, "a" * 64)
    assert (created.seconds, created.cover_type) == (pytest.approx(3.0, abs=0.1), None)
    assert max(created.peaks) > 0.1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_a_file_that_needs_too_much_memory_is_one_rejected_line(
    app: Flask, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "MEMORY_BYTES", 96 * MIB)
    write_wav(tmp_path / "music" / "a large.wav", tone(1000.0, 8_000), 8_000)
    write_wav(tmp_path / "music" / "b small.wav", chords(3.0, 2))
    request = AnalyzeRequest(
        tmp_path / "music", workers=1, settings=AudioSettings(seconds=1000.0, where="start")
    )
    report = analyze_folder(Instance(app.config["INSTANCE"], session), request)
    assert [(Path(path).name, why) for path, why in report.rejected] == [
        ("a large.wav", "needs more than 96 MiB of memory")
    ]
    assert report.analysed == 1
