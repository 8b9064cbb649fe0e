"""Similar songs by a feature set of the sound, with answers known from how it was planted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady, UnknownName
from songrec.core.types import Match, Reason
from songrec.recommend.similarity import content_similarity
from songrec.services.features import feature_sets
from songrec.services.recommendation.song_page import N_SIMILAR
from songrec.services.similarity import audio_similarity
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache, feature_matrices, sound_folders
from songrec.store.tables import AudioFile, Track
from tests.factories import make_track

COLUMNS = {
    "mfcc": ("mfcc_1_mean", "mfcc_1_delta_mean", "rare", "constant"),
    "statistical": ("tempo", "chroma_c_mean", "rms_mean", "spectral_flux_mean", "key"),
    "musicnn": tuple(f"d{i}" for i in range(12)),
    "musicnn_tags": ("guitar", "piano", "drums"),
}
TRACKS = 40


def view(session: Session, track: Track) -> TrackView:
    found = catalogue.find_track(session, track.public_id, None)
    assert found is not None
    return found


def plant(instance: Path, session: Session, track: Track, vectors: dict[str, np.ndarray]) -> None:
    digest = f"{track.id:064x}"
    session.add(
        AudioFile(
            public_id=f"f{track.id}",
            track_id=track.id,
            root="/m",
            path=f"/m/{track.id}",
            content_hash=digest,
            size=1,
            modified_ns=1,
            state="analysed",
            info={},
        )
    )
    for name, vector in vectors.items():
        key = feature_sets.key_of(name)
        feature_cache.write(instance, key, digest, np.asarray(vector, np.float32))
        feature_cache.record(session, key, digest)


def drawn(rng: np.random.Generator) -> dict[str, np.ndarray]:
    found = {name: 3 + 5 * rng.normal(size=len(columns)) for name, columns in COLUMNS.items()}
    found["mfcc"][2] = np.nan
    found["mfcc"][3] = 7.0
    found["statistical"][1] = np.nan if rng.uniform() < 0.2 else found["statistical"][1]
    return found


@pytest.fixture
def heard(app: Flask, session: Session) -> list[Track]:
    """Tracks of random vectors, one of nearly the first one's sound, and one without sound."""
    instance, rng = app.config["INSTANCE"], np.random.default_rng(7)
    for name, columns in COLUMNS.items():
        feature_cache.write_columns(instance, feature_sets.key_of(name), columns)
    tracks = [make_track(session, f"Song {number}") for number in range(TRACKS)]
    first = drawn(rng)
    first["statistical"][1] = 3.0
    for number, track in enumerate(tracks):
        vectors = first if number == 0 else drawn(rng)
        if number == 1:
            vectors = {name: v + rng.normal(0, 0.05, len(v)) for name, v in first.items()}
            vectors["mfcc"][3] = 7.0
        plant(instance, session, track, vectors)
    tracks.append(make_track(session, "Silence"))
    session.commit()
    audio_similarity.refresh_matrices(Instance(instance, session))
    return tracks


def plain_cosines(instance: Path, name: str, left_out: tuple[int, ...]) -> np.ndarray:
    """The cosines of the first track to all, written down as plainly as can be."""
    key = feature_sets.key_of(name)
    rows = [feature_cache.read(instance, key, f"{i:064x}") for i in range(1, TRACKS + 1)]
    table = np.delete(np.stack(rows).astype(np.float64), left_out, axis=1)
    table = (table - np.nanmean(table, axis=0)) / np.nanstd(table, axis=0)
    table = np.nan_to_num(table)
    return table @ table[0] / np.linalg.norm(table, axis=1) / np.linalg.norm(table[0])


@pytest.mark.parametrize(
    ("name", "left_out"),
    [("mfcc", (2, 3)), ("statistical", (4,)), ("musicnn", ()), ("musicnn_tags", ())],
)
def test_the_score_is_the_cosine_over_standardised_columns_and_its_reasons_add_up_to_it(
    app: Flask, session: Session, heard: list[Track], name: str, left_out: tuple[int, ...]
) -> None:
    instance = app.config["INSTANCE"]
    assert [track.id for track in heard[:TRACKS]] == list(range(1, TRACKS + 1))
    right = plain_cosines(instance, name, left_out)
    found = audio_similarity.similar_by(
        Instance(instance, session), view(session, heard[0]), 10, by=name
    )
    order = [i for i in np.argsort(-right) if i != 0][:10]
    assert [one.track.id for one in found] == [heard[i].id for i in order]
    assert found[0].track.id == heard[1].id
    assert found[0].score > 0.99
    assert [one.score for one in found] == pytest.approx(right[order], abs=1e-5)
    for one in found:
        assert sum(r.contribution for r in one.reasons) == pytest.approx(one.score, abs=1e-5)
        assert one.sentence


