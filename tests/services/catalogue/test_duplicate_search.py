"""The search for duplicates: by content, by name, by sound; what an import says; re-imports."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from songrec.core import isolation
from songrec.features import near_duplicates
from songrec.features.audio import chromaprint
from songrec.services.catalogue import duplicate_search
from songrec.services.library.after_import import import_catalogue
from songrec.services.library.analysis_report import AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder
from songrec.store.catalogue import duplicates as store
from songrec.store.catalogue import match_keys, merging
from songrec.store.catalogue.duplicates import DuplicatePair
from songrec.store.instance import Instance
from songrec.store.tables import Duplicate, MatchKey, Playlist, PlaylistTrack, Track
from tests.audio_files.sounds import chords, write, write_wav
from tests.factories import make_track
from tests.sounding import add_sound

needs_fpcalc = pytest.mark.skipif(
    chromaprint.missing() is not None, reason=str(chromaprint.missing())
)
HEADER = (
    "track_id,track_name,track_artist,track_popularity,track_album_id,track_album_name,"
    "track_album_release_date,playlist_name,playlist_id,playlist_genre,playlist_subgenre,"
    "danceability,energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,"
    "valence,tempo,duration_ms"
)


@pytest.fixture
def no_fpcalc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No fpcalc, neither here nor in the child process, which is this test's own."""
    monkeypatch.setenv("FPCALC", "/no/such/fpcalc")
    with isolation.IsolatedProcess() as process:
        monkeypatch.setattr(isolation, "_shared", process)
        yield


def found(session: Session) -> set[tuple[int, int, str]]:
    rows = session.scalars(select(Duplicate))
    return {(row.first_id, row.second_id, row.kind) for row in rows}


def named(session: Session, title: str, duration_ms: int | None = 200_000, **more: Any) -> int:
    return make_track(session, title, artists="Ann", duration_ms=duration_ms, **more).id


def test_names_are_compared_with_lengths(session: Session, app: Flask, no_fpcalc: None) -> None:
    one = named(session, "Song")
    same = named(session, "Song - 2011 Remaster", 202_000)
    unknown = named(session, "SONG", None)
    named(session, "Song", 260_000)
    named(session, "Song - Live")
    done = duplicate_search.search(Instance(app.config["INSTANCE"], session))
    assert (one, same, "names") in found(session)
    assert (one, unknown, "names") in found(session)
    assert done.groups == 1


def test_a_changed_title_is_seen_by_the_next_search(
    session: Session, app: Flask, no_fpcalc: None
) -> None:
    one, other = named(session, "Song"), named(session, "Another")
    duplicate_search.search(Instance(app.config["INSTANCE"], session))
    assert found(session) == set()
    track = session.get_one(Track, other)
    track.title, track.updated_at = "song", track.updated_at.replace(year=2030)
    session.flush()
    duplicate_search.search(Instance(app.config["INSTANCE"], session))
    assert found(session) == {(one, other, "names")}
    assert match_keys.refresh(session) == 0


def test_the_same_bytes_in_two_tracks_are_found(
    session: Session, app: Flask, tmp_path: Path, no_fpcalc: None
) -> None:
    sound = write_wav(tmp_path / "a.wav", chords(1, 1))
    copy = tmp_path / "b.wav"
    copy.write_bytes(sound.read_bytes())
    one, other = make_track(session), make_track(session)
    add_sound(session, one, sound)
    add_sound(session, other, copy)
    duplicate_search.search(Instance(app.config["INSTANCE"], session))
    assert found(session) == {(one.id, other.id, "content")}


def test_what_hangs_together_is_one_group(session: Session) -> None:
    a, b, c, d, e = (make_track(session).id for _ in range(5))
    pairs = [(b, c), (d, e), (a, c)]
    assert store.replace_all(session, [DuplicatePair(*pair, "names") for pair in pairs]) == 2
    groups = store.page(session, 1, 10)
    assert [[m.track.id for m in group.members] for group in groups] == [[a, b, c], [d, e]]


