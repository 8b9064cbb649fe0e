"""The page for you: which method answered, re-ranking in the address, any number of likes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from songrec.recommend.registry import METHODS
from songrec.services.recommendation import for_listener
from songrec.store.listeners import reactions
from songrec.store.runs.run_folders import run_folder
from songrec.store.tables import Listener, Track
from tests.factories import make_track
from tests.web.html import links, parse, text_of, texts


@pytest.fixture
def planted_options():
    return {"n": 320}


@pytest.fixture
def listener(client, session, planted):
    """Who liked one song through the page, so that the browser is theirs."""
    first = session.get_one(Track, int(planted.track_ids[0])).public_id
    client.post(f"/tracks/{first}/reaction", data={"value": "like"})
    return session.query(Listener).one()


def like(session, listener, track_ids):
    for track_id in track_ids:
        reactions.react(session, listener, int(track_id), 1)
    session.commit()


def taught(instance, planted, track_factors=False):
    """Give the run's folder what playlists taught, before anybody opens it; the artists."""
    folder = run_folder(instance, planted.run.public_id)
    tracks = len(planted.track_ids)
    artists = np.arange(tracks, dtype=np.uint64) // np.uint64(10) + np.uint64(1)
    np.save(folder / "artists.npy", artists)
    np.save(folder / "albums.npy", np.zeros(tracks, dtype=np.uint64))
    vectors = np.random.default_rng(0).normal(size=(tracks, 4)).astype(np.float32)
    if track_factors:
        np.save(folder / "tower.npy", vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    (folder / "taste.json").write_text(
        '{"playlists": 40, "columns": {}, "artist": [4, 0.3, 1], "album": [4, 0.3, 1], '
        '"tower": {"weight": 2.0}}'
    )
    return artists


def found_on(page):
    main = page[page.index('<ol class="song-list') :]
    return re.findall(r'<li data-song="(p\d+)"', main)


@pytest.mark.parametrize("count", [1, 3, 10, 200])
def test_any_number_of_likes_is_answered_with_sums_that_add_up(
    client, session, planted, listener, count
):
    like(session, listener, planted.track_ids[:count])
    page = client.get("/recommendations?n=10")
    assert page.status_code == 200
    assert len(found_on(page.text)) == 10
    assert texts(page, "main p strong") == ["Your taste"]
    tables = re.findall(r'<table class="sum sum-signed">(.*?)</table>', page.text, re.DOTALL)
    assert len(tables) == 20  # per term, and per song liked
    for table in tables:
        *parts, score = [float(x) for x in re.findall(r"<td>([-+][\d.]+)<", table)]
        assert parts == sorted(parts, reverse=True)
        assert sum(parts) == pytest.approx(score, abs=0.0005 * (len(parts) + 1))


def test_the_page_says_how_many_likes_count(client, session, planted, listener, monkeypatch):
    like(session, listener, planted.track_ids[:4])
    (lead,) = texts(client.get("/recommendations"), "main p.lead")
    assert lead.startswith("From 4 songs you like")
    monkeypatch.setattr(for_listener, "MAX_REACTIONS", 3)
    (lead,) = texts(client.get("/recommendations"), "main p.lead")
    assert lead.startswith("From the newest 3 of 4 songs you like")


def test_likes_that_came_after_the_run_are_passed_over(client, session, planted, listener):
    late = make_track(session, "Came later")
    like(session, listener, [late.id, *planted.track_ids[1:3]])
    assert len(found_on(client.get("/recommendations?n=10").text)) == 10
    reactions.react(session, listener, int(planted.track_ids[0]), None)
    for track_id in planted.track_ids[1:3]:
        reactions.react(session, listener, int(track_id), None)
    session.commit()
    page = client.get("/recommendations")
    assert page.status_code == 200
    (notice,) = texts(page, ".empty, .notice")
    assert notice.startswith(
        "The liked songs are new: recommendations follow after the next training"
    )


def test_re_ranking_is_in_the_address_and_in_the_sums(client, session, planted, listener):
    like(session, listener, planted.track_ids[:6])
    plain = found_on(client.get("/recommendations?n=10").text)
    page = client.get("/recommendations?n=10&variety=0.6&novelty=0.5").text
    titles = texts(page, ".song-list > li .title")
    named = [
        (at, row.removeprefix("Much like “").removesuffix("” further up"))
        for at, item in enumerate(parse(page).select(".song-list > li"))
        for row in map(text_of, item.select(".sum th[scope=row]"))
        if row.endswith("” further up")
    ]
    assert named
    assert [title for at, title in named if title not in titles[:at]] == []
    assert parse(page).select_one("input[name=variety]")["value"] == "0.6"
    assert found_on(page) != plain
    drawn = client.get("/recommendations?n=10&surprise=5").text
    (again,) = (one for one in texts(drawn, "main p") if one.startswith("A random pick"))
    assert again == "A random pick from your best matches. Shuffle again · Back to best"
    offered = links(drawn, "main p a")
    assert offered["Back to best"] == "/recommendations?n=10"
    assert re.fullmatch(r"/recommendations\?n=10&surprise=\d+", offered["Shuffle again"])
    assert found_on(drawn) == found_on(client.get("/recommendations?n=10&surprise=5").text)
    assert found_on(drawn) != plain


@pytest.mark.parametrize(
    "query",
    [
        "surprise=x",
        "surprise=-3",
        "surprise=99999999999",
        "per_artist=77",
        "novelty=inf",
        "freshness=-2",
    ],
)
def test_odd_wishes_are_read_as_none(client, planted, listener, query):
    plain = found_on(client.get("/recommendations").text)
    assert found_on(client.get(f"/recommendations?{query}").text) == plain


def test_a_catalogue_without_artists_offers_no_cap(client, instance, session, planted, listener):
    page = client.get("/recommendations").text
    assert parse(page).select("[name=per_artist]") == []  # the planted run's folder names nobody
    assert len(found_on(page)) == 20


def test_with_artists_two_songs_of_each_are_shown_unless_more_are_asked_for(
    client, instance, session, planted, listener
):
    artists = taught(instance, planted)
    like(session, listener, planted.track_ids[:3])
    public = {
        session.get_one(Track, int(track_id)).public_id: int(artist)
        for track_id, artist in zip(planted.track_ids, artists, strict=True)
    }

    def most(query):
        by = [public[name] for name in found_on(client.get(f"/recommendations?{query}").text)]
        return max(by.count(artist) for artist in by)

    assert most("n=20") == 2
    assert most("n=20&per_artist=1") == 1
    assert most("n=20&per_artist=0") == 4
    assert len(parse(client.get("/recommendations")).select("[name=per_artist]")) == 1


def test_what_was_learnt_from_playlists_answers_where_there_is_any(
    client, instance, session, planted, listener
):
    taught(instance, planted, track_factors=True)
    page = client.get("/recommendations?n=10")
    assert texts(page, "main p strong") == ["Learnt from playlists"]
    assert [one["value"] for one in parse(page).select("[name=method][checked]")] == ["learned"]
    reasons = [one.split(", also ")[0] for one in texts(page, ".reason")]
    in_playlists = "Often in playlists with songs like “Song 1”"
    assert reasons == ["More by Artist 10", "More by Artist 9", *[in_playlists] * 8]
    assert all(in_playlists in texts(str(item), "th") for item in parse(page).select(".sum")[::2])


@pytest.mark.parametrize("method", METHODS.names())
def test_every_method_can_be_re_ranked(client, session, planted, listener, method):
    like(session, listener, planted.track_ids[:6])
    page = client.get(f"/recommendations?method={method}&variety=0.5&novelty=0.3&surprise=1")
    assert page.status_code == 200


def test_recommendations_come_as_rows_too(client, session, planted, listener):
    like(session, listener, planted.track_ids[1:3])
    page = client.get("/recommendations?view=rows")
    rows = [text for text in texts(page, "main h2") if text.startswith("Because you like “")]
    assert len(rows) == 3
    shown = re.findall(r'<li data-song="(p\d+)"', page.text)
    assert len(shown) == len(set(shown)) == 18
    assert "One list" in texts(page, "main a")
    assert "Rows by song you like" in texts(client.get("/recommendations"), "main a")


def test_a_method_that_finds_nothing_says_no_more_than_that(
    client, session, instance, planted, listener
):
    """The like is in no sound group, so nothing was rated there."""
    folder = run_folder(instance, planted.run.public_id)
    with np.load(folder / "clustering.npz") as arrays:
        clustering = dict(arrays)
    clustering["labels"] = np.full_like(clustering["labels"], -1)
    np.savez(folder / "clustering.npz", **clustering)
    page = client.get("/recommendations?method=cluster")
    assert "This method finds no song that you have neither rated nor left out." in page.text