def test_the_reasons_say_which_groups_of_columns_make_it(
    app: Flask, session: Session, heard: list[Track]
) -> None:
    instance, first = app.config["INSTANCE"], view(session, heard[0])
    groups = {}
    for name in COLUMNS:
        (nearest,) = audio_similarity.similar_by(Instance(instance, session), first, 1, by=name)
        groups[name] = {reason.about for reason in nearest.reasons}
    assert groups == {
        "mfcc": {"timbre", "movement"},
        "statistical": {"rhythm", "harmony", "dynamics", "timbre"},
        "musicnn": {content_similarity.WHOLE},
        "musicnn_tags": {"guitar", "piano", "drums"},
    }
    (whole,) = audio_similarity.similar_by(Instance(instance, session), first, 1, by="musicnn")[
        0
    ].reasons
    assert whole.text == "Close by what a listening model hears (MusiCNN)"


def test_the_sentence_names_the_two_groups_that_make_most_of_it() -> None:
    def told(*reasons: tuple[str, float]) -> str:
        found = tuple(Reason("feature", text, share) for text, share in reasons)
        return content_similarity.describe_match(Match(1, 0.0, found))

    assert told(("Similar timbre", 0.4), ("Similar rhythm", 0.1)) == "Similar timbre and rhythm"
    assert told(("Similar timbre", 0.4), ("Different rhythm", -0.1)) == "Similar timbre"
    assert told(("Both less", 0.2), ("Both more", 0.1)) == "Both less; both more"
    assert told(("Different timbre", -0.1)) == "Little in common, but nothing is closer"


def test_every_real_column_belongs_to_a_group_that_has_words() -> None:
    from songrec.features.extraction import make_extractors

    for name, extractor in make_extractors(["mfcc", "statistical"]).items():
        groups = {content_similarity.column_group(name, column) for column in extractor.names()}
        assert groups <= set(content_similarity.GROUP_TEXTS)
        assert len(groups) > 1


def test_a_song_without_sound_gets_one_clear_line(
    app: Flask, session: Session, heard: list[Track]
) -> None:
    instance = app.config["INSTANCE"]
    with pytest.raises(NotReady, match="“Silence” has no sound file here"):
        audio_similarity.similar_by(
            Instance(instance, session), view(session, heard[-1]), by="musicnn"
        )
    late = make_track(session, "Late")
    plant(instance, session, late, {"mfcc": np.zeros(4)})
    with pytest.raises(NotReady, match="“Late” was not analysed by musicnn"):
        audio_similarity.similar_by(Instance(instance, session), view(session, late), by="musicnn")
    with pytest.raises(NotReady, match="No songs can be compared by mert yet"):
        audio_similarity.similar_by(Instance(instance, session), view(session, heard[0]), by="mert")
    with pytest.raises(UnknownName, match="Did you mean 'musicnn'"):
        audio_similarity.similar_by(
            Instance(instance, session), view(session, heard[0]), by="musicn"
        )


def test_a_matrix_is_written_again_only_when_something_changed(
    app: Flask, session: Session, heard: list[Track]
) -> None:
    instance = app.config["INSTANCE"]
    before = {name: sound_folders.current(instance, name) for name in COLUMNS}
    assert audio_similarity.refresh_matrices(Instance(instance, session)) == dict.fromkeys(
        (*COLUMNS, "sound"), False
    )
    open_one = feature_matrices.load(instance, "musicnn")
    assert feature_matrices.load(instance, "musicnn") is open_one
    track = make_track(session, "New")
    plant(instance, session, track, {"musicnn": np.ones(12)})
    written = audio_similarity.refresh_matrices(Instance(instance, session))
    # The mixture is made of MusiCNN's matrix here.
    assert [name for name, is_new in written.items() if is_new] == ["musicnn", "sound"]
    assert sound_folders.current(instance, "mfcc") == before["mfcc"]
    assert sound_folders.current(instance, "musicnn") != before["musicnn"]
    assert len(feature_matrices.load(instance, "musicnn").track_ids) == TRACKS + 1
    # Whoever mapped the older one still reads it; only the newer one is on disk.
    assert np.isfinite(open_one.matrix).all()
    folders = [p for p in (sound_folders.folder(instance) / "musicnn").iterdir() if p.is_dir()]
    key = feature_sets.key_of("musicnn")
    assert [p.name.startswith(f"{key.version}-{key.digest}-") for p in folders] == [True]


