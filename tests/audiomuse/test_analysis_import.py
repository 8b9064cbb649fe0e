"""An analysis that AudioMuse-AI made is taken over: whole, resumed, checked, and trained on."""

from __future__ import annotations

import base64
import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.songs import song_key
from songrec.features.imported import AudioMuse, AudioMuseMoods
from songrec.services.audiomuse import analysis_import
from songrec.services.audiomuse.analysis_import import ImportReport, import_analysis, read_song
from songrec.services.training import dataset
from songrec.store.catalogue import training_data
from songrec.store.instance import current_instance
from songrec.store.servers import music_servers, server_tracks
from songrec.store.sound import imported_features
from songrec.store.tables import ImportedFeatures, MusicServer, ServerTrack, Track
from tests.audiomuse.audiomuse_server import TOKEN, analysed, audiomuse_server
from tests.audiomuse.conftest import Person
from tests.audiomuse.plugins import Navidrome
from tests.factories import make_track
from tests.planted_run import Planted


def run(url: str, **options: Any) -> ImportReport:
    return import_analysis(current_instance(), url, token=TOKEN, allows_private=True, **options)


def song(session: Session, title: str, artists: str, **values: Any) -> Track:
    """A track with the key by which its names are found."""
    return make_track(session, title, artists=artists, song_key=song_key(artists, title), **values)


@pytest.fixture
def named_songs(catalogue: Planted, session: Session) -> list[tuple[str, str]]:
    """Titles and artists of the planted songs, which are found by them."""
    for track in session.scalars(select(Track)):
        track.song_key = song_key(track.artists, track.title)
    session.commit()
    return [tuple(row) for row in session.execute(select(Track.title, Track.artists))]


def vectors(session: Session) -> dict[int, np.ndarray]:
    rows = session.scalars(select(ImportedFeatures).filter_by(feature_set="audiomuse"))
    return {row.track_id: imported_features.decode(row.values) for row in rows}


def test_songs_that_are_here_get_their_analysis_and_the_others_become_tracks(
    app, session: Session
) -> None:
    here = song(session, "Lithium", "Nirvana", tempo=None, key=None)
    session.commit()
    songs = [analysed(1, "Lithium", "Nirvana"), analysed(2, "Creep", "Radiohead")]
    with audiomuse_server(songs) as server:
        report = run(server.url)
    assert (report.read, report.matched, report.new_tracks) == (2, 2, 1)
    assert (report.vectors, report.figures, report.refused) == (2, 2, 0)
    stored = vectors(session)
    expected = np.frombuffer(base64.b64decode(songs[0]["embedding"]), dtype="<f4")
    np.testing.assert_array_equal(stored[here.id], expected)
    session.expire_all()
    assert (here.attributes.tempo, here.key, here.mode) == (121.5, 9, 0)
    jellyfin = music_servers.find(session, "Jellyfin")
    assert jellyfin.kind == "jellyfin"
    ids = [song["id"] for song in songs]
    by_id = server_tracks.tracks_of_remote(session, jellyfin, ids)
    assert by_id[ids[0]] == here.id
    assert session.get_one(Track, by_id[ids[1]]).title == "Creep"
    source = session.scalars(select(ImportedFeatures.source).distinct()).one()
    assert source.startswith("AudioMuse-AI at 127.0.0.1")


def test_figures_are_named_and_what_is_not_named_is_the_least(app, session: Session) -> None:
    with audiomuse_server([analysed(1, "Lithium", "Nirvana")]) as server:
        run(server.url)
    row = session.scalars(select(ImportedFeatures).filter_by(feature_set="audiomuse_moods")).one()
    values = imported_features.decode(row.values)
    figures = dict(zip(AudioMuseMoods().names(), values.tolist(), strict=True))
    assert figures["energy"] == pytest.approx(0.71)
    assert figures["happy"] == pytest.approx(0.55)
    assert figures["tag indie rock"] == pytest.approx(0.571)
    assert figures["tag jazz"] == 0.5


