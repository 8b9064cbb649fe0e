"""A folder becomes tracks; what is known is left alone; nothing is lost and nothing dies."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from mutagen.id3 import ID3, TIT2, TPE1
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from songrec.audio_files.file_scan import content_hash
from songrec.core.errors import BadInput, Cancelled, NotReady, UnknownName
from songrec.core.feature_spec import FeatureSpec
from songrec.features.extraction import make_extractors
from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.services.features import feature_sets
from songrec.services.library import analyze_folder as analyze_module
from songrec.services.library import audio_tracks, executors
from songrec.services.library.analysis_report import AnalyzeReport, AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder
from songrec.services.library.worker_process import Outcome, Task, request_of, try_to_analyse
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.sound import audio_files, feature_cache
from songrec.store.sound.audio_files import UnknownFile
from songrec.store.tables import AudioFile, FeatureVector, Lyrics, Tag, Track, TrackTag
from tests.audio_files.sounds import chords, write, write_wav
from tests.catalogue_files.stored import names_of

ROOT = Path(__file__).resolve().parents[3]
# Short clips and small transforms: what is tested here is not the features.
SETTINGS = AudioSettings(seconds=3.0)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Two songs in folders named by genre."""
    folder = tmp_path / "music"
    write_wav(folder / "Rock" / "Some Band - First.wav", chords(4.0, 1))
    write_wav(folder / "Jazz" / "Other Band - Second.wav", chords(4.0, 2))
    return folder


def analyse_in_process(task: Task) -> Outcome:
    """What a child process answers, without waiting for one to start."""
    extractors = make_extractors(task.sets, AudioSettings(**task.settings))
    return Outcome(**try_to_analyse(request_of(task), extractors))