def test_blocks_do_not_matter_and_damaged_vectors_are_counted(
    app: Flask, session: Session, heard: list[Track], monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = app.config["INSTANCE"]
    whole = np.array(feature_matrices.load(instance, "statistical").matrix)
    monkeypatch.setattr(feature_matrices, "BLOCK", 7)
    (sound_folders.folder(instance) / "statistical" / "current").unlink()
    assert audio_similarity.refresh_matrices(Instance(instance, session))["statistical"]
    assert np.allclose(feature_matrices.load(instance, "statistical").matrix, whole, atol=1e-5)
    key = feature_sets.key_of("musicnn")
    lost = feature_cache.folder(instance) / feature_cache.relative_path(key, f"{TRACKS:064x}")
    lost.write_bytes(b"damaged")
    audio_similarity.refresh_matrices(Instance(instance, session))
    told = sound_folders.manifest(instance, "musicnn")
    assert (told["tracks"], told["damaged"]) == (TRACKS - 1, 1)
    assert told["parameters"] is None
    lost.unlink()
    audio_similarity.refresh_matrices(Instance(instance, session))
    assert sound_folders.manifest(instance, "musicnn")["damaged"] == 0


def test_the_same_song_comes_once_and_never_itself(
    app: Flask, session: Session, heard: list[Track]
) -> None:
    instance, rng = app.config["INSTANCE"], np.random.default_rng(2)
    for version in ("", " - 2011 Remaster", " (Remastered)"):
        copy = make_track(session, f"Song 0{version}", artists=heard[0].artists)
        twin = make_track(session, f"Twin{version}", artists="Twins")
        vectors = {"musicnn": rng.normal(size=12)}
        plant(instance, session, copy, vectors)
        plant(instance, session, twin, vectors)
    audio_similarity.refresh_matrices(Instance(instance, session))
    found = audio_similarity.similar_by(
        Instance(instance, session), view(session, heard[0]), 100, by="musicnn"
    )
    titles = [one.track.title.split(" - ")[0].split(" (")[0] for one in found]
    assert "Song 0" not in titles
    assert titles.count("Twin") == 1
    assert len(titles) == TRACKS


def test_command_page_and_interface_answer_alike(
    app: Flask, client: FlaskClient, session: Session, heard: list[Track]
) -> None:
    runner, first = app.test_cli_runner(), heard[0].public_id
    told = json.loads(
        runner.invoke(args=["similar", first, "--by", "musicnn", "-n", "3", "--json"]).stdout
    )
    asked = client.get(f"/api/v1/tracks/{first}/similar?by=musicnn&n=3").json["items"]
    assert [one["track"]["id"] for one in asked] == [one["track_id"] for one in told]
    # One form for both; the interface adds the whole track.
    assert [{name: one[name] for name in one if name != "track"} for one in asked] == told
    assert told[0]["title"] == "Song 1"
    page = client.get(f"/tracks/{first}?by=musicnn").text
    assert '<option value="musicnn" selected>MusiCNN</option>' in page
    assert "Close by what a listening model hears" in page
    assert page.index(told[0]["track_id"]) < page.index(told[1]["track_id"])
    silent = client.get(f"/tracks/{heard[-1].public_id}?by=musicnn")
    assert "“Silence” has no sound file here" in silent.text
    assert client.get(f"/api/v1/tracks/{heard[-1].public_id}/similar?by=mfcc").status_code == 404
    # No run is published: by default what has sound is compared by the mixture.
    for query in ("", "?by=nonsense"):
        plain = client.get(f"/tracks/{first}{query}").text
        assert plain.count("selected>") == 1
        assert '<option value="sound" selected>' in plain
        assert plain.count('class="reason"') == N_SIMILAR
        assert told[0]["track_id"] in plain[plain.index('id="by"') :]
    unheard = client.get(f"/tracks/{heard[-1].public_id}").text
    assert "selected>" not in unheard
    assert "Its sound, if it has any, can be compared now" in unheard
    assert unheard.count('class="reason"') == 0
    wrong = runner.invoke(args=["similar", first, "--by", "musicn"])
    assert wrong.exit_code == 2
    assert "Did you mean 'musicnn'" in wrong.output
    spaces = json.loads(runner.invoke(args=["sound-spaces", "--json"]).stdout)
    assert {one["feature_set"]: one["written"] for one in spaces} == dict.fromkeys(
        (*COLUMNS, "sound"), False
    )