def test_a_merge_says_of_the_survivor_what_was_found_of_the_other(session: Session) -> None:
    a, b, c = (make_track(session).id for _ in range(3))
    store.replace_all(
        session, [DuplicatePair(a, b, "names"), DuplicatePair(b, c, "features", 0.99)]
    )
    before = found(session)
    row = merging.merge(session, a, b)
    assert found(session) == {(a, c, "features")}
    merging.undo(session, row.id)
    assert found(session) == before


def test_without_fpcalc_it_is_said_plainly(session: Session, app: Flask, no_fpcalc: None) -> None:
    done = duplicate_search.search(Instance(app.config["INSTANCE"], session))
    assert "fpcalc is not installed" in done.fingerprints
    assert store.summary(app.config["INSTANCE"]) == json.loads(json.dumps(done.to_json()))


def ingest(session: Session, path: Path, *songs: tuple[str, str, str]) -> Any:
    """Songs as (id, title, playlist) in the format of the playlists' catalogue."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(HEADER.split(","))
        for song_id, title, playlist in songs:
            table.writerow(
                [
                    song_id,
                    title,
                    "Ann",
                    50,
                    "al",
                    "Album",
                    "2019-06-14",
                    playlist,
                    playlist,
                    "pop",
                    "dance pop",
                    0.7,
                    0.9,
                    6,
                    -2.6,
                    1,
                    0.05,
                    0.1,
                    0.0,
                    0.06,
                    0.5,
                    122.0,
                    200_000,
                ]
            )
    return import_catalogue(Instance(path.parent, session), path)


def test_an_import_counts_what_looks_like_songs_already_there_and_merges_nothing(
    session: Session, tmp_path: Path
) -> None:
    first = ingest(session, tmp_path / "one.csv", ("1", "Song", "P"))
    assert first.alike == 0
    again = ingest(
        session,
        tmp_path / "two.csv",
        ("2", "Song (Remastered)", "P"),
        ("3", "Song - Live", "P"),
    )
    assert (again.inserted, again.alike) == (2, 1)
    assert again.to_json()["alike"] == 1
    assert len(session.scalars(select(Track)).all()) == 3


def test_importing_a_merged_song_again_adds_to_the_survivor(
    session: Session, tmp_path: Path
) -> None:
    ingest(session, tmp_path / "a.csv", ("1", "Song", "O"), ("2", "SONG", "O"))
    one, two = session.scalars(select(Track.id).order_by(Track.id))
    merging.merge(session, one, two)
    session.commit()
    report = ingest(session, tmp_path / "b.csv", ("2", "SONG", "P"), ("9", "New", "O"))
    assert (report.inserted, report.unchanged) == (1, 1)
    held = select(PlaylistTrack.track_id).join(Playlist).where(Playlist.name == "P")
    assert session.scalars(held).all() == [one]
    new = session.scalars(select(Track.id).where(Track.title == "New")).one()
    assert new > two  # the merged track's id stays its own


def test_analysed_copies_are_found_by_their_sound(
    session: Session, app: Flask, tmp_path: Path, no_fpcalc: None
) -> None:
    folder = tmp_path / "music"
    for seed in range(12):
        write_wav(folder / f"piece {seed}.wav", chords(4, seed))
    # Other bytes and another sample format, so no copy by content.
    write_wav(folder / "again.wav", chords(4, 3), width=3)
    instance = app.config["INSTANCE"]
    analyze_folder(Instance(instance, session), AnalyzeRequest(folder, workers=1))
    session.execute(update(Track).values(artists=""))
    done = duplicate_search.search(Instance(instance, session))
    ids = {track.title: track.id for track in session.scalars(select(Track))}
    pair = sorted((ids["piece 3"], ids["again"]))
    assert done.compared_by_features == 13
    assert found(session) == {(*pair, "features")}


def test_near_pairs_are_those_of_every_pair_looked_at() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 6)).astype(np.float32)
    values[150:] = values[:150] + rng.normal(scale=0.2, size=(150, 6))
    values[7, 2] = np.nan
    lengths = rng.uniform(100, 110, 300)
    pairs, cosines = near_duplicates.near_pairs(values, lengths, 0.95)
    unit = near_duplicates.unit_rows(values)
    every = {
        (a, b)
        for a in range(300)
        for b in range(a + 1, 300)
        if unit[a] @ unit[b] >= 0.95
        and min(lengths[a], lengths[b]) >= 0.98 * max(lengths[a], lengths[b])
    }
    assert {tuple(pair) for pair in pairs.tolist()} == every
    assert len(every) > 40
    assert (cosines >= 0.95).all()


def test_a_packed_fingerprint_is_unpacked() -> None:
    # Words 1, 0b11 and 1 << 20, by hand: bits 1; 2 of (1 ^ 3); 1, 2 and 21 of (3 ^ 1 << 20).
    steps = [1, 0, 2, 0, 1, 1, 7, 0]
    packed = np.concatenate(
        [np.unpackbits(np.uint8([step]), bitorder="little")[:3] for step in steps]
        + [np.unpackbits(np.uint8([19 - 7]), bitorder="little")[:5]]
    )
    raw = bytes([1, 0, 0, 3]) + np.packbits(packed, bitorder="little").tobytes()
    words = chromaprint.unpack(base64.urlsafe_b64encode(raw).rstrip(b"="))
    assert words.tolist() == [1, 3, 1 << 20]


def test_likeness_finds_the_best_of_the_shifts_and_wants_both_whole() -> None:
    words = np.random.default_rng(0).integers(0, 2**32, 400, dtype=np.uint32)
    assert chromaprint.similarity(words, words) == 1.0
    assert chromaprint.similarity(words[3:], words) == 1.0
    assert chromaprint.similarity(words[:200], words) == 0.0
    noise = np.random.default_rng(1).integers(0, 2**32, 400, dtype=np.uint32)
    assert 0.4 < chromaprint.similarity(words, noise) < 0.6
    near = words ^ (noise & noise[::-1] & np.roll(noise, 7) & np.roll(noise, 31))

    def candidates(*prints: chromaprint.Words) -> list[list[int]]:
        return chromaprint.candidates([chromaprint.sketch(one) for one in prints]).tolist()

    assert candidates(noise, words, near, words[:10]) in ([], [[1, 2]])
    assert candidates(words[:10], noise, words, words.copy()) == [[2, 3]]


@needs_fpcalc
def test_encodings_of_a_recording_have_the_same_fingerprint(
    session: Session, app: Flask, tmp_path: Path
) -> None:
    tracks = []
    for seed in range(4):
        track = make_track(session)
        add_sound(session, track, write_wav(tmp_path / f"{seed}.wav", chords(12, seed)))
        tracks.append(track.id)
    copy = make_track(session)
    add_sound(session, copy, write(tmp_path / "2.mp3", chords(12, 2), 22_050, "libmp3lame"))
    done = duplicate_search.search(Instance(app.config["INSTANCE"], session))
    assert done.fingerprinted == 5
    assert found(session) == {(tracks[2], copy.id, "fingerprint")}
    with av.open(str(tmp_path / "2.mp3")) as file:
        assert file.streams.audio[0].codec_context.name.startswith("mp3")
    assert session.scalar(select(MatchKey.track_id)) is not None


def test_equal_rows_are_paired_with_the_first_of_them_alone() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(1_000, 5)).astype(np.float32)
    lengths = rng.uniform(100, 200, 1_000)
    copies = np.arange(10, 400, 3)
    values[copies], lengths[copies] = values[4], lengths[4]
    values[500], lengths[500] = values[4], lengths[4] * 1.5
    pairs, cosines = near_duplicates.near_pairs(values, lengths, 0.9999)
    assert sorted(map(tuple, pairs.tolist())) == [(4, copy) for copy in copies]
    assert cosines == pytest.approx(1.0)
