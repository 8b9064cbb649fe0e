"""Songs by the mixture ``sound``, over planted distributions of timbre and chroma."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.features.gaussians import gaussian_of
from songrec.services.features import feature_sets
from songrec.services.similarity import audio_similarity
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache, mixture_files, sound_folders
from songrec.store.tables import Track
from tests.factories import make_track
from tests.services.similarity.test_audio_similarity import plant

TRACKS = 24
DIMENSIONS = {"timbre": 25, "chroma": 12}


def view(session: Session, track: Track) -> TrackView:
    found = catalogue.find_track(session, track.public_id, None)
    assert found is not None
    return found


@pytest.fixture
def library(app: Flask, session: Session) -> list[Track]:
    """Tracks of random distributions, of which each pair of neighbours shares its own."""
    instance, rng = app.config["INSTANCE"], np.random.default_rng(5)
    for name in DIMENSIONS:
        key = feature_sets.key_of(name)
        feature_cache.write_columns(instance, key, key_columns(name))
    tracks = [make_track(session, f"Song {number}") for number in range(TRACKS)]
    for number in range(0, TRACKS, 2):
        mixing = {name: np.eye(d) + rng.normal(0, 0.3, (d, d)) for name, d in DIMENSIONS.items()}
        for track in tracks[number : number + 2]:
            vectors = {
                name: gaussian_of(rng.normal(size=(300, d)) @ mixing[name] + mixing[name][0])
                for name, d in DIMENSIONS.items()
            }
            plant(instance, session, track, vectors)
    tracks.append(make_track(session, "Silence"))
    session.commit()
    audio_similarity.refresh_matrices(Instance(instance, session))
    return tracks


def key_columns(name: str) -> tuple[str, ...]:
    from songrec.features.extraction import make_extractors

    return make_extractors([name])[name].names()


def nearest(app: Flask, session: Session, track: Track, by: str) -> list:
    instance = Instance(app.config["INSTANCE"], session)
    return audio_similarity.similar_by(instance, view(session, track), 5, by=by)


@pytest.mark.parametrize("by", ["sound", "timbre", "chroma"])
def test_the_track_of_the_same_distribution_is_nearest(
    app: Flask, session: Session, library: list[Track], by: str
) -> None:
    for number in (0, 1, 10):
        found = nearest(app, session, library[number], by)
        assert found[0].track.id == library[number ^ 1].id
        for one in found:
            assert sum(r.contribution for r in one.reasons) == pytest.approx(one.score, abs=1e-5)
        expected = {"timbre", "chroma"} if by == "sound" else {by}
        assert {reason.about for reason in found[0].reasons} == expected
    assert found[0].sentence


def test_the_mixture_is_written_again_only_where_a_set_changed(
    app: Flask, session: Session, library: list[Track]
) -> None:
    instance: Path = app.config["INSTANCE"]
    again = audio_similarity.refresh_matrices(Instance(instance, session))
    assert again == {"timbre": False, "chroma": False, "sound": False}
    key = feature_sets.key_of("chroma")
    other = gaussian_of(np.random.default_rng(1).normal(size=(90, 12)))
    feature_cache.write(instance, key, f"{library[0].id:064x}", np.append(other[:-1], 2.0))
    written = audio_similarity.refresh_matrices(Instance(instance, session))
    assert written == {"timbre": False, "chroma": True, "sound": True}
    assert len(mixture_files.load(instance).track_ids) == TRACKS


def test_where_there_is_no_mixture_the_published_run_is_asked(
    app: Flask, session: Session, library: list[Track]
) -> None:
    with pytest.raises(NotReady, match="has no sound file"):
        nearest(app, session, library[-1], "timbre")
    with pytest.raises(NotReady, match="publish"):
        nearest(app, session, library[-1], "sound")
    sound_folders.retire(app.config["INSTANCE"], "sound")
    with pytest.raises(NotReady, match="publish"):
        nearest(app, session, library[0], "sound")
    with pytest.raises(NotReady, match="flask sound-spaces"):
        nearest(app, session, library[0], "timbre")


def test_a_set_that_few_songs_have_is_left_out(
    app: Flask, session: Session, library: list[Track]
) -> None:
    instance: Path = app.config["INSTANCE"]
    key = feature_sets.key_of("chroma")
    for track in library[4:TRACKS]:
        path = feature_cache.relative_path(key, f"{track.id:064x}")
        (feature_cache.folder(instance) / path).unlink()
    audio_similarity.refresh_matrices(Instance(instance, session))
    assert [part.name for part in mixture_files.load(instance).parts] == ["timbre"]
    assert nearest(app, session, library[0], "sound")[0].track.id == library[1].id
    with pytest.raises(NotReady, match="--features chroma"):
        nearest(app, session, library[0], "chroma")


def test_the_commands_know_the_mixture(app: Flask, session: Session, library: list[Track]) -> None:
    runner = app.test_cli_runner()
    result = runner.invoke(
        args=["similar", library[2].public_id, "--by", "sound", "-n", "3", "--json"]
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[0]["track_id"] == library[3].public_id
    # Without playlists the sound is what songs of a library of sound are compared by.
    by_default = runner.invoke(args=["similar", library[2].public_id, "-n", "3", "--json"])
    assert by_default.stdout == result.stdout
    address = f"/api/v1/tracks/{library[2].public_id}/similar"
    answer = app.test_client().get(address).get_json()
    assert (answer["method"], answer["items"][0]["track_id"]) == ("sound", library[3].public_id)
    page = app.test_client().get(f"/tracks/{library[2].public_id}").text
    assert '<option value="sound" selected>' in page
    assert library[3].title in page
    result = runner.invoke(args=["sound-spaces", "--json"])
    assert result.exit_code == 0, result.output
    assert {row["feature_set"] for row in json.loads(result.stdout)} == {
        "timbre", "chroma", "sound",
    }  # fmt: skip
