import numpy as np
import pytest
from sqlalchemy import select

from songrec.core.attributes import SHARES
from songrec.core.content_flags import SEASONAL
from songrec.core.errors import BadInput, UnknownName
from songrec.recommend.lists import moods as table
from songrec.services.recommendation import mood as moods
from songrec.services.recommendation import stations
from songrec.store.instance import Instance
from songrec.store.runs import run_folders
from songrec.store.tables import Track
from tests.factories import make_track
from tests.recommend.planted import publish_run
from tests.web.html import links, parse, texts

CALM = {
    "energy": 0.15,
    "danceability": 0.2,
    "positiveness": 0.2,
    "speechiness": 0.03,
    "liveness": 0.8,
    "acousticness": 0.95,
    "instrumentalness": 0.0,
}


@pytest.fixture
def catalogue(session, instance):
    rng = np.random.default_rng(4)
    for number in range(60):
        values = dict(zip(SHARES, rng.uniform(0.3, 0.9, 7).tolist(), strict=True))
        make_track(session, f"Noise {number}", **{**values, "acousticness": 0.1})
    calm = [
        make_track(
            session,
            f"Calm {i}",
            genres=("classical",),
            emotions=("peace",),
            **{**CALM, "energy": 0.15 + i / 200},
        )
        for i in range(9)
    ]
    for number in range(2):
        middle = dict.fromkeys(SHARES, 0.5)
        sung = {"genres": ("classical",), "emotions": ("sadness",)}
        make_track(session, f"Sung {number}", **middle, **sung)
        make_track(session, f"Loud {number}", **middle, genres=("metal",))
    publish_run(session, instance)
    session.commit()
    return calm


def titles(found):
    return [one.track.title for one in found]


def test_classical_peace_prefers_planted_calm_acoustic_songs(session, instance, catalogue):
    found = moods.recommend_for_mood(
        Instance(instance, session), moods.Mood("Classical", "peace"), n=9
    )
    assert {title.split()[0] for title in titles(found)} == {"Calm"}
    assert found[0].sentence == "Calm, acoustic and dark, tagged “Classical” and “peace”"
    assert any("acousticness 0.95" in reason.text for reason in found[0].reasons)
    assert any(reason.text.startswith("Calm (energy 0.1") for reason in found[0].reasons)
    for one in found:
        assert sum(r.contribution for r in one.reasons) == pytest.approx(one.score, abs=1e-5)


def test_a_genre_is_answered_by_songs_that_are_tagged_with_it(session, instance, catalogue):
    here = Instance(instance, session)
    assert {title[:4] for title in titles(moods.recommend_for_mood(here, moods.Mood("Metal")))} == {
        "Loud"
    }
    assert moods.recommend_for_mood(here, moods.Mood("Metal", "peace")) == []
    assert moods.recommend_for_mood(here, moods.Mood("Polka")) == []
    assert moods.recommend_for_mood(here, moods.Mood(emotion="joy")) == []


def test_a_word_is_said_only_where_it_is_true(session, instance, catalogue):
    target = {"liveness": 0.75}
    found = moods.recommend_for_mood(Instance(instance, session), moods.Mood(sliders=target), n=20)
    for one in found:
        liveness = one.track.attributes["liveness"]
        assert ("live" in one.sentence.lower().replace(",", "").split()) <= (liveness > 0.8)


def test_unknown_values_are_no_reason_and_songs_without_any_no_answer(session, instance, catalogue):
    make_track(session, "Half", **{**dict.fromkeys(SHARES), "energy": 0.1})
    make_track(session, "Empty", **dict.fromkeys(SHARES))
    publish_run(session, instance, "r2")
    found = moods.recommend_for_mood(
        Instance(instance, session), moods.Mood(sliders={"energy": 0.1}), n=100
    )
    half = next(one for one in found if one.track.title == "Half")
    assert [reason.about for reason in half.reasons] == ["energy"]
    assert half.score == pytest.approx(half.reasons[0].contribution)
    assert "Empty" not in titles(found)


