"""The index of segments follows the library: what is new enters, what is gone leaves."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from songrec.core.errors import Cancelled, NotReady, UnknownName
from songrec.core.files import atomic_folder
from songrec.core.types import Floats, SegmentIndex
from songrec.features.settings import AudioSettings
from songrec.jobs import segment_tasks, tasks
from songrec.services.library import analyze_folder
from songrec.services.library.analysis_report import AnalyzeReport, AnalyzeRequest
from songrec.services.segments import build_index, encoder_selection
from songrec.services.segments.tagger_dataset import SegmentSettings
from songrec.services.uploads import analyze_upload
from songrec.store import jobs
from songrec.store.instance import Instance
from songrec.store.models import published_weights, taggers
from songrec.store.sound import segment_index as store
from songrec.store.sound import waveform_cache
from songrec.store.sound.segment_index import SongSegments, Superseded
from songrec.store.tables import AudioFile, Track, Upload
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
    file = sound(session, tmp_path, tracks[0], 300.0)
    assert build_index.refresh(Instance(instance, session)) is None  # segments are not in use yet
    assert store.current(instance) is None
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


def analysed(session: Session, instance: Path, folder: Path) -> AnalyzeReport:
    request = AnalyzeRequest(folder, workers=1, settings=AudioSettings(seconds=2.0))
    return analyze_folder.analyze_folder(Instance(instance, session), request)


def test_an_analysis_refreshes_the_index_and_survives_a_failure_there(
    session: Session,
    instance: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from songrec.services.library import executors
    from tests.services.library.test_analyze_folder import analyse_in_process

    monkeypatch.setattr(executors, "analyse_here", analyse_in_process)
    folder = tmp_path / "music"
    write_song(folder / "one.wav", [220.0])
    assert analysed(session, instance, folder).segments is None
    build_index.build(Instance(instance, session), settings=SETTINGS)
    write_song(folder / "two.wav", [440.0])
    report = analysed(session, instance, folder)
    assert report.analysed == 1
    told = report.to_json()["fragments"]
    assert (told["added"], told["removed"], told["tracks"]) == (1, 0, 2)
    (folder / "one.wav").unlink()
    assert analysed(session, instance, folder).to_json()["fragments"]["tracks"] == 1

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    write_song(folder / "three.wav", [660.0])
    monkeypatch.setattr(build_index, "refresh", broken)
    with caplog.at_level(logging.CRITICAL):
        report = analysed(session, instance, folder)
    assert report.analysed == 1
    assert "ZeroDivisionError" in report.to_json()["fragments"]["problem"]
    assert session.query(Track).filter_by(title="three").count() == 1
    assert len(current_index(instance).track_ids) == 1

    def stopped(*_: object) -> None:
        raise Cancelled("stopped")

    monkeypatch.setattr(build_index, "refresh", stopped)
    with pytest.raises(Cancelled):
        analysed(session, instance, folder)


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
    tasks.refresh(session, waiting[0], lambda *_: None)
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
    monkeypatch.setattr(published_weights, "is_there", lambda *_: weights)
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
