"""Album files with cue sheets become their tracks, and tags are read again when they have to be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from flask import Flask
from mutagen.flac import FLAC
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.services.features import sound_files
from songrec.services.library.analysis_report import AnalyzeReport
from songrec.services.listeners import playlist_export
from songrec.services.segments import build_index
from songrec.store.catalogue.tracks import tracks_by_id
from songrec.store.instance import Instance
from songrec.store.listeners import reactions
from songrec.store.sound import audio_files, segment_index, waveform_cache
from songrec.store.tables import Album, Artist, AudioFile, Listener, Lyrics, Track, TrackArtist
from tests.audio_files.sounds import chords, write, write_wav
from tests.services.library import test_analyze_folder

analyze = test_analyze_folder.analyze
counted = test_analyze_folder.counted

CUE = """PERFORMER "Somebody"
TITLE "An Album"
REM DATE 1990
REM GENRE Ska
FILE "Album.wav" WAVE
  TRACK 01 AUDIO
    TITLE "One"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Two"
    PERFORMER "Somebody feat. Else"
    INDEX 01 00:04:00
  TRACK 03 AUDIO
    INDEX 01 00:07:37
"""


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """An album of three tracks in one FLAC file, whose sheet names a WAV file."""
    path = write(tmp_path / "music" / "Album.flac", chords(11.0, 5), 22_050, "flac")
    (path.parent / "Album.cue").write_text(CUE)
    return path


def rows(session: Session) -> list[tuple[int, str, float | None, float | None, str | None]]:
    session.expire_all()
    query = (
        select(AudioFile, Track.title)
        .join(Track, Track.id == AudioFile.track_id, isouter=True)
        .order_by(AudioFile.path, AudioFile.part)
    )
    return [
        (file.part, file.state, file.start_s, file.end_s, title)
        for file, title in session.execute(query)
    ]


SPLIT = [
    (1, "analysed", 0.0, 4.0, "One"),
    (2, "analysed", 4.0, 7.4933, "Two"),
    (3, "analysed", 7.4933, None, "Track 3"),
]


def test_an_album_file_becomes_its_tracks(analyze: Any, session: Session, album: Path) -> None:
    assert counted(analyze(album.parent)) == (3, 3, 0, 0)
    assert rows(session) == SPLIT
    tracks = {track.title: track for track in session.scalars(select(Track))}
    assert [tracks[title].duration_ms for title in ("One", "Two", "Track 3")] == [4000, 3493, 3507]
    assert tracks["Two"].artists == "Somebody feat. Else"
    assert {track.year for track in tracks.values()} == {1990}
    assert len(session.scalars(select(Album.title)).all()) == 1
    names = select(Artist.name).join(TrackArtist).distinct()
    assert "Somebody" in session.scalars(names).all()
    assert len({track.attributes.loudness for track in tracks.values()}) == 3
    # Again: nothing is read, nothing changes.
    before = {row.id: row.content_hash for row in session.scalars(select(AudioFile))}
    assert counted(analyze(album.parent)) == (3, 0, 3, 0)
    assert {row.id: row.content_hash for row in session.scalars(select(AudioFile))} == before


def test_a_sheet_inside_the_file_splits_it(analyze: Any, session: Session, album: Path) -> None:
    (album.parent / "Album.cue").unlink()
    file = FLAC(album)
    file["CUESHEET"], file["album"] = CUE.replace("One", "Öne"), "The Album’s Tag"
    file.save()
    assert counted(analyze(album.parent)) == (3, 3, 0, 0)
    assert [row[4] for row in rows(session)] == ["Öne", "Two", "Track 3"]
    assert session.scalars(select(Album.title)).all() == ["The Album’s Tag"]
    assert counted(analyze(album.parent)) == (3, 0, 3, 0)


def test_a_sheet_in_another_code_page_is_named_and_read_by_the_setting(
    analyze: Any, session: Session, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = CUE.replace("One", "Выхода нет").replace("Somebody", "Сплин")
    (album.parent / "Album.cue").write_bytes(sheet.encode("cp1251"))
    ((path, note),) = analyze(album.parent).notes
    assert path.endswith("Album.cue")
    assert "Выхода нет" in note
    assert "SONGREC_TAG_ENCODING=cp1251" in note
    monkeypatch.setenv("SONGREC_TAG_ENCODING", "cp1251")
    report = analyze(album.parent)
    assert (counted(report), report.tags_read_again, report.notes) == ((3, 0, 3, 0), 3, [])
    assert rows(session)[0][4] == "Выхода нет"


def test_new_names_in_a_sheet_are_read_without_analysing(
    analyze: Any, session: Session, album: Path
) -> None:
    analyze(album.parent)
    ids = [row.track_id for row in session.scalars(select(AudioFile).order_by(AudioFile.part))]
    (album.parent / "Album.cue").write_text(CUE.replace('"Two"', '"Zwei"'))
    report = analyze(album.parent)
    assert (counted(report), report.tags_read_again) == ((3, 0, 3, 0), 1)
    assert [row[4] for row in rows(session)] == ["One", "Zwei", "Track 3"]
    again = session.scalars(select(AudioFile).order_by(AudioFile.part))
    assert [row.track_id for row in again] == ids
    # Another time makes two other tracks.
    (album.parent / "Album.cue").write_text(CUE.replace("00:04:00", "00:03:00"))
    assert counted(analyze(album.parent)) == (3, 2, 1, 0)
    assert [row[2] for row in rows(session)] == [0.0, 3.0, 7.4933]


def test_a_sheet_that_comes_later_replaces_the_whole_and_going_brings_it_back(
    analyze: Any, session: Session, album: Path
) -> None:
    sheet = album.parent / "Album.cue"
    sheet.rename(album.parent / "Album.txt")
    assert counted(analyze(album.parent)) == (1, 1, 0, 0)
    (album.parent / "Album.txt").rename(sheet)
    assert counted(analyze(album.parent)) == (3, 3, 0, 0)
    assert rows(session) == SPLIT
    assert session.scalars(select(Track.title)).all() == ["One", "Two", "Track 3"]
    sheet.unlink()
    report = analyze(album.parent)
    assert counted(report) == (1, 1, 0, 0)
    assert report.missing == 3
    assert [row[:2] for row in rows(session)] == [
        (0, "analysed"),
        *((n, "missing") for n in (1, 2, 3)),
    ]


def test_a_song_as_a_whole_that_somebody_likes_stays(
    analyze: Any, session: Session, album: Path
) -> None:
    sheet = (album.parent / "Album.cue").rename(album.parent / "Album.txt")
    analyze(album.parent)
    whole = session.scalars(select(Track)).one()
    listener = Listener(token="somebody")
    session.add(listener)
    session.flush()
    reactions.react(session, listener, whole.id, 1)
    session.commit()
    sheet.rename(album.parent / "Album.cue")
    report = analyze(album.parent)
    assert any("stays" in note for _, note in report.notes)
    assert whole.title in session.scalars(select(Track.title)).all()
    assert rows(session) == SPLIT


@pytest.mark.parametrize(
    ("sheet", "reason"),
    [
        (
            CUE.replace("Album.wav", "Gone.wav")
            + 'FILE "Album.flac" WAVE\nTRACK 04 AUDIO\nINDEX 01 00:00:00\n',
            "'Gone.wav', which is not",
        ),
        (CUE.replace("00:04:00", "00:09:00"), "do not ascend (track 2)"),
        (CUE.replace("00:07:37", "59:00:00"), "begins at 3540 s, and the file has 11 s"),
        ("not a sheet", "names no tracks"),
    ],
)
def test_a_sheet_that_does_not_fit_splits_nothing_and_is_named(
    analyze: Any, session: Session, album: Path, sheet: str, reason: str
) -> None:
    (album.parent / "Album.cue").write_text(sheet)
    report = analyze(album.parent)
    assert counted(report) == (1, 1, 0, 0)
    ((path, note),) = [item for item in report.notes if item[0].endswith(".cue")]
    assert path == str(album.parent / "Album.cue")
    assert reason in note
    assert [row[0] for row in rows(session)] == [0]


def test_a_sheet_of_several_files_splits_each(
    analyze: Any, session: Session, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    for name, seed in (("Side A.wav", 1), ("Side B.wav", 2), ("Bonus.wav", 3)):
        write_wav(folder / name, chords(6.0, seed))
    lines = ['TITLE "LP"', 'PERFORMER "Band"']
    number = 0
    for name, times in (("Side A.wav", (0, 2)), ("side b.WAV", (0, 3)), ("Bonus.wav", (0,))):
        lines.append(f'FILE "{name}" WAVE')
        for time in times:
            number += 1
            lines += [f"TRACK {number:02} AUDIO", f'TITLE "T{number}"', f"INDEX 01 00:{time:02}:00"]
    (folder / "LP.cue").write_text("\r\n".join(lines), encoding="utf-8-sig")
    assert counted(analyze(folder)) == (5, 5, 0, 0)
    assert [(row[0], row[4]) for row in rows(session)] == [
        (0, "Bonus"),
        (1, "T1"),
        (2, "T2"),
        (3, "T3"),
        (4, "T4"),
    ]


def test_one_part_that_cannot_be_used_costs_only_itself(
    analyze: Any, session: Session, tmp_path: Path
) -> None:
    sound = chords(11.0, 5)
    sound[round(4.0 * 22_050) : round(7.6 * 22_050)] = 0
    write(tmp_path / "m" / "Album.flac", sound, 22_050, "flac")
    (tmp_path / "m" / "Album.cue").write_text(CUE)
    assert counted(analyze(tmp_path / "m")) == (3, 2, 0, 1)
    assert rows(session)[1] == (2, "rejected", 4.0, 7.4933, None)
    assert counted(analyze(tmp_path / "m")) == (3, 0, 2, 1)


def test_a_moved_album_keeps_its_tracks(analyze: Any, session: Session, album: Path) -> None:
    analyze(album.parent)
    before = [row.track_id for row in session.scalars(select(AudioFile).order_by(AudioFile.part))]
    other = album.parent / "Somebody"
    other.mkdir()
    for path in (album, album.parent / "Album.cue"):
        path.rename(other / path.name)
    assert counted(analyze(album.parent)) == (3, 0, 3, 0)
    after = session.scalars(select(AudioFile).order_by(AudioFile.part)).all()
    assert [row.track_id for row in after] == before
    assert {row.path for row in after} == {str(other / "Album.flac")}


def decoded(data: bytes, folder: Path) -> np.ndarray:
    path = folder / "heard.flac"
    path.write_bytes(data)
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def test_a_part_is_played_alone(
    app: Flask, analyze: Any, session: Session, album: Path, tmp_path: Path
) -> None:
    analyze(album.parent)
    with av.open(str(album)) as container:
        whole = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    client = app.test_client()
    files = session.scalars(select(AudioFile).order_by(AudioFile.part)).all()
    parts = []
    for file in files:
        with client.get(f"/listen/{file.public_id}") as answer:
            assert (answer.status_code, answer.mimetype) == (200, "audio/flac")
            parts.append(decoded(answer.data, tmp_path))
        assert len(parts[-1]) == pytest.approx(file.duration_s * 22_050, abs=0.001 * 22_050)
    assert np.array_equal(np.concatenate(parts), whole)
    start = {"Range": "bytes=0-3"}
    with client.get(f"/listen/{files[1].public_id}", headers=start) as answer:
        assert (answer.status_code, answer.data) == (206, b"fLaC")


def test_a_path_in_an_exported_playlist_is_never_the_whole_album(
    analyze: Any, session: Session, album: Path
) -> None:
    write_wav(album.parent / "Single.wav", chords(3.0, 9))
    analyze(album.parent)
    files = session.scalars(select(AudioFile)).all()
    views = tracks_by_id(session, [file.track_id for file in files])
    located = playlist_export.file_locations(session, views, "relative")
    assert list(located.values()) == ["Single.wav"]


def test_the_next_part_is_cut_ahead(
    app: Flask, analyze: Any, session: Session, album: Path
) -> None:
    analyze(album.parent)
    file = session.scalars(select(AudioFile).where(AudioFile.part == 2)).one()
    public_id = session.get_one(Track, file.track_id).public_id
    client = app.test_client()
    (entry,) = client.get(f"/listen/queue?tracks={public_id}").get_json()
    assert entry["is_part"]
    with client.head(entry["media"]) as answer:
        assert (answer.status_code, answer.data) == (200, b"")
    assert sound_files.is_local(app.config["INSTANCE"], audio_files.source_of(file))


def test_cut_parts_are_forgotten_when_there_are_too_many(
    app: Flask, analyze: Any, session: Session, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyze(album.parent)
    instance = app.config["INSTANCE"]
    monkeypatch.setattr(sound_files, "CACHE_BYTES", 1)
    sources = [audio_files.source_of(file) for file in session.scalars(select(AudioFile))]
    for source in sources:
        assert sound_files.local_path(instance, source).is_file()
    assert [sound_files.is_local(instance, source) for source in sources] == [False, False, True]


def test_the_tags_of_an_album_file_are_not_written(
    app: Flask, analyze: Any, session: Session, album: Path
) -> None:
    analyze(album.parent)
    before = album.read_bytes()
    done = app.test_cli_runner().invoke(args=["write-tags", str(album.parent), "--tempo"])
    assert "one track of an album file" in done.output
    assert album.read_bytes() == before


def reread(analyze: Any, folder: Path) -> tuple[int, int]:
    report: AnalyzeReport = analyze(folder)
    return report.analysed, report.tags_read_again


def test_a_setting_and_lyrics_beside_a_song_are_seen_later(
    analyze: Any, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "m" / "a.flac", chords(3.0, 1), 22_050, "flac")
    file = FLAC(path)
    file["title"], file["artist"] = "Âûõîäà íåò", "Ñïëèí"
    file.save()
    report = analyze(path.parent)
    assert (report.analysed, report.tags_read_again) == (1, 0)
    assert "SONGREC_TAG_ENCODING=cp1251" in report.notes[0][1]
    assert report.to_json()["suspected_encodings"] == {"cp1251": 1}
    assert reread(analyze, path.parent) == (0, 0)
    monkeypatch.setenv("SONGREC_TAG_ENCODING", "cp1251")
    assert reread(analyze, path.parent) == (0, 1)
    track = session.scalars(select(Track)).one()
    session.refresh(track)
    assert (track.title, track.artists) == ("Выхода нет", "Сплин")
    lyrics = path.with_suffix(".lrc")
    lyrics.write_text("[00:01.00]words")
    assert reread(analyze, path.parent) == (0, 1)
    assert session.get_one(Lyrics, track.id).text == "words"
    lyrics.write_text("[00:01.00]other words")
    os.utime(lyrics, (1, 1))
    assert reread(analyze, path.parent) == (0, 1)
    lyrics.unlink()
    assert reread(analyze, path.parent) == (0, 0)


def test_files_analysed_by_an_earlier_version_get_their_tags_read_once(
    analyze: Any, session: Session, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "m" / "Some Band - Song.wav", chords(3.0, 1))
    analyze(path.parent)
    row = session.scalars(select(AudioFile)).one()
    row.info = {name: value for name, value in row.info.items() if name != "tag_stamp"}
    session.commit()
    assert reread(analyze, path.parent) == (0, 1)
    assert reread(analyze, path.parent) == (0, 0)


def test_segments_and_waveforms_lie_within_their_parts(
    app: Flask, analyze: Any, session: Session, album: Path
) -> None:
    analyze(album.parent)
    instance = app.config["INSTANCE"]
    build_index.build(Instance(instance, session), by="mfcc")
    name = segment_index.current(instance)
    folder = segment_index.folder(instance) / name
    tracks, first, starts = (
        np.load(folder / f"{name}.npy") for name in ("track_ids", "first", "starts")
    )
    files = {file.track_id: file for file in session.scalars(select(AudioFile))}
    assert set(tracks.tolist()) == set(files)
    for track_id, begin, end in zip(tracks.tolist(), first[:-1], first[1:], strict=True):
        file = files[track_id]
        assert starts[begin:end].min() == 0.0
        assert starts[begin:end].max() < file.duration_s
        waveform = waveform_cache.find(instance, file.content_hash)
        assert waveform.seconds == pytest.approx(file.duration_s, abs=0.01)