def test_beyond_an_end_that_was_asked_for_counts_half(session, instance, catalogue):
    levels = moods.recommend_for_mood(Instance(instance, session), moods.Mood("Classical"), n=90)
    aim = moods.target_values(Instance(instance, session), moods.Mood("Classical"))
    exact = moods.recommend_for_mood(Instance(instance, session), moods.Mood(sliders=aim), n=90)

    def speech(found):
        calm = next(one for one in found if one.track.title == "Calm 0")
        return next(r for r in calm.reasons if r.about == "speechiness")

    assert speech(levels).text.startswith("Even more sung (speechiness 0.03")
    assert speech(exact).text.startswith("More sung than the target (speechiness 0.03")
    lost = 1 / 7 - speech(exact).contribution
    assert 1 / 7 - speech(levels).contribution == pytest.approx(lost / 2, abs=1e-6)


def test_sliders_say_what_they_asked_for(session, instance, catalogue):
    sliders = {name: CALM[name] for name in SHARES}
    found = moods.recommend_for_mood(Instance(instance, session), moods.Mood(sliders=sliders), n=1)[
        0
    ]
    assert found.track.title == "Calm 0"
    assert "Calm (energy 0.15, target 0.15)" in [r.text for r in found.reasons]
    assert found.score == pytest.approx(1.0, abs=1e-6)


def test_songs_that_carry_the_tag_in_any_spelling_say_so(session, instance, catalogue):
    tagged = make_track(session, "Tagged", genres=("hip-hop",), **CALM)
    publish_run(session, instance, "r2")
    (only,) = moods.recommend_for_mood(Instance(instance, session), moods.Mood("Hip Hop"), n=70)
    assert only.track.id == tagged.id
    assert [r.contribution for r in only.reasons if r.kind == "tag"] == [table.TAG_BONUS]


def test_the_choices_are_what_songs_are_tagged_with(session, catalogue):
    choices = moods.mood_choices(session)
    assert choices.genres == {"classical": ("peace", "sadness"), "metal": ()}
    assert choices.emotions == ("peace", "sadness")


def test_disliked_songs_are_left_out(session, instance, catalogue):
    mood = moods.Mood("Classical", "peace")
    first = moods.recommend_for_mood(Instance(instance, session), mood, n=1)[0]
    again = moods.recommend_for_mood(
        Instance(instance, session), mood, n=9, dislikes=[first.track.id]
    )
    assert first.track.title not in titles(again)


def test_an_emotion_shifts_the_target(session, instance, catalogue):
    plain, sad, angry = (
        moods.target_values(Instance(instance, session), moods.Mood("Pop", e))
        for e in (None, "sadness", "anger")
    )
    assert sad["positiveness"] < plain["positiveness"]
    assert sad["energy"] < plain["energy"] < angry["energy"]
    assert sad["liveness"] == plain["liveness"]


def test_levels_are_places_in_the_catalogue_at_hand(session, instance, catalogue):
    levels = table.target_percentiles("Metal", None)
    assert [levels[name] for name in SHARES] == [0.85, 0.15, 0.15, 0.15, 0.15, 0.15, 0.85]
    target = moods.target_values(Instance(instance, session), moods.Mood("Metal"))
    assert target["energy"] > 0.7
    assert target["acousticness"] < 0.15


def test_the_table_is_the_whole_one():
    assert len(table.GENRES) == 15
    assert all(
        len(levels) == 7 and set(levels) <= set("HML") for _, levels in table.GENRES.values()
    )
    assert {e for feelings, _ in table.GENRES.values() for e in feelings} == set(table.EMOTIONS)


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (BadInput, {"sliders": {"energy": 1.5}}),
        (UnknownName, {"sliders": {"tempo": 0.5}}),
    ],
)
def test_what_is_not_a_mood_is_refused(error, arguments):
    with pytest.raises(error):
        moods.Mood(**arguments)


def test_the_page_begins_with_what_the_catalogue_has(client, catalogue):
    page = client.get("/mood")
    assert [one for one in links(page).values() if "genre=classical&emotion=peace" in one]
    assert texts(page, "select[name=genre] option") == ["Any", "classical", "metal"]
    assert texts(page, "select[name=emotion] option") == ["Any", "Peace", "Sadness"]
    assert "Happy and calm" in texts(page, ".mood-table .chip")
    assert len(parse(page).select("main input[type=range]")) == 7
    assert texts(page, ".reason") == []