def test_a_value_that_was_known_is_not_overwritten(app, session: Session) -> None:
    here = song(session, "Lithium", "Nirvana", tempo=100.0, key=3, mode=1)
    session.commit()
    with audiomuse_server([analysed(1, "Lithium", "Nirvana")]) as server:
        assert run(server.url).filled == 0
    session.expire_all()
    assert (here.attributes.tempo, here.key, here.mode) == (100.0, 3, 1)


def test_an_import_that_was_stopped_goes_on_and_an_unchanged_one_stores_nothing(
    app, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis_import, "PAGE", 10)
    songs = [analysed(i, f"Song {i}", f"Artist {i}") for i in range(45)]
    with audiomuse_server(songs, fails_at={4}) as server:
        with pytest.raises(NotReady, match=r"page 4 with an error of its own \(503\)"):
            run(server.url)
        assert len(vectors(session)) == 30
        server.fails_at, server.cut = set(), {4}
        with pytest.raises(NotReady, match="not JSON"):
            run(server.url)
        server.cut = set()
        server.requested.clear()
        report = run(server.url)
        assert server.requested == [1, 4, 5]
        assert report.was_resumed
        assert (report.read, report.vectors, report.new_tracks) == (45, 45, 45)
        again = run(server.url)
        assert (again.read, again.unchanged, again.vectors, again.new_tracks) == (45, 45, 0, 0)
        server.songs[7] = {**analysed(99, "Song 7", "Artist 7"), "id": songs[7]["id"]}
        assert run(server.url).vectors == 1
    assert session.scalar(select(func.count()).select_from(ServerTrack)) == 45


def test_the_ids_of_a_server_that_is_scanned_are_taken_as_they_are(app, session: Session) -> None:
    track = song(session, "Another name", "Somebody")
    named = song(session, "Lithium", "Nirvana")
    server = music_servers.create(session, "Home", "http://music.example.org", allows_private=False)
    songs = [analysed(1, "Untitled", "Unknown"), analysed(2, "Lithium", "Nirvana")]
    songs.append(analysed(3, "Nowhere", "Nobody"))
    session.add(ServerTrack(server_id=server.id, remote_id=songs[0]["id"], track_id=track.id))
    session.commit()
    with audiomuse_server(songs, provider="navidrome") as audiomuse:
        report = run(audiomuse.url, server="Home")
    assert (report.matched, report.new_tracks) == (2, 0)
    assert set(vectors(session)) == {track.id, named.id}
    assert session.scalar(select(func.count()).select_from(ServerTrack)) == 1
    assert session.scalar(select(func.count()).select_from(MusicServer)) == 1


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"embedding": "no base64!"}, "vector"),
        ({"embedding": base64.b64encode(bytes(400)).decode()}, "vector"),
        ({"embedding": base64.b64encode(bytes(800)).decode()}, "vector"),
        ({"embedding": base64.b64encode(np.full(200, np.nan, "<f4").tobytes()).decode()}, "vector"),
        ({"embedding": None}, "vector"),
        ({"embedding": ["a"]}, "vector"),
        ({"tempo": "fast"}, "tempo"),
        ({"tempo": float("inf")}, "tempo"),
        ({"tempo": -3}, "tempo"),
        ({"tempo": 10**400}, "tempo"),
        ({"tempo": True}, "tempo"),
        ({"key": "H"}, "key"),
        ({"scale": "dorian"}, "mode"),
        ({"energy": 7, "mood_vector": "rock", "other_features": "happy:nan"}, "figures"),
    ],
)
def test_what_cannot_be_right_is_left_out_alone(values: dict[str, Any], left: str) -> None:
    song = read_song(analysed(1, "Lithium", "Nirvana", **values))
    assert song is not None
    expected = {left, "mode"} if left == "key" else {left}
    names = ("vector", "figures", "tempo", "key", "mode")
    assert {name for name in names if getattr(song, name) is None} == expected


@pytest.mark.parametrize("item", [None, "text", {}, {"id": "1"}, {"id": "", "title": "A"}, []])
def test_what_is_no_song_is_passed_over(item: Any) -> None:
    assert read_song(item) is None


