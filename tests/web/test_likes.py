import re

import pytest
from flask import url_for

from songrec.recommend.registry import METHODS
from songrec.services.recommendation import for_listener
from songrec.store.listeners import reactions
from songrec.store.tables import Listener, Reaction, Track
from tests.web.html import links, parse, texts

JSON = {"Accept": "application/json"}


@pytest.fixture
def planted_options():
    return {"n": 60}


def address(session, track_id):
    return session.get(Track, int(track_id)).public_id


def react(client, public_id, value, **more):
    return client.post(f"/tracks/{public_id}/reaction", data={"value": value, **more})


def test_liking_works_without_an_account_and_comes_back_to_the_page(client, session, planted):
    public_id = address(session, planted.track_ids[0])
    answer = react(client, public_id, "like", next="/tracks?q=song")
    assert (answer.status_code, answer.location) == (303, "/tracks?q=song")
    assert session.query(Reaction).one().value == 1
    page = client.get("/likes")
    assert "Liked songs" in texts(page, "main h2")
    assert list(links(page, "main .song .title").values()) == [f"/tracks/{public_id}"]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil", ""])
def test_next_never_leads_to_another_site(client, session, planted, target):
    public_id = address(session, planted.track_ids[0])
    assert react(client, public_id, "like", next=target).location == f"/tracks/{public_id}"


def test_fetch_gets_the_value_and_the_counts(client, session, planted):
    first, second = (address(session, i) for i in planted.track_ids[:2])
    client.post(f"/tracks/{first}/reaction", data={"value": "dislike"}, headers=JSON)
    answer = client.post(f"/tracks/{second}/reaction", data={"value": "like"}, headers=JSON)
    assert answer.json == {"value": "like", "likes": 1, "dislikes": 1}
    answer = client.post(f"/tracks/{second}/reaction", data={"value": "none"}, headers=JSON)
    assert answer.json == {"value": "none", "likes": 0, "dislikes": 1}


def test_a_second_reaction_replaces_the_first(client, session, planted):
    public_id = address(session, planted.track_ids[0])
    react(client, public_id, "like")
    react(client, public_id, "dislike")
    assert [r.value for r in session.query(Reaction)] == [-1]


def test_odd_reactions_and_unknown_songs_are_refused(client, session, planted):
    assert react(client, address(session, planted.track_ids[0]), "love").status_code == 400
    assert react(client, "nonesuch", "like").status_code == 404
    assert session.query(Listener).count() == 0


def test_taking_back_what_was_never_said_makes_no_listener(client, session, planted):
    react(client, address(session, planted.track_ids[0]), "none")
    assert session.query(Listener).count() == 0


def test_two_browsers_do_not_share_likes(app, client, session, planted):
    public_id = address(session, planted.track_ids[0])
    react(client, public_id, "like")
    others = app.test_client().get("/likes")
    assert "Liked songs" in texts(client.get("/likes"), "main h2")
    assert "Liked songs" not in texts(others, "main h2")


def test_without_likes_there_are_three_typical_songs_of_every_cluster(client, session, planted):
    starters = parse(client.get("/likes")).select(".starter")
    assert len(starters) == len(set(planted.labels.tolist()))
    assert [len(starter.select("[data-reaction]")) for starter in starters] == [3] * len(starters)


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/likes", "No songs to like yet"),
        ("/recommendations", "Nothing to recommend from yet"),
        ("/mood", "No songs to choose from yet"),
    ],
)
def test_an_empty_instance_says_what_to_do_next(client, path, heading):
    page = client.get(path)
    assert page.status_code == 200
    assert texts(page, "main .empty h2") == [heading]
    (advice,) = texts(page, "main .empty p")
    assert advice.startswith("Once an admin has added a catalogue and trained songrec on it, ")
    assert links(page, "main .empty a") == {"Home": "/"}


def test_playlists_are_made_without_any_catalogue(client):
    page = client.get("/playlists")
    assert texts(page, "main .empty") == []
    assert texts(page, "main form button") == ["New playlist"]


