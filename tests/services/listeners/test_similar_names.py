"""Songs that a list names almost as the catalogue does: taken where one is sure, else asked."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.core.title_normalization import title_parts
from songrec.services.listeners import matching_evaluation, similar_names
from songrec.services.listeners.similar_names import artist_similarity, title_similarity
from songrec.store.tables import Track
from tests.factories import make_track


def add(session: Session, title: str, artists: str) -> Track:
    return make_track(session, title, artists=artists, song_key=songs.song_key(artists, title))


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("Halo", ("halo", "")),
        ("Halo - Live (feat. X)", ("halo", "live")),
        ("Halo (Remastered 2011)", ("halo", "")),
        ("Halo (Blue Sky) - Live in Oslo", ("halo", "blue sky live in oslo")),
        ("(I Can't Get No) Satisfaction", ("satisfaction", "i cant get no")),
        ("?", ("?", "")),
    ],
)
def test_a_title_is_its_core_and_what_tells_recordings_apart(
    title: str, parts: tuple[str, str]
) -> None:
    assert title_parts(title) == parts


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("Bohemian Rhapsody", "Bohemian Rhapsody - Remastered 2011", 1.0, 1.0),
        ("Don’t Stop", "Dont Stop!", 0.98, 1.0),
        ("Blackbird", "Black Bird", 0.98, 0.98),
        ("Bohemian Rapsody", "Bohemian Rhapsody", 0.9, 0.99),
        ("Bohemian Rhaspody", "Bohemian Rhapsody", 0.9, 0.99),
        ("Gruppa krovi (Blood Type)", "Gruppa krovi", 0.75, 0.81),
        ("Halo", "Halo (Live)", 0.6, 0.8),
        ("Halo - A Remix", "Halo - B Remix", 0.5, 0.7),
        ("Time Part 1", "Time Part 2", 0.0, 0.0),
        ("Help", "Hope", 0.0, 0.0),
        ("One", "Ode", 0.0, 0.0),
        ("Yesterday", "Something", 0.0, 0.0),
    ],
)
def test_titles_are_as_sure_as_what_tells_them_apart(
    one: str, other: str, least: float, most: float
) -> None:
    assert least <= title_similarity(one, other) <= most
    assert title_similarity(one, other) == pytest.approx(title_similarity(other, one))


@pytest.mark.parametrize(
    ("line", "credited", "least", "most"),
    [
        ("The Beatles", ["Beatles"], 1.0, 1.0),
        ("Jay-Z & Beyonce", ["Beyoncé", "Jay-Z"], 1.0, 1.0),
        ("Jay-Z", ["Beyoncé", "Jay-Z"], 0.9, 0.99),
        ("Beyonse", ["Beyoncé"], 0.8, 0.9),
        ("Various Artists", ["Beyoncé"], 0.6, 0.7),
        ("Кино", ["Kino"], 0.6, 0.7),
        ("Queen", ["Beyoncé"], 0.0, 0.0),
    ],
)
def test_artists_too(line: str, credited: list[str], least: float, most: float) -> None:
    assert least <= artist_similarity(line, credited) <= most


def test_one_sure_song_is_taken_and_near_ones_are_offered_best_first(session: Session) -> None:
    rhapsody = add(session, "Bohemian Rhapsody", "Queen")
    live = add(session, "Bohemian Rhapsody - Live Aid", "Queen")
    add(session, "Radio Ga Ga", "Queen")
    wanted = ("Quen", "Bohemian Rapsody"), ("Queen", "Bohemian Rhapsody - Live at Wembley")
    found = similar_names.find_candidates(session, set(wanted))
    assert found[wanted[0]][0].track_id == rhapsody.id
    first = [one.track_id for one in found[wanted[1]]]
    assert first == [rhapsody.id, live.id]
    assert not similar_names.is_sure(found[wanted[1]])
    spelt = ("Queen", "Bohemian Rapsody")
    candidates = similar_names.find_candidates(session, {spelt})[spelt]
    assert similar_names.is_sure(candidates)
    assert candidates[0].track_id == rhapsody.id
    nobody = ("Nobody", "Radio Ga Ga")
    assert similar_names.find_candidates(session, {nobody}) == {}


def test_two_songs_as_near_as_each_other_are_a_question(session: Session) -> None:
    add(session, "Summer Breeze", "Sea")
    add(session, "Summer Breezy", "Sea")
    wanted = ("Sea", "Summer Breezo")
    candidates = similar_names.find_candidates(session, {wanted})[wanted]
    assert len(candidates) == 2
    assert not similar_names.is_sure(candidates)


def test_matching_is_measured_on_altered_names(session: Session) -> None:
    for number, word in enumerate(("Meadow", "Lantern", "Harbour", "Window", "Thunder", "Valley")):
        add(session, f"Golden {word}", f"Painter {number} and Friends")
    figures = matching_evaluation.evaluate_matching(session, 6)
    assert figures.kinds["remaster"].accepted == 6
    assert figures.kinds["live version"].false_accepted == 0
    assert figures.kinds["live version"].futile_queries == 6
    assert figures.kinds["not in the catalogue"].unmatched == 6
    spelt = figures.kinds["one slip in the title"]
    assert spelt.accepted + spelt.queries == 6
    document = figures.to_json()
    assert document["thresholds"][-1]["precision"] == 1.0
