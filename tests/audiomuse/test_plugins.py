"""Every plugin does with songrec what it does with AudioMuse-AI."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.services.recommendation import recommend
from songrec.store import jobs
from songrec.store.catalogue import tracks
from songrec.store.instance import current_instance
from songrec.store.listeners import mixes, reactions
from songrec.store.tables import MusicServer
from tests.audiomuse.conftest import Person
from tests.audiomuse.plugins import Ampache, Jellyfin, Lyrion, Navidrome, PluginError
from tests.planted_run import Planted

MakeServer = Callable[..., MusicServer]


def navidrome_id(track_id: int) -> str:
    return f"nd{track_id:020d}"


def guid(track_id: int) -> str:
    return uuid.UUID(int=track_id).hex


@pytest.fixture
def navidrome(client: FlaskClient, anna: Person, make_server: MakeServer) -> Navidrome:
    make_server("Navidrome", navidrome_id)
    return Navidrome(client, anna.token)


@pytest.fixture
def jellyfin(client: FlaskClient, anna: Person, make_server: MakeServer) -> Jellyfin:
    make_server("Jellyfin", guid, kind="jellyfin")
    return Jellyfin(client, anna.token)


@pytest.fixture
def lyrion(client: FlaskClient, anna: Person, make_server: MakeServer) -> Lyrion:
    make_server("Lyrion", str, kind="lyrion")
    return Lyrion(client, anna.token)


def test_an_instant_mix_of_navidrome_is_the_list_of_the_songs_page(
    navidrome: Navidrome, catalogue: Planted, session: Session
) -> None:
    seed = int(catalogue.track_ids[7])
    (view,) = tracks.tracks_by_id(session, [seed])
    page = recommend.similar_songs(current_instance(), view, 40)
    mix = navidrome.similar_songs_by_track(navidrome_id(seed), 12)
    expected = [navidrome_id(one.track.id) for one in page]
    kept, counts = [], Counter()
    for one in page:
        counts[one.track.artists] += 1
        if counts[one.track.artists] <= 3:
            kept.append(navidrome_id(one.track.id))
    assert len(mix) == 12
    assert [one["id"] for one in mix] == kept[:12]
    assert set(kept) <= set(expected)
    assert {one["artist"] for one in mix} <= {one.track.artists for one in page}


def test_similarities_fall_as_songs_are_less_like_the_first(
    navidrome: Navidrome, catalogue: Planted
) -> None:
    matches = navidrome.sonic_similar_tracks(navidrome_id(int(catalogue.track_ids[0])), 25)
    similarities = [similarity for _, similarity in matches]
    assert len(matches) == 25
    assert similarities == sorted(similarities, reverse=True)
    assert 0.5 < similarities[-1] <= similarities[0] < 1


def test_a_path_of_navidrome_leads_from_song_to_song(
    navidrome: Navidrome, catalogue: Planted
) -> None:
    start, end = (navidrome_id(int(catalogue.track_ids[at])) for at in (0, 1))
    path = navidrome.sonic_path(start, end, 9)
    assert (path[0], path[-1], len(path)) == (start, end, 9)
    assert len(set(path)) == 9


def test_artists_of_navidrome_are_named_by_its_ids(
    navidrome: Navidrome, catalogue: Planted, session: Session
) -> None:
    (view,) = tracks.tracks_by_id(session, [int(catalogue.track_ids[3])])
    artist = f"artist-{view.credits[0].artist_id}"
    similar = navidrome.similar_artists(artist)
    assert len(similar) == 10
    assert all(one.startswith("artist-") for one, _ in similar)
    assert artist not in [one for one, _ in similar]
    songs = navidrome.similar_songs_by_artist(artist, 15)
    assert len(songs) == len(set(songs)) == 15
    by_artist = {navidrome_id(int(i)): int(i) % 50 for i in catalogue.track_ids}
    assert len({by_artist[one] for one in songs}) > 5


def test_jellyfin_mixes_songs_and_albums_and_accepts_the_connection(
    jellyfin: Jellyfin, catalogue: Planted
) -> None:
    assert jellyfin.test_connection()
    seeds = [uuid.UUID(int=int(i)) for i in catalogue.track_ids[:4]]
    assert len(set(jellyfin.instant_mix(seeds[:1], 60))) == 60
    assert len(set(jellyfin.instant_mix(seeds, 60))) == 60


def test_what_jellyfin_hands_on_to_apps_is_answered(jellyfin: Jellyfin, catalogue: Planted) -> None:
    one, other = (guid(int(i)) for i in catalogue.track_ids[:2])
    for method, path, payload in (
        ("GET", "/api/playlists", None),
        ("GET", "/api/search_tracks?title=Song", None),
        ("GET", f"/api/similar_tracks?n=5&item_id={one}&eliminate_duplicates=false", None),
        ("GET", "/api/similar_artists?n=5&artist=Artist%201", None),
        ("GET", f"/api/max_distance?item_id={one}", None),
        ("GET", f"/api/find_path?start_song_id={one}&end_song_id={other}", None),
        ("GET", "/api/last_task", None),
        ("POST", "/api/alchemy", {"items": [{"id": one, "op": "ADD"}], "n": 5}),
        ("POST", "/api/clap/search", {"query": "calm", "limit": 5}),
        ("POST", "/chat/api/chatPlaylist", {"userInput": "calm"}),
    ):
        status, answer = jellyfin.passed_through(method, path, payload)
        assert status == 200, (path, answer)
        assert answer or path.endswith("last_task")
    for path in ("/api/analysis/start", "/api/clustering/start", "/api/cancel_all/main"):
        status, answer = jellyfin.passed_through("POST", path, {})
        assert status == 501
        assert "songrec" in answer["error"]
    made = {"playlist_name": "From a chat", "item_ids": [one, other]}
    status, answer = jellyfin.passed_through("POST", "/chat/api/create_playlist", made)
    assert (status, answer["mapped"]) == (201, 2)


def test_a_fingerprint_is_for_the_person_of_the_token_alone(
    jellyfin: Jellyfin, catalogue: Planted, anna: Person, session: Session, make_person
) -> None:
    ben = make_person("Ben")
    assert jellyfin.fingerprint("anna") == []
    liked = catalogue.track_ids[:3].tolist()
    for track_id in liked:
        reactions.react(session, anna.listener, track_id, 1)
    session.commit()
    songs = jellyfin.fingerprint("Anna")
    assert len(songs) == 100
    assert not {one.int for one in songs} & set(liked)
    with pytest.raises(PluginError, match=r"403.*Anna's.*Ben"):
        jellyfin.fingerprint("Ben")
    assert Jellyfin(jellyfin.client, ben.token).fingerprint("Ben") == []
    with pytest.raises(PluginError, match="401"):
        Jellyfin(jellyfin.client).fingerprint("Anna")


def test_lyrion_queues_songs_by_its_numbers(
    lyrion: Lyrion, catalogue: Planted, anna: Person, session: Session
) -> None:
    one, other = (str(int(i)) for i in catalogue.track_ids[:2])
    assert lyrion.ping() == {"status": "ok"}
    assert len(lyrion.similar_tracks(one)) == 20
    path = lyrion.find_path(one, other, 10)
    assert (path[0], path[-1], len(path)) == (one, other, 10)
    blend = lyrion.alchemy([one, other], [])
    assert len(blend) == 25
    assert not {one, other} & set(blend)
    assert len(lyrion.alchemy([one], [other], 10)) == 10
    assert [track["author"] for track in lyrion.search_tracks("artist 7")] == ["Artist 7"] * len(
        lyrion.search_tracks("artist 7")
    )
    assert lyrion.search_tracks("artist 7")
    reactions.react(session, anna.listener, int(one), 1)
    session.commit()
    assert len(lyrion.fingerprint(25)) == 25
    assert len(lyrion.clap_search("happy dance", 5)) == 5
    message, songs = lyrion.chat("happy dance music")
    assert "no language model" in message
    assert len(songs) == 25


def test_lyrions_settings_page_reads_what_songrec_has(lyrion: Lyrion) -> None:
    content = lyrion.read("/api/dashboard/summary")["content"]
    assert content["distinct_artists"] == 50
    assert isinstance(content["moods_coverage"], list)
    assert lyrion.read("/api/active_tasks") == {}
    assert lyrion.read("/api/clap/top_queries") == {"queries": [], "ready": False}
    assert lyrion.read("/api/radios") == {"radios": []}
    assert lyrion.post("/api/clap/warmup", {})[0] == 200
    with pytest.raises(PluginError, match=r"404.*no mixes yet"):
        lyrion._checked(*lyrion.post("/api/radios/run", {}))
    with pytest.raises(PluginError, match=r"404: No lyrics found"):
        lyrion._checked(*lyrion.post("/api/lyrics/search/text", {"query": "zzz", "limit": 5}))
    with pytest.raises(PluginError, match=r"404.*lyrics"):
        lyrion.sem_grove("1")


@pytest.mark.parametrize("form", ["{}", "so-{}"])
def test_ampache_asks_with_the_token_in_the_address_in_either_form_of_ids(
    client: FlaskClient, anna: Person, make_server: MakeServer, catalogue: Planted, form: str
) -> None:
    make_server("Ampache", form.format)
    ampache = Ampache(client, base=f"/audiomuse/{anna.token}")
    one, other = (int(i) for i in catalogue.track_ids[:2])
    matches = ampache.similar_songs(one, 20)
    assert len(matches) == 20
    assert all(0 < similarity < 1 for _, similarity in matches)
    path = ampache.path(one, other, 8)
    assert [track_id for track_id, _ in path][:: len(path) - 1] == [one, other]
    assert {similarity for _, similarity in path} == {-1.0}


def test_an_unknown_song_is_not_found_and_says_what_to_do(
    navidrome: Navidrome, lyrion: Lyrion
) -> None:
    with pytest.raises(PluginError, match="status 404"):
        navidrome.similar_songs_by_track("nobody-knows", 5)
    with pytest.raises(PluginError, match=r"404: No song 'nobody-knows' of “Navidrome”.*scan"):
        lyrion.similar_tracks("nobody-knows")


def test_songs_that_the_server_lacks_are_made_up_for_by_others(
    client: FlaskClient, anna: Person, make_server: MakeServer, catalogue: Planted
) -> None:
    few = catalogue.track_ids[::8].tolist()
    make_server("Navidrome", navidrome_id, few)
    plugin = Navidrome(client, anna.token)
    names = {navidrome_id(one) for one in few}
    mix = plugin.similar_songs_by_track(navidrome_id(few[0]), 20)
    assert len(mix) == 20
    assert {one["id"] for one in mix} <= names
    path = plugin.sonic_path(navidrome_id(few[0]), navidrome_id(few[1]), 8)
    assert len(path) == 8
    assert set(path) <= names


def test_the_id_of_a_song_says_which_server_is_meant(
    client: FlaskClient, anna: Person, make_server: MakeServer, catalogue: Planted, public_id
) -> None:
    make_server("Navidrome", navidrome_id)
    make_server("Jellyfin", guid, kind="jellyfin")
    seed = int(catalogue.track_ids[0])
    (one,) = Navidrome(client, anna.token).similar_songs_by_track(navidrome_id(seed), 1)
    (other,) = Jellyfin(client, anna.token).instant_mix([uuid.UUID(int=seed)], 2)[1:]
    assert one["id"] == navidrome_id(other.int)
    own = client.get(f"/api/similar_tracks?item_id={public_id(seed)}&n=1")
    assert own.json[0]["item_id"] == public_id(other.int)
    headers = {"Authorization": f"Bearer {anna.token}"}
    answer = client.get("/api/search_tracks?search_query=song", headers=headers)
    assert (answer.status_code, "?server=Navidrome" in answer.json["error"]) == (400, True)
    named = client.get("/api/search_tracks?search_query=song&server=jellyfin", headers=headers)
    assert uuid.UUID(named.json[0]["item_id"]).int in catalogue.track_ids
    unknown = client.get("/api/search_tracks?search_query=song&server=plex", headers=headers)
    assert (unknown.status_code, "Jellyfin" in unknown.json["error"]) == (400, True)


def test_two_people_get_their_own(
    client: FlaskClient, anna: Person, make_person, make_server: MakeServer, catalogue, session
) -> None:
    make_server("Navidrome", navidrome_id)
    ben = make_person("Ben")
    seed = navidrome_id(int(catalogue.track_ids[0]))
    plugins = [Navidrome(client, person.token) for person in (anna, ben)]
    before = plugins[0].similar_songs_by_track(seed, 5)
    disliked = int(before[0]["id"].removeprefix("nd"))
    reactions.react(session, anna.listener, disliked, -1)
    session.commit()
    hers, his = (plugin.similar_songs_by_track(seed, 5) for plugin in plugins)
    assert before[0] not in hers
    assert his == before
    assert Navidrome(client).similar_songs_by_track(seed, 5) == before


def test_lyrions_radios_are_the_mixes_of_the_person(
    lyrion: Lyrion, anna: Person, make_person, session: Session
) -> None:
    """They are listed, and updated on request, each person's own."""
    mix = mixes.create(session, anna.listener, "radio", name="Evening", size=40)
    session.commit()
    (radio,) = lyrion.read("/api/radios")["radios"]
    assert (radio["name"], radio["n_results"], radio["enabled"]) == ("Evening", 40, True)
    assert Lyrion(lyrion.client, make_person("Ben").token).read("/api/radios") == {"radios": []}
    status, answer = lyrion.post("/api/radios/run", {})
    assert (status, answer["message"]) == (202, "1 mix is being updated.")
    (job,) = jobs.active(session)
    assert (job.kind, job.parameters) == ("mixes", {"listener": anna.listener.id})
    session.refresh(mix)
    assert mix.next_at is not None
