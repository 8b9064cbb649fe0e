"""The index of segments follows the library: what is new enters, what is gone leaves."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady, UnknownName
from songrec.core.files import atomic_folder
from songrec.core.types import Floats, SegmentIndex
from songrec.jobs import queue, segment_tasks, tasks
from songrec.services.segments import build_index, encoder_selection, index_state
from songrec.services.segments.tagger_dataset import SegmentSettings
from songrec.services.uploads import analyze_upload
from songrec.store import jobs
from songrec.store.instance import Instance
from songrec.store.models import published_weights, taggers
from songrec.store.sound import segment_index as store
from songrec.store.sound import waveform_cache
from songrec.store.sound.segment_index import SongSegments, Superseded
from songrec.store.tables import AudioFile, Job, Track, Upload
from tests.planted_run import plant
from tests.services.segments.test_segments import write_song
from tests.sounding import add_sound

SETTINGS = SegmentSettings(1.0, 0.5, None)


@pytest.fixture
def tracks(session: Session, instance: Path) -> list[Track]:
    ids = plant(session, instance, n=12, clusters=2).track_ids.tolist()[:4]
    return [session.get_one(Track, one) for one in ids]


def sound(session: Session, folder: Path, track: Track, hertz: float) -> AudioFile:
    path = write_song(folder / "sound" / f"{track.id}-{hertz:g}.wav", [hertz, 2 * hertz])
    file = add_sound(session, track, path, duration_s=4.0, root=str(folder / "sound"))
    session.commit()
    return file


def distances(found: SegmentIndex) -> Floats:
    wide = found.vectors.astype(np.float64)
    return np.linalg.norm(wide[:, None] - wide[None], axis=2)


def current_index(instance: Path) -> SegmentIndex:
    found = store.open_current(instance)[1]
    assert found is not None
    return found


def test_new_songs_join_the_same_space_and_missing_ones_leave_it(
    session: Session, instance: Path, tracks: list[Track], tmp_path: Path
) -> None:
    files = [sound(session, tmp_path, track, 200.0 + 90 * track.id) for track in tracks[:3]]
    build_index.build(Instance(instance, session), settings=SETTINGS)
    before = current_index(instance)
    files[1].state = "missing"
    files.append(sound(session, tmp_path, tracks[3], 700.0))
    told = build_index.refresh(Instance(instance, session))
    assert told is not None
    assert (told["added"], told["removed"], told["tracks"]) == (1, 1, 3)
    after = current_index(instance)
    assert after.track_ids.tolist() == [tracks[at].id for at in (0, 2, 3)]
    of_first = slice(0, int(before.first[1]))
    assert (after.vectors[of_first] == before.vectors[of_first]).all()
    assert after.seconds == 1.0
    # The very song cut with the others from the beginning lies where it was laid later.
    files[1].state = "analysed"
    session.commit()
    build_index.refresh(Instance(instance, session))
    assert distances(current_index(instance))[
        : before.first[3], : before.first[3]
    ] == pytest.approx(distances(before), abs=1e-4)
    assert all(waveform_cache.find(instance, str(file.content_hash)) for file in files)


def test_a_changed_file_is_encoded_again_and_nothing_happens_without_a_change(
    session: Session, instance: Path, tracks: list[Track], tmp_path: Path
) -> None:
    files = [sound(session, tmp_path, track, 300.0) for track in tracks[:2]]
    build_index.build(Instance(instance, session), settings=SETTINGS)
    name = store.current(instance)
    assert build_index.refresh(Instance(instance, session)) is None
    assert store.current(instance) == name
    session.delete(files[1])
    file = sound(session, tmp_path, tracks[1], 900.0)
    told = build_index.refresh(Instance(instance, session))
    assert told is not None
    assert (told["added"], told["removed"]) == (1, 1)
    assert store.content_hashes(instance, told["name"])[tracks[1].id] == file.content_hash  # type: ignore[index]


def test_a_file_that_cannot_be_read_is_tried_once(
    session: Session, instance: Path, tracks: list[Track], tmp_path: Path
) -> None:
    sound(session, tmp_path, tracks[0], 300.0)
    build_index.build(Instance(instance, session), settings=SETTINGS)
    Path(sound(session, tmp_path, tracks[1], 500.0).path).write_bytes(b"no sound")
    told = build_index.refresh(Instance(instance, session))
    assert told is not None
    assert (told["added"], told["songs_unread"]) == (0, 1)
    assert build_index.refresh(Instance(instance, session)) is None


def test_without_any_song_left_there_is_no_index(
    session: Session, instance: Path, tracks: list[Track], tmp_path: Path
) -> None:
    assert build_index.refresh(Instance(instance, session)) is None
    assert store.current(instance) is None
    file = sound(session, tmp_path, tracks[0], 300.0)
    build_index.build(Instance(instance, session), settings=SETTINGS)
    file.state = "missing"
    session.commit()
    assert build_index.refresh(Instance(instance, session)) == {
        "tracks": 0,
        "fragments": 0,
        "added": 0,
        "removed": 1,
    }
    assert store.open_current(instance) == (None, None)


def test_an_index_without_axes_is_rebuilt(
    session: Session, instance: Path, tracks: list[Track], tmp_path: Path
) -> None:
    sound(session, tmp_path, tracks[0], 300.0)
    name = build_index.build(Instance(instance, session), settings=SETTINGS)["name"]
    (store.folder(instance) / name / "axes.npz").unlink()
    told = build_index.refresh(Instance(instance, session))
    assert told is not None
    assert (told["added"], told["cutting"]["n_seconds"]) == (1, 1.0)
    assert build_index.refresh(Instance(instance, session)) is None


def test_an_index_that_was_put_in_use_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    def song(track: int) -> SongSegments:
        return SongSegments(track, np.zeros(2, np.float32), np.full((2, 3), track, np.float32))

    first = store.write(tmp_path, [song(1)], seconds=5, made_by="mfcc")["name"]

    def slow():
        store.write(tmp_path, [song(2)], seconds=5, made_by="mfcc")
        yield song(3)

    with pytest.raises(Superseded):
        store.update(tmp_path, first, slow(), [])
    assert current_index(tmp_path).track_ids.tolist() == [2]
    assert [path.name for path in store.folder(tmp_path).iterdir() if path.is_dir()] == [
        store.current(tmp_path)
    ]


def refreshes(session: Session) -> list[Job]:
    return [job for job in jobs.active(session) if segment_tasks.is_refresh(job)]


def test_segments_follow_an_analysis_in_the_worker_or_without_one_in_the_command(
    app: Flask,
    session: Session,
    instance: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from songrec.services.library import executors
    from tests.services.library.test_analyze_folder import analyse_in_process

    monkeypatch.setattr(executors, "analyse_here", analyse_in_process)
    folder, words = tmp_path / "music", ("analyze", str(tmp_path / "music"), "--seconds", "2")
    runner = app.test_cli_runner()

    def analysed() -> dict[str, Any]:
        done = runner.invoke(args=[*words, "--workers", "1", "--json"])
        assert done.exit_code == 0, done.output
        report = dict(json.loads(done.stdout)["fragments"] or {})
        session.expire_all()
        return report

    write_song(folder / "one.wav", [220.0])
    (job,) = refreshes(session) if "job_id" in analysed() else ()
    assert analysed() == {"job_id": job.public_id}
    with app.app_context():
        assert segment_tasks.run(session, job, lambda *_: None)["added"] == 1
    session.delete(job)
    session.commit()
    assert analysed() == {}

    write_song(folder / "two.wav", [440.0])
    report = analysed()
    assert (report["added"], report["removed"], report["tracks"]) == (1, 0, 2)
    (folder / "one.wav").unlink()
    assert analysed()["tracks"] == 1

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    write_song(folder / "three.wav", [660.0])
    with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL):
        patch.setattr(build_index, "refresh", broken)
        assert "ZeroDivisionError" in analysed()["problem"]
    assert session.query(Track).filter_by(title="three").count() == 1
    assert len(current_index(instance).track_ids) == 1

    monkeypatch.setattr(queue, "worker_runs", lambda *_: True)
    assert "job_id" in analysed()
    assert len(current_index(instance).track_ids) == 1


def test_keeping_an_upload_enqueues_a_refresh(
    session: Session,
    instance: Path,
    tracks: list[Track],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = sound(session, tmp_path, tracks[0], 300.0)
    build_index.build(Instance(instance, session), settings=SETTINGS)
    kept = sound(session, tmp_path, tracks[1], 500.0)
    upload = Upload(public_id="x", name="two.wav", path="two.wav", size=1)
    session.add(upload)
    session.commit()
    monkeypatch.setattr(analyze_upload, "keep", lambda *_: kept)
    for _ in range(2):
        job = jobs.create(session, "keep", {"upload_id": "x"})
        assert tasks.keep(session, job, lambda *_: None) == {"track_id": tracks[1].public_id}
    waiting = [job for job in jobs.active(session) if job.kind == "refresh"]
    assert len(waiting) == 1
    done = tasks.refresh(session, waiting[0], lambda *_: None)
    (following,) = refreshes(session)
    assert done["segments"] == {"job_id": following.public_id}
    segment_tasks.run(session, following, lambda *_: None)
    name = str(store.current(instance))
    assert set((store.content_hashes(instance, name) or {}).values()) == {
        file.content_hash,
        kept.content_hash,
    }


def test_a_song_that_is_gone_leaves_the_index(session: Session, instance: Path) -> None:
    song = SongSegments(1, np.zeros(2, np.float32), np.zeros((2, 3), np.float32))
    store.write(instance, [song], seconds=5, made_by="mfcc")
    done = segment_tasks.execute(Instance(instance, session), {"task": "refresh"}, lambda *_: None)
    assert done == {"tracks": 0, "fragments": 0, "added": 0, "removed": 1}


def test_a_refresh_that_runs_out_of_time_is_continued_by_another(
    session: Session,
    instance: Path,
    tracks: list[Track],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for track in tracks[:3]:
        sound(session, tmp_path, track, 200.0 + 90 * track.id)
    monkeypatch.setattr(segment_tasks, "REFRESH_LIMIT_S", 0.0)
    job = segment_tasks.queue_refresh(Instance(instance, session))
    for count in (1, 2, 3):
        assert job is not None
        assert segment_tasks.queue_refresh(Instance(instance, session)) is job
        job.state = "running"
        done = segment_tasks.run(session, job, lambda *_: None)
        assert (done["added"], done["tracks"]) == (1, count)
        job.state = "done"
        job = next(iter(refreshes(session)), None)
    assert job is None
    assert index_state.count_waiting(Instance(instance, session)) == 0


@pytest.mark.parametrize(
    ("measures", "weights", "expected", "says"),
    [
        (None, False, "mfcc", "no tagger is trained, and MusiCNN’s weights are not installed"),
        (None, True, "musicnn", "no tagger is trained"),
        ({}, True, "tagger", "not compared"),
        ({"tagger": 0.5}, False, "tagger", "weights are not installed"),
        ({"tagger": 0.2, "musicnn": 0.3}, True, "tagger", "0.200 against 0.300"),
        ({"tagger": 0.4, "musicnn": 0.3}, True, "musicnn", "0.300 against 0.400"),
        ({"tagger": 0.4, "musicnn": 0.3}, False, "tagger", "weights are not installed"),
    ],
)
def test_the_best_measured_encoder_is_chosen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measures: dict[str, float] | None,
    weights: bool,
    expected: str,
    says: str,
) -> None:
    monkeypatch.setattr(published_weights, "is_installed", lambda *_: weights)
    if measures is not None:
        told = {"measures": {name: {"bce": bce} for name, bce in measures.items()}}
        with atomic_folder(taggers.new_folder(tmp_path)) as folder:
            (folder / "tagger.json").write_text(json.dumps(told))
    choice = encoder_selection.choose(tmp_path)
    assert choice.name == expected
    assert says in choice.why
    assert encoder_selection.choose(tmp_path, "mfcc").name == "mfcc"


def test_an_unavailable_encoder_cannot_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="flask segments train"):
        encoder_selection.choose(tmp_path, "tagger")
    with pytest.raises(NotReady, match="flask models"):
        encoder_selection.choose(tmp_path, "musicnn")
    with pytest.raises(UnknownName, match="segment encoder"):
        encoder_selection.choose(tmp_path, "ears")