def test_troubles_are_one_line(app, session: Session) -> None:
    instance = current_instance()
    with audiomuse_server([]) as server:
        with pytest.raises(NotReady, match="refuses the token"):
            import_analysis(instance, server.url, token="wrong", allows_private=True)
        with pytest.raises(NotReady, match="has no /api/sync"):
            run(f"{server.url}/somewhere")
        with pytest.raises(BadInput, match="single line"):
            import_analysis(instance, server.url, token="a\r\nHost: b", allows_private=True)
    with pytest.raises(NotReady, match="cannot be reached"):
        run(server.url)
    with pytest.raises(BadInput, match="not an address"):
        run("ftp://example.org")


def test_the_command_imports_and_says_what_it_did(app, session: Session) -> None:
    runner = app.test_cli_runner()
    with audiomuse_server([analysed(1, "Lithium", "Nirvana")]) as server:
        options = ["servers", "import-audiomuse", server.url, "--token", "-"]
        options += ["--name", "Living room"]
        done = runner.invoke(args=options, input=f"{TOKEN}\n")
        assert done.exit_code == 0, done.output
        assert done.output.splitlines() == [
            "Living room: 1 songs read, 1 of them in the library (1 new); 1 vectors and 1 sets of "
            "figures stored; tempo, key or mode filled in for 1.",
            "Train on it: flask train --features audiomuse",
        ]
        again = runner.invoke(args=[*options, "--json"], input=TOKEN)
        assert json.loads(again.output)["unchanged"] == 1
        refused = runner.invoke(args=["servers", "import-audiomuse", server.url])
    assert refused.exit_code == 1
    assert "refuses the token" in refused.output
    assert TOKEN not in done.output + again.output + refused.output


def test_a_plugin_works_after_the_import_alone(
    client: FlaskClient, named_songs: list[tuple[str, str]], anna: Person
) -> None:
    songs = [analysed(i, *names) for i, names in enumerate(named_songs)]
    with audiomuse_server(songs, provider="navidrome") as server:
        report = run(server.url)
    assert (report.matched, report.new_tracks) == (240, 0)
    plugin = Navidrome(client, anna.token)
    mix = plugin.similar_songs_by_track(songs[5]["id"], 10)
    assert {one["id"] for one in mix} < {song["id"] for song in songs}
    assert len(plugin.similar_artists("Artist 7")) == 10


def test_a_model_is_trained_on_what_was_imported(
    named_songs: list[tuple[str, str]], session: Session
) -> None:
    songs = [analysed(i, *names) for i, names in enumerate(named_songs[:200])]
    with audiomuse_server(songs) as server:
        run(server.url)
    instance = current_instance()
    spec = FeatureSpec(("attributes", "audiomuse"))
    built = dataset.build_dataset(instance, spec, training_data.read(session))
    assert len(built.data.track_ids) == 200
    columns = [name for name in built.table.names if name.startswith("audiomuse:")]
    assert columns == [f"audiomuse:{name}" for name in AudioMuse().names()]
    assert built.has_audio


def test_a_large_analysis_takes_little_memory(
    app, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held at once is a page, however many there are."""
    n, pages = 500, 8
    page = {
        "tracks": [analysed(i, f"Song {i}", "Artist") for i in range(n)],
        "total_tracks": n * pages,
        "provider_type": "jellyfin",
        "has_more": True,
    }
    peaks = []

    def read(self: Any, number: int) -> Any:
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
        tracks = [{**one, "id": f"{number}-{one['id']}"} for one in page["tracks"]]
        answer = {**page, "tracks": tracks, "has_more": number < pages}
        return analysis_import._read_page(answer, "example.org")

    monkeypatch.setattr(analysis_import._Client, "page", read)
    tracemalloc.start()
    try:
        report = run("http://127.0.0.1:1")
    finally:
        tracemalloc.stop()
    assert report.read == n * pages
    assert peaks[-1] < 1.5 * peaks[2] + 5e6


def test_pages_without_an_end_are_one_line(
    app, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with audiomuse_server([analysed(1, "Lithium", "Nirvana")]) as server:
        monkeypatch.setattr(
            type(server),
            "page",
            lambda self, number, limit: {"tracks": self.songs, "has_more": True},
        )
        with pytest.raises(NotReady, match="bring no new song"):
            run(server.url)
    assert len(vectors(session)) == 1
