"""Songs with sound are cut, tagged and recommended by: a tiny tagger, the ways without one."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady, UnknownName
from songrec.jobs import kinds, segment_tasks
from songrec.services.evaluation import clip_retrieval
from songrec.services.recommendation import recommend
from songrec.services.segments import build_index, encoders
from songrec.services.segments.tagger_dataset import (
    CachedSegments,
    SegmentSettings,
    cache_spectrograms,
    tags_for,
)
from songrec.services.similarity.ranked_tracks import serialize_ranked
from songrec.store import jobs
from songrec.store.instance import Instance
from songrec.store.models import taggers
from songrec.store.runs import spaces
from songrec.store.sound import segment_index as store
from songrec.store.tables import Track
from tests.planted_run import plant
from tests.sounding import RATE, add_sound

TINY = {"filters": 6, "units": 5, "depth": 1, "batch_size": 8, "epochs": 2, "learning_rate": 0.01}
ASKED = {
    "task": "train",
    "source": "folders",
    "size": TINY,
    "baselines": False,
    "seed": 1,
    "cutting": {"n_seconds": 1.0, "step": 0.5, "seconds": None},
}


def write_song(path: Path, parts: list[float], seconds: float = 2.0) -> Path:
    """One tone of each frequency after the other, ``seconds`` each, a little noise."""
    at = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(len(path.name)).normal(0, 0.003, len(at) * len(parts))
    sound = np.concatenate([0.4 * np.sin(2 * np.pi * hertz * at) for hertz in parts]) + noise
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture
def library(session: Session, instance: Path, tmp_path: Path) -> list[int]:
    """Six songs in two folders; the first is high throughout, the second for its last two seconds,
    the others low, each by another tone.
    """
    planted = plant(session, instance, n=12, clusters=2)
    ids = planted.track_ids.tolist()[:6]
    parts = [[2000.0] * 3, [150.0, 300.0, 2000.0]]
    parts += [[low] * 3 for low in (90.0, 120.0, 200.0, 260.0)]
    for number, (track, tones) in enumerate(zip(ids, parts, strict=True)):
        folder = tmp_path / "sound" / ("bright" if number < 2 else "dark")
        path = write_song(folder / f"{number}.wav", tones)
        add_sound(
            session,
            session.get_one(Track, track),
            path,
            duration_s=6.0,
            root=str(tmp_path / "sound"),
        )
    session.commit()
    return ids


def test_a_tagger_is_trained_in_the_queue_and_segments_are_cut_by_it(
    session: Session, instance: Path, library: list[int]
) -> None:
    told = segment_tasks.execute(Instance(instance, session), ASKED, lambda *report: None)
    assert told["tags"] == ["dark", "bright"]
    assert told["songs"] == 6
    windows = told["windows"]
    assert min(windows["training"], windows["validation"]) > 0
    assert set(told["measures"]) == {"tagger", "majority"}
    assert told["measures"]["tagger"]["samples"] == windows["validation"]
    kept = taggers.newest(instance)
    assert kept is not None
    assert json.loads((kept / "tagger.json").read_text())["cutting"]["n_seconds"] == 1.0
    index = segment_tasks.execute(
        Instance(instance, session),
        {"task": "tag", "cutting": {"seconds": None}},
        lambda *report: None,
    )
    assert index["made_by"] == "tagger"
    assert index["tagger"] == told["tagger"]
    assert index["tracks"] == 6
    assert index["dimensions"] == 5
    space = spaces.published_space(Instance(instance, session))
    assert space.segments is not None
    assert space.segments.tags is not None
    assert space.segments.tag_names == ("dark", "bright")
    begins = space.segments.starts[: space.segments.first[1]]
    assert begins == pytest.approx(np.arange(len(begins)) / 2, abs=0.05)
    status = build_index.status(instance)
    assert status["tagger"]["tagger"] == told["tagger"]
    assert status["index"]["fragments"] == len(space.segments.starts)


def test_without_a_tagger_or_weights_segments_are_encoded_by_mfcc(
    session: Session, instance: Path, library: list[int]
) -> None:
    told = build_index.build(Instance(instance, session), settings=SegmentSettings(1.0, 0.5, None))
    assert told["made_by"] == "mfcc"
    assert told["tags"] == []
    found = recommend.recommend_for(
        Instance(instance, session), [library[0]], method="fragments", n=3
    )
    # The song with two high seconds comes first, by one of its high moments.
    assert found[0].track.id == library[1]
    moment = found[0].reasons[0].details["fragment"]
    assert 3.4 <= moment["start_s"] <= 5.0
    assert moment["made_by"] == "mfcc"
    assert moment["tags"] == []
    document = serialize_ranked(session, found)
    assert document[0]["reasons"][0]["details"]["fragment"]["d"] == moment["d"]


def test_a_file_that_is_gone_is_left_out_and_counted(
    session: Session, instance: Path, library: list[int], tmp_path: Path
) -> None:
    (tmp_path / "sound" / "dark" / "3.wav").unlink()
    told = build_index.build(Instance(instance, session), settings=SegmentSettings(1.0, 1.0, None))
    assert (told["tracks"], told["songs_unread"]) == (5, 1)


def test_segments_are_read_from_cached_spectrograms(
    session: Session, instance: Path, library: list[int]
) -> None:
    settings = SegmentSettings(1.0, 0.5, None)
    found, unread = cache_spectrograms(Instance(instance, session), settings)
    assert (len(found), unread) == (6, 0)
    segments = settings.segments(found)
    spectrograms = CachedSegments(
        instance, settings, [song.content_hash for song in found], segments
    )
    rows = np.array([len(segments) - 1, 0])
    read = spectrograms.read(rows)
    assert read.shape == (2, settings.frames, 80)
    # The highest tone of the first song against the low tone of the last.
    assert read[1].mean(axis=0).argmax() > 2 * read[0].mean(axis=0).argmax()
    starts = settings.starts(found, segments)
    assert starts[segments.song == 2] == pytest.approx(0.5 * np.arange(11), abs=0.03)


def test_tags_come_from_folders_and_genres_and_none_of_all_or_of_one(
    session: Session, instance: Path, library: list[int]
) -> None:
    found, _ = cache_spectrograms(Instance(instance, session), SegmentSettings(1.0, 1.0, None))
    labels = tags_for(Instance(instance, session), "folders", found)
    assert labels.names == ("dark", "bright")
    assert labels.matrix[:, 1].tolist() == [True, True, False, False, False, False]
    genres = tags_for(Instance(instance, session), "genre", found)
    assert len(genres.names) == 2
    with pytest.raises(NotReady, match="flask analyze"):
        tags_for(Instance(instance, session), "musicnn", found)
    with pytest.raises(UnknownName, match="source of tags"):
        tags_for(Instance(instance, session), "moods", found)


def test_nothing_to_hear_says_what_to_do(session: Session, instance: Path) -> None:
    with pytest.raises(NotReady, match="flask analyze DIR"):
        build_index.build(Instance(instance, session))
    with pytest.raises(NotReady, match="flask analyze DIR"):
        segment_tasks.execute(Instance(instance, session), ASKED, lambda *report: None)
    status = build_index.status(instance)
    assert (status["index"], status["tagger"]) == (None, None)
    assert status["best"]["made_by"] == "mfcc"


def test_clips_are_found_by_segments(instance: Path, tmp_path: Path) -> None:
    lines = ["clip,track,excerpt"]
    for number, hertz in enumerate((150.0, 700.0, 3000.0)):
        for excerpt, other in (("a", 90.0), ("b", 5000.0)):
            # What is the same in both is half of each.
            write_song(tmp_path / f"{number}{excerpt}.wav", [hertz, other], 5.5)
            lines.append(f"{number}{excerpt}.wav,{number},{excerpt}")
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    found = clip_retrieval.evaluate_clips(instance, tmp_path, "fragments,fragments:mfcc,mfcc")
    assert found["fragments"] == {"pairs": 3, "top1": 1.0, "top5": 1.0, "mrr": 1.0}
    assert found["fragments:mfcc"] == found["fragments"]
    assert set(found) == {"fragments", "fragments:mfcc", "mfcc"}
    with pytest.raises(NotReady, match="flask segments train"):
        clip_retrieval.evaluate_clips(instance, tmp_path, "fragments:tagger")
    with pytest.raises(UnknownName, match="No segment encoder"):
        clip_retrieval.parse_sets("fragments:ears")


def test_patches_of_a_published_network_lie_within_the_segment() -> None:
    times = np.arange(0, 10, 1.0)
    inside = encoders._patches_inside(times, 3.0, np.array([0.0, 4.0]), 5.0)
    assert [rows.tolist() for rows in inside] == [[0, 1, 2], [4, 5, 6]]
    assert encoders._patches_inside(times[:1], 3.0, np.array([4.0]), 5.0)[0].tolist() == [0]


def test_commands_train_in_the_queue_cut_and_tell(
    app: Flask, session: Session, instance: Path, library: list[int]
) -> None:
    run = app.test_cli_runner().invoke
    waiting = run(args=["fragments", "train", "--tags", "folders", "--queue", "--json"])
    assert waiting.exit_code == 0, waiting.output
    job = jobs.find(session, json.loads(waiting.output)["job_id"])
    assert (job.kind, job.parameters["source"]) == ("fragments", "folders")
    assert kinds.KINDS[job.kind].run == "songrec.jobs.segment_tasks:run"
    status = run(args=["segments", "status"]).output
    assert "No song is cut" in status
    assert "flask segments tag would use cepstral coefficients: no tagger is trained" in status
    cut = run(args=["fragments", "tag", "--seconds", "6"])
    assert "segments of 6 songs, by cepstral coefficients: no tagger is trained" in cut.output
    assert json.loads(run(args=["fragments", "status", "--json"]).output)["index"]["tracks"] == 6
    assert store.current(instance) is not None