def test_recommendations_say_why_and_leave_out_what_is_known(client, session, planted):
    liked = [int(i) for i in planted.track_ids[planted.labels == 0][:3]]
    for track_id in liked:
        react(client, address(session, track_id), "like")
    answer = client.get("/recommendations?n=10&variety=0.3&method=distance")
    assert answer.status_code == 200
    titles = {session.get(Track, track_id).title for track_id in liked}
    items = parse(answer).select(".song-list > li")
    assert len(items) == 10
    for item in items:
        (reason,) = texts(str(item), ".reason")
        nearest = texts(str(item), ".sum th[scope=row]")[0]
        named = re.fullmatch(r"(?:\w[\w ,-]+, like|Sounds like) “(.+)”", reason)[1]
        assert named in titles
        assert re.search("“(.+?)”", nearest)[1] == named  # the like that adds most to the score
    before = list(links(answer, ".song-list .title").values())
    assert not {f"/tracks/{address(session, track_id)}" for track_id in liked} & set(before)
    react(client, before[0].removeprefix("/tracks/"), "dislike")
    again = client.get("/recommendations?n=10&variety=0.3&method=distance")
    after = list(links(again, ".song-list .title").values())
    assert len(after) == 10
    assert before[0] not in after


@pytest.mark.parametrize("method", ["cosine", "distance", "cluster"])
def test_the_sum_shown_adds_up_to_the_score_shown(client, session, planted, method):
    for track_id in planted.track_ids[:4]:
        react(client, address(session, track_id), "like")
    react(client, address(session, planted.track_ids[5]), "dislike")
    tables = parse(client.get(f"/recommendations?method={method}")).select("table.sum-signed")
    assert len(tables) >= 20
    for table in tables:
        *parts, score = map(float, texts(str(table), "td"))
        assert parts == sorted(parts, reverse=True)
        assert sum(parts) == pytest.approx(score, abs=0.0005 * (len(parts) + 1))


@pytest.mark.parametrize(
    "query", ["method=nonesuch", "variety=nan", "variety=x&n=-1", "n=99999999999999", "variety=7"]
)
def test_an_odd_address_still_gets_an_answer(client, session, planted, query):
    react(client, address(session, planted.track_ids[0]), "like")
    assert client.get(f"/recommendations?{query}").status_code == 200


def test_merging_keeps_the_newer_reaction_and_moves_the_rest(session, planted):
    anonymous, account = Listener(token="a"), Listener(token="b")
    session.add_all([anonymous, account])
    session.flush()
    first, second, third = (int(i) for i in planted.track_ids[:3])
    reactions.react(session, account, first, -1)
    reactions.react(session, anonymous, first, 1)
    reactions.react(session, anonymous, second, 1)
    reactions.react(session, account, second, -1)
    reactions.react(session, anonymous, third, -1)
    reactions.merge(session, anonymous, account)
    assert reactions.values(session, account) == {first: 1, second: -1, third: -1}
    assert session.query(Listener).count() == 1
    assert session.query(Reaction).count() == 3


def test_endpoints_have_the_names_other_pages_use(app):
    with app.test_request_context():
        assert url_for("likes.page") == "/likes"
        assert url_for("likes.react", public_id="x") == "/tracks/x/reaction"
        assert url_for("recommendations.page") == "/recommendations"
        assert url_for("mood.page") == "/mood"
        assert url_for("playlists.index") == url_for("playlists.create") == "/playlists"
        assert url_for("playlists.export", public_id="x", format="csv") == "/playlists/x.csv"


@pytest.mark.parametrize("method", METHODS.names())
def test_who_likes_more_than_count_gets_none_of_the_older_likes_back(
    client, session, planted, monkeypatch, method
):
    monkeypatch.setattr(for_listener, "MAX_REACTIONS", 5)
    react(client, address(session, planted.track_ids[0]), "like")
    listener = session.query(Listener).one()
    for track_id in planted.track_ids[1:40].tolist():
        reactions.react(session, listener, track_id, 1)
    session.commit()
    page = client.get(f"/recommendations?n=20&method={method}").text
    found = set(re.findall(r'<li data-song="(p\d+)"', page))
    assert found
    assert not found & {address(session, i) for i in planted.track_ids[:40]}