def test_everything_asked_for_is_in_the_address(client, catalogue):
    page = client.get("/mood?genre=Classical&emotion=peace&energy=0.15&acousticness=0.95")
    sliders = {field["name"]: field["value"] for field in parse(page).select("main [type=range]")}
    assert (sliders["energy"], sliders["acousticness"]) == ("0.15", "0.95")
    assert texts(page, "select[name=genre] option[selected]") == ["classical"]
    assert len(texts(page, ".reason")) == 9
    assert "Calm 0" in texts(page, ".song-list .title")


@pytest.mark.parametrize("query", ["genre=x&emotion=y", "energy=abc", "energy=9", "energy=nan"])
def test_an_odd_address_still_gets_an_answer(client, catalogue, query):
    assert client.get(f"/mood?{query}").status_code == 200


def test_what_has_no_answer_says_so(client, catalogue):
    page = client.get("/mood?genre=Polka")
    assert texts(page, ".song-list .title") == []
    assert "No songs here are tagged “Polka”." in texts(page, "main .notice")[0]
    assert links(page, "main .chips a") == {
        "classical": "/mood?genre=classical",
        "metal": "/mood?genre=metal",
    }
    assert client.get("/stations/mood?of=Polka").status_code == 404


def test_a_mood_by_sound_keeps_its_name(client, catalogue):
    chosen = links(client.get("/mood"), ".mood-table a")["Happy and calm"]
    page = client.get(chosen)
    assert texts(page, ".results-head h2") == ["Happy and calm"]
    assert parse(page).select_one("#playlist-name")["value"] == "Happy and calm"
    assert texts(client.get("/mood?energy=0.31"), ".results-head h2") == ["Your sliders"]


def test_the_page_takes_a_genre_and_a_feeling_in_any_capitals(client, session, catalogue):
    page = client.get("/mood?genre=cLASSICAL&emotion=Peace")
    assert texts(page, "select[name=genre] option[selected]") == ["classical"]
    assert "Calm 0" in texts(page, ".song-list .title")


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        # A genre without that emotion: the emotions it has, and genres that have the emotion.
        (moods.Mood("metal", "peace"), [moods.Mood("classical", "peace")]),
        (moods.Mood("clasical"), [moods.Mood("classical")]),
        # An emotion that no song has: the nearest by pleasure and arousal.
        (moods.Mood(emotion="calm"), [moods.Mood(emotion="peace"), moods.Mood(emotion="sadness")]),
        (moods.Mood(emotion="sadnes"), [moods.Mood(emotion="sadness")]),
    ],
)
def test_a_mood_without_songs_has_near_ones(session, catalogue, asked, near):
    assert moods.nearest_moods(moods.mood_choices(session), asked) == near


def test_who_asks_for_a_kind_that_is_left_out_gets_it(session, instance, catalogue, client):
    """Christmas songs are left out of moods, but not of the mood of a genre that is theirs."""
    for number in range(4):
        middle = dict.fromkeys(SHARES, 0.5)
        genres = ("christmas", "choral") if number else ("christmas",)
        make_track(session, f"Carol {number}", genres=genres, **middle)
    make_track(session, "Motet", genres=("choral",), **dict.fromkeys(SHARES, 0.5))
    run = publish_run(session, instance, "r2")
    session.commit()
    space = run_folders.read_array(instance, run.public_id, "track_ids.npy", mapped=False)
    carols = session.scalars(select(Track.id).where(Track.title.like("Carol%"))).all()
    flags = np.where(np.isin(space, carols), SEASONAL, 0).astype(np.uint8)
    np.save(run_folders.run_folder(instance, run.public_id) / "content_flags.npy", flags)
    here = Instance(instance, session)
    assert len(titles(moods.recommend_for_mood(here, moods.Mood("christmas")))) == 4
    assert len(stations.station_page(here, None, "mood", "christmas").items) == 4
    sliders = moods.Mood(sliders=dict.fromkeys(SHARES, 0.5))
    assert not [one for one in titles(moods.recommend_for_mood(here, sliders)) if "Carol" in one]
    # What a listener's rules name stays out, and the page says why there is nothing.
    client.post("/rules", data={"kind": "genre", "value": "christmas"})
    (notice,) = texts(client.get("/mood?genre=christmas"), "main .notice")
    assert notice.startswith("None of the songs tagged “christmas” may be recommended to you")
    radio = client.get("/stations/mood?of=christmas")
    assert radio.status_code == 404
    assert "There is no song tagged “christmas” to play, so it has no radio." in radio.text