@pytest.fixture
def analyze(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(executors, "analyse_here", analyse_in_process)

    def run(folder: Path, **values: Any) -> AnalyzeReport:
        progress = values.pop("on_progress", None)
        request = AnalyzeRequest(folder, **{"workers": 1, "settings": SETTINGS, **values})
        more = {"on_progress": progress} if progress else {}
        report = analyze_folder(Instance(app.config["INSTANCE"], session), request, **more)
        assert report.found == report.analysed + report.unchanged + len(report.rejected)
        return report

    return run


def counted(report: AnalyzeReport) -> tuple[int, int, int, int]:
    return report.found, report.analysed, report.unchanged, len(report.rejected)


def tracks(session: Session) -> dict[str, Track]:
    session.expire_all()
    return {track.title: track for track in session.scalars(select(Track))}


def test_a_folder_becomes_tracks_with_labels_and_measured_attributes(
    analyze: Any, session: Session, music: Path
) -> None:
    assert counted(analyze(music)) == (2, 2, 0, 0)
    first = tracks(session)["First"]
    assert (first.artists, names_of(session, first, "genre"), first.source) == (
        "Some Band",
        "rock",
        "music",
    )
    assert first.duration_ms == 4000
    assert first.source_key.startswith("audio:")
    assert first.attributes.loudness is not None
    assert first.attributes.energy is None
    named = select(Tag.name).join(TrackTag).where(TrackTag.track_id == first.id)
    assert session.scalars(named).all() == ["rock"]
    file = audio_files.for_track(session, first.id)
    assert file.state == "analysed"
    assert (file.info["start_s"], file.info["excerpt_s"], file.duration_s) == (0.5, 3.0, 4.0)
    assert file.info["attributes"]["loudness"]["source"] == "measured"
    assert audio_files.path_of(session, file.public_id).name == "Some Band - First.wav"


def test_features_are_kept_and_read_as_a_table(
    app: Flask, analyze: Any, session: Session, music: Path
) -> None:
    analyze(music)
    table = feature_sets.table(Instance(app.config["INSTANCE"], session), feature_sets.DEFAULT_SETS)
    assert table.values.shape == (2, len(table.names))
    assert table.names[0] == "mfcc:mfcc_1_mean"
    assert np.isfinite(table.values).mean() > 0.9
    assert sorted(table.track_ids.tolist()) == sorted(t.id for t in tracks(session).values())
    with pytest.raises(NotReady, match="flask analyze DIR --features musicnn"):
        feature_cache.read_table(
            Instance(app.config["INSTANCE"], session), [feature_cache.SetKey("musicnn", 1, "x")]
        )


def test_the_same_folder_again_changes_nothing(
    analyze: Any, session: Session, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyze(music)
    before = {title: track.updated_at for title, track in tracks(session).items()}
    monkeypatch.setattr(executors, "analyse_here", lambda task: pytest.fail(task.path))
    assert counted(analyze(music)) == (2, 0, 2, 0)
    assert {title: track.updated_at for title, track in tracks(session).items()} == before


def test_the_mark_of_an_estimator_is_no_stamp_of_tags(
    analyze: Any, session: Session, music: Path
) -> None:
    analyze(music)
    for row in session.scalars(select(AudioFile)):
        row.info = {**row.info, "tags": "musicnn_tags:1-0a1b2c3d"}
    session.commit()
    assert counted(analyze(music)) == (2, 0, 2, 0)
    assert {row.info["tags"] for row in session.scalars(select(AudioFile))} == {
        "musicnn_tags:1-0a1b2c3d"
    }


def test_a_moved_file_keeps_its_track_and_its_address(
    analyze: Any, session: Session, music: Path
) -> None:
    analyze(music)
    before = tracks(session)["First"]
    file_id = audio_files.for_track(session, before.id).public_id
    (music / "Rock" / "Some Band - First.wav").rename(music / "renamed.wav")
    assert counted(analyze(music)) == (2, 0, 2, 0)
    session.expire_all()
    file = audio_files.find(session, file_id)
    assert (file.track_id, file.state) == (before.id, "analysed")
    assert file.path == str(music / "renamed.wav")
    assert audio_files.counts(session) == {"listed": 0, "analysed": 2, "rejected": 0, "missing": 0}


def test_a_copy_is_the_same_track(analyze: Any, session: Session, music: Path) -> None:
    shutil.copy(music / "Rock" / "Some Band - First.wav", music / "copy.wav")
    assert counted(analyze(music)) == (3, 3, 0, 0)
    assert len(tracks(session)) == 2
    shutil.copy(music / "copy.wav", music / "another.wav")
    assert counted(analyze(music)) == (4, 0, 4, 0)
    assert len(tracks(session)) == 2


def test_a_vanished_file_is_marked_and_comes_back(
    analyze: Any, session: Session, music: Path, tmp_path: Path
) -> None:
    analyze(music)
    path = music / "Rock" / "Some Band - First.wav"
    away = path.rename(tmp_path / "away.wav")
    report = analyze(music)
    assert (report.missing, counted(report)) == (1, (1, 0, 1, 0))
    track = tracks(session)["First"]
    assert audio_files.for_track(session, track.id) is None
    file = session.scalar(select(AudioFile).where(AudioFile.state == "missing"))
    assert file.track_id == track.id
    with pytest.raises(UnknownFile):
        audio_files.path_of(session, file.public_id)
    away.rename(path)
    assert counted(analyze(music)) == (2, 0, 2, 0)
    assert audio_files.for_track(session, track.id).path == str(path)


def test_a_retagged_file_is_analysed_anew_and_keeps_its_track(
    analyze: Any, session: Session, tmp_path: Path
) -> None:
    folder = tmp_path / "music"
    path = write(folder / "a.mp3", chords(4.0, 1, 44_100), 44_100, "libmp3lame")
    analyze(folder)
    before = tracks(session)["a"].public_id
    tags = ID3()
    tags.add(TIT2(text="Named"))
    tags.add(TPE1(text="Somebody"))
    tags.save(path)
    assert counted(analyze(folder)) == (1, 1, 0, 0)
    after = tracks(session)
    assert list(after) == ["Named"]
    assert (after["Named"].public_id, after["Named"].artists) == (before, "Somebody")


def test_another_song_at_an_old_path_is_another_track(
    analyze: Any, session: Session, music: Path
) -> None:
    analyze(music)
    write_wav(music / "Rock" / "Some Band - First.wav", chords(6.0, 9))
    (music / "Rock" / "Some Band - First.wav").rename(music / "Rock" / "x.wav")
    (music / "Rock" / "x.wav").rename(music / "Rock" / "Some Band - First.wav")
    before = tracks(session)["First"].id
    # The names are as they were, so it is taken for a new version of the song.
    assert counted(analyze(music)) == (2, 1, 1, 0)
    assert tracks(session)["First"].id == before
    write_wav(music / "Rock" / "x.wav", chords(4.0, 5))
    analyze(music)
    other = tracks(session)["x"].id
    write_wav(music / "Rock" / "x.wav", chords(7.0, 6))
    analyze(music)
    found = session.scalars(select(Track).where(Track.title == "x")).all()
    assert len(found) == 2
    assert audio_files.for_track(session, other) is None


def test_a_new_feature_set_is_added_to_what_is_known(
    app: Flask, analyze: Any, session: Session, music: Path
) -> None:
    analyze(music, features=FeatureSpec(("statistical",)))
    query = select(func.count()).select_from(FeatureVector)
    assert session.scalar(query) == 2
    assert counted(analyze(music, features=FeatureSpec(("mfcc", "melspectrogram")))) == (2, 2, 0, 0)
    assert session.scalar(query) == 6
    assert len(tracks(session)) == 2
    key = feature_sets.key_of("melspectrogram", SETTINGS)
    digest = session.scalars(select(AudioFile.content_hash)).first()
    assert feature_cache.read(app.config["INSTANCE"], key, digest, mapped=True).shape[0] == 128
    with pytest.raises(BadInput, match="cannot be used as vectors"):
        feature_cache.read_table(Instance(app.config["INSTANCE"], session), [key])


def test_another_excerpt_makes_other_vectors_and_the_commonest_are_trained_on(
    app: Flask, analyze: Any, session: Session, music: Path
) -> None:
    analyze(music)
    other = AudioSettings(seconds=2.0)
    (music / "Jazz" / "Other Band - Second.wav").unlink()
    assert counted(analyze(music, settings=other)) == (1, 1, 0, 0)
    table = feature_sets.table(Instance(app.config["INSTANCE"], session), FeatureSpec(("mfcc",)))
    assert len(table.track_ids) == 2
    assert DEFAULTS.seconds == 30


def test_a_lost_vector_is_made_again(
    app: Flask, analyze: Any, session: Session, music: Path
) -> None:
    analyze(music)
    lost = next((app.config["INSTANCE"] / "features" / "mfcc").rglob("*.npy"))
    lost.unlink()
    assert (
        len(
            feature_sets.table(
                Instance(app.config["INSTANCE"], session), FeatureSpec(("mfcc",))
            ).track_ids
        )
        == 1
    )
    assert counted(analyze(music)) == (2, 1, 1, 0)
    assert lost.is_file()


def test_what_cannot_be_used_is_told_and_remembered(
    analyze: Any, session: Session, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (music / "words.mp3").write_bytes(b"no sound at all " * 100)
    (music / "empty.mp3").touch()
    (music / "link.mp3").symlink_to(music / "gone")
    write_wav(music / "silent.wav", np.zeros(44_100))
    shutil.copy(music / "silent.wav", music / "silent too.wav")
    expected = {
        "words.mp3": "is not a readable audio file",
        "empty.mp3": "is empty",
        "silent.wav": "is silent",
        "silent too.wav": "is silent",
        "link.mp3": "is a link that leads nowhere",
    }
    for round_ in range(2):
        report = analyze(music)
        assert counted(report) == (7, 0 if round_ else 2, 2 if round_ else 0, 5)
        found = {Path(path).name: reason for path, reason in report.rejected}
        assert found.keys() == expected.keys()
        assert all(found[name].startswith(words) for name, words in expected.items())
        monkeypatch.setattr(executors, "analyse_here", lambda task: pytest.fail(task.path))
    files, total = audio_files.page(session, "rejected", 1, 10)
    assert total == 5
    assert all(file.reason and file.track_id is None for file in files)
    (music / "words.mp3").unlink()
    assert analyze(music).missing == 1


def test_a_file_that_cannot_be_read_for_a_while_keeps_its_track(
    analyze: Any, session: Session, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyze(music)
    first = tracks(session)["First"].id
    path = music / "Rock" / "Some Band - First.wav"
    os.utime(path)
    with monkeypatch.context() as patch:

        def unreadable(path: Path, on_block: Any = None) -> str:
            raise BadInput("cannot be read: Permission denied")

        patch.setattr("songrec.services.library.analyze_folder.content_hash", unreadable)
        assert counted(analyze(music)) == (2, 0, 1, 1)
    assert audio_files.for_track(session, first) is None
    assert counted(analyze(music)) == (2, 0, 2, 0)
    assert audio_files.for_track(session, first).path == str(path)


def test_lyrics_are_kept(analyze: Any, session: Session, tmp_path: Path) -> None:
    from mutagen.flac import FLAC

    path = write(tmp_path / "m" / "a.flac", chords(2.0, 1), 22_050, "flac")
    file = FLAC(path)
    file["lyrics"] = "la la"
    file.save()
    analyze(tmp_path / "m")
    assert session.scalars(select(Lyrics.text)).all() == ["la la"]


def test_a_wrong_folder_set_or_cluster_is_one_line(
    analyze: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "CONNECT_S", 0.5)
    with pytest.raises(BadInput, match="No such file"):
        analyze(tmp_path / "gone")
    with pytest.raises(UnknownName, match="Did you mean 'mfcc'"):
        analyze(tmp_path, features=FeatureSpec(("mfc",)))
    with pytest.raises(BadInput, match="comes from labels"):
        analyze(tmp_path, features=FeatureSpec(("genre",)))
    with pytest.raises(BadInput, match="no scheduler answers"):
        analyze(tmp_path, scheduler="tcp://127.0.0.1:9")


def test_progress_grows_and_ends_at_one(analyze: Any, music: Path) -> None:
    told: list[tuple[float, str]] = []
    analyze(music, on_progress=lambda share, message, details=None: told.append((share, message)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert told[-1] == (1.0, "2 of 2 files, 0 rejected")


def test_cancelled_in_the_middle_keeps_what_is_done(
    analyze: Any, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever cancels is asked after every file, not once in a quarter of a second.
    monkeypatch.setattr(analyze_module, "REPORT_S", 0.0)
    for number in range(4):
        write_wav(tmp_path / "m" / f"{number}.wav", chords(2.0, number))

    def stop(share: float, message: str, details: dict[str, Any] | None = None) -> None:
        if details["analysed"] >= 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        analyze(tmp_path / "m", on_progress=stop)
    session.rollback()
    done = len(tracks(session))
    assert done == 2
    assert counted(analyze(tmp_path / "m")) == (4, 2, 2, 0)


def test_odd_dates_and_names_stop_nothing(analyze: Any, session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    names = [
        "two\nlines.wav",
        "bell\x07.wav",
        "x" * 251 + ".wav",
        "ж" * 125 + ".wav",
        "y" * 255,
        "a\u202egpj.wav",
        "plain.wav",
    ]
    for number, name in enumerate(names):
        write_wav(folder / name, chords(2.0, number))
    os.utime(folder / "plain.wav", (9_400_000_000, 9_400_000_000))
    os.utime(folder / names[0], (-(2**31), -(2**31)))
    os.mkfifo(folder / "pipe.mp3")
    assert counted(analyze(folder)) == (8, 7, 0, 1)
    assert counted(analyze(folder)) == (8, 0, 7, 1)
    assert not any("\n" in title or "\x07" in title for title in tracks(session))
    assert {row.path for row in session.scalars(select(AudioFile))} == {
        str(folder / name) for name in [*names, "pipe.mp3"]
    }


def test_a_read_error_in_the_middle_rejects_one_file(
    analyze: Any, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, on_block: Any = None) -> str:
        if path.name.endswith("First.wav"):
            raise BadInput("cannot be read: Input/output error")
        return content_hash(path)

    monkeypatch.setattr(analyze_module, "content_hash", broken)
    report = analyze(music)
    assert counted(report) == (2, 1, 0, 1)
    assert report.rejected[0][1] == "cannot be read: Input/output error"


@pytest.mark.parametrize("change", ["touched", "replaced", "deleted", "emptied"])
def test_a_file_that_changes_while_it_is_analysed_is_rejected(
    analyze: Any, music: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = music / "Rock" / "Some Band - First.wav"

    def analyse_and_change(task: Task) -> Outcome:
        outcome = analyse_in_process(task)
        if task.path == str(path):
            if change == "deleted":
                path.unlink()
            elif change == "replaced":
                write_wav(path, chords(3.0, 7))
            elif change == "emptied":
                path.write_bytes(b"")
            else:
                os.utime(path, (1, 1))
        return outcome

    monkeypatch.setattr(executors, "analyse_here", analyse_and_change)
    report = analyze(music)
    assert counted(report) == (2, 1, 0, 1)
    expected = {"deleted": "cannot be read", "emptied": "is empty"}.get(change, "changed while")
    assert report.rejected[0][1].startswith(expected)
    monkeypatch.setattr(executors, "analyse_here", analyse_in_process)
    after = {"touched": (2, 1, 1, 0), "replaced": (2, 1, 1, 0)}
    assert counted(analyze(music)) == after.get(change, counted(analyze(music)))


def test_what_cannot_be_stored_is_rejected_with_the_reason(
    analyze: Any, session: Session, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def analyse_with_odd_length(task: Task) -> Outcome:
        outcome = analyse_in_process(task)
        if "First" in task.path:
            outcome.decoded["duration_s"] = float("nan")
        return outcome

    monkeypatch.setattr(executors, "analyse_here", analyse_with_odd_length)
    report = analyze(music)
    assert counted(report) == (2, 1, 0, 1)
    assert report.rejected[0][1].startswith("could not be stored (ValueError")
    assert list(tracks(session)) == ["Second"]
    row = session.scalar(select(AudioFile).where(AudioFile.state == "rejected"))
    assert row.path.endswith("First.wav")


def test_rows_that_another_process_inserts_meanwhile_are_met(
    analyze: Any, app: Flask, session: Session, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second analysis of the same folder runs to its end while the first decodes."""
    races = []

    def analyse_beside_another(task: Task) -> Outcome:
        outcome = analyse_in_process(task)
        if not races:
            races.append(task.path)
            with app.app_context():  # a session of its own
                request = AnalyzeRequest(music, workers=1, settings=SETTINGS)
                own = db.session
                races.append(analyze_folder(Instance(app.config["INSTANCE"], own), request))
        return outcome

    monkeypatch.setattr(executors, "analyse_here", analyse_beside_another)
    read_before = audio_tracks.record
    stale = iter([IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))])

    def record_late(*values: Any) -> AudioFile:
        # As if the other process had inserted between this one's look and its insertion.
        if (error := next(stale, None)) is not None:
            raise error
        return read_before(*values)

    monkeypatch.setattr(audio_tracks, "record", record_late)
    assert counted(analyze(music)) == (2, 1, 1, 0)
    assert counted(races[1]) == (2, 2, 0, 0)
    assert len(tracks(session)) == 2
    assert audio_files.counts(session) == {"listed": 0, "analysed": 2, "rejected": 0, "missing": 0}


def test_copies_of_what_cannot_be_used_are_looked_at_once(
    analyze: Any, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[str] = []

    def analyse_and_count(task: Task) -> Outcome:
        tasks.append(task.path)
        return analyse_in_process(task)

    monkeypatch.setattr(executors, "analyse_here", analyse_and_count)
    for number in range(5):
        write_wav(music / f"silent {number}.wav", np.zeros(44_100))
    report = analyze(music)
    assert counted(report) == (7, 2, 0, 5)
    assert len({reason for _, reason in report.rejected}) == 1
    assert len(tasks) == 3


@pytest.mark.parametrize("ending", [".cue", ".lrc"])
def test_what_is_no_file_beside_a_song_is_never_opened(
    analyze: Any, music: Path, ending: str
) -> None:
    path = music / "Rock" / f"Some Band - First{ending}"
    os.mkfifo(path)
    assert counted(analyze(music)) == (2, 2, 0, 0)
    path.unlink()
    path.symlink_to("/dev/zero")
    assert counted(analyze(music))[:2] == (2, 0)
    path.unlink()
    path.mkdir()
    assert counted(analyze(music))[3] == 0


def test_copies_take_linear_time(
    analyze: Any, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row of the content is read, and its former path looked at, a bounded number of times."""
    folder, n_copies = tmp_path / "m", 300
    first = write_wav(folder / "0.wav", chords(2.0, 1))
    for number in range(1, n_copies):
        shutil.copy(first, folder / f"{number}.wav")
    seen: Counter[str] = Counter()
    read, exists = audio_files.with_content, Path.exists

    def counted_read(*values: Any) -> list[AudioFile]:
        rows = read(*values)
        seen["rows"] += len(rows)
        return rows

    def counted_exists(path: Path, **values: Any) -> bool:
        seen["looks"] += 1
        return exists(path, **values)

    monkeypatch.setattr(audio_files, "with_content", counted_read)
    monkeypatch.setattr(Path, "exists", counted_exists)
    assert counted(analyze(folder)) == (n_copies, n_copies, 0, 0)
    folder.rename(tmp_path / "moved")
    assert counted(analyze(tmp_path / "moved")) == (n_copies, 0, n_copies, 0)
    assert seen["rows"] <= 3 * n_copies
    assert seen["looks"] <= 3 * n_copies
    assert audio_files.counts(session) == {
        "listed": 0,
        "analysed": n_copies,
        "rejected": 0,
        "missing": 0,
    }


class TestAnotherDecoder:
    """Files that an earlier decoder described are described anew, and extracted only if need be."""

    def outdated(self, app: Flask, session: Session) -> None:
        """Make rows and vectors look like those of the first decoder."""
        session.expire_all()
        for row in session.scalars(select(AudioFile)):
            row.info = {**row.info, "decoder": 1, "notes": ["claims 9.0 s and holds 4.0 s"]}
            row.duration_s = 3.9
        session.commit()
        for path in (app.config["INSTANCE"] / "features").glob("*/*/*/*.npy"):
            values = np.load(path)
            np.save(path, np.zeros_like(values))

    def vectors(self, app: Flask, path: Path, name: str = "mfcc") -> np.ndarray:
        key = feature_sets.key_of(name, SETTINGS)
        return feature_cache.read(app.config["INSTANCE"], key, content_hash(path))

    @pytest.fixture
    def hidden(self, music: Path) -> Path:
        silence = np.zeros(30 * 22_050, np.float32)
        samples = np.concatenate([chords(8.0, 3), silence, chords(6.0, 4)])
        return write_wav(music / "Rock" / "Some Band - Hidden.wav", samples)

    def test_lengths_and_notes_are_new_and_features_where_the_samples_are(
        self, app: Flask, session: Session, analyze: Any, music: Path, hidden: Path
    ) -> None:
        plain = music / "Rock" / "Some Band - First.wav"
        analyze(music)
        before = self.vectors(app, hidden)
        self.outdated(app, session)
        report = analyze(music)
        assert counted(report) == (3, 1, 2, 0)
        ((path, note),) = report.notes
        assert path == str(hidden)
        assert "is silent for long: analysed from" in note
        assert not self.vectors(app, plain).any()  # the cached vector, which is right
        np.testing.assert_array_equal(self.vectors(app, hidden), before)
        session.expire_all()
        for row in session.scalars(select(AudioFile)):
            length = 44.0 if row.path == str(hidden) else 4.0
            assert row.duration_s == pytest.approx(length, abs=0.01)
            assert not any("claims" in note for note in row.info["notes"])
            assert session.get(Track, row.track_id).duration_ms == pytest.approx(
                length * 1000, 0.01
            )
        assert counted(analyze(music)) == (3, 0, 3, 0)

    def test_vectors_by_other_settings_go_where_the_samples_are_others(
        self, app: Flask, session: Session, analyze: Any, music: Path, hidden: Path
    ) -> None:
        other = SETTINGS.updated({"n_mfcc": 20})
        analyze(music)
        analyze(music, settings=other)
        self.outdated(app, session)
        analyze(music)
        key = feature_sets.key_of("mfcc", other)
        plain = content_hash(music / "Jazz" / "Other Band - Second.wav")
        instance = app.config["INSTANCE"]
        assert feature_cache.missing_sets(instance, [key], content_hash(hidden)) == [key]
        assert feature_cache.missing_sets(instance, [key], plain) == []
        assert content_hash(hidden) not in feature_cache.hashes_with(session, key)
        assert counted(analyze(music, settings=other)) == (3, 1, 2, 0)

    def test_a_copy_is_described_by_the_present_decoder_too(
        self, app: Flask, session: Session, analyze: Any, music: Path, hidden: Path
    ) -> None:
        shutil.copy(hidden, music / "Jazz" / "Copy.wav")
        analyze(music)
        self.outdated(app, session)
        analyze(music)
        session.expire_all()
        assert {row.info["decoder"] for row in session.scalars(select(AudioFile))} == {2}
        assert counted(analyze(music)) == (4, 0, 4, 0)
