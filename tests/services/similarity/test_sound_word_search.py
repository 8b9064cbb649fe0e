"""Words find songs by how they sound, in a library of planted tags and attributes."""

from __future__ import annotations

import numpy as np
import pytest

from songrec.services.similarity import sound_word_search
from songrec.services.similarity.sound_vocabulary import concepts_in
from songrec.store.instance import Instance
from songrec.store.sound import predicted_tags
from songrec.store.tables import Tag, TrackTag
from tests.factories import make_track
from tests.recommend.planted import publish_run

TAGS = ("piano", "guitar", "no vocals", "sad")


@pytest.fixture
def here(session, instance):
    """Thirty songs: the first has a sad piano, the second a happy one, the third is sad."""
    rng = np.random.default_rng(0)
    made = [
        make_track(session, f"Song {i}", positiveness=rng.uniform(0.4, 0.7), energy=0.6)
        for i in range(30)
    ]
    low, high = {"positiveness": 0.1, "energy": 0.1}, {"positiveness": 0.9, "energy": 0.8}
    for track, values in ((made[0], low), (made[1], high), (made[2], low)):
        for name, value in values.items():
            setattr(track.attributes, name, value)
    made.append(make_track(session, "Written", genres=("jazz",), positiveness=None, energy=None))
    publish_run(session, instance)
    probabilities = np.full((30, len(TAGS)), 0.03, dtype=np.float16)
    probabilities[:2, 0] = 0.6
    probabilities[3, 1] = 0.7
    probabilities[4, 2] = 0.8
    path = instance / predicted_tags.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        track_ids=np.array([track.id for track in made[:30]]),
        names=np.array(TAGS),
        probabilities=probabilities,
        digest=np.array("planted"),
    )
    session.commit()
    return Instance(instance, session)


def found(here, words):
    return [match.track.title for match in sound_word_search.search(here, words, 5)]


def test_a_piano_is_heard_in_what_a_search_for_it_finds(here):
    assert found(here, "piano") == ["Song 0", "Song 1"]
    best = sound_word_search.search(here, "sad piano at night")[0]
    assert (best.track.title, best.sound_words) == ("Song 0", ("sad", "piano", "at night"))
    assert found(here, "happy piano")[0] == "Song 1"
    assert found(here, "sad songs")[:2] == ["Song 0", "Song 2"]


def test_german_french_and_spanish_words_find_the_same(here):
    for words in ("trauriges Klavier nachts", "klavier traurig", "piano triste la nuit"):
        assert found(here, words)[0] == "Song 0"
    assert found(here, "guitarra")[0] == "Song 3"


def test_the_longest_name_wins(here):
    assert [c.name for _, c in concepts_in("no vocals, hip hop and R&B")] == [
        "instrumental",
        "hip hop",
        "r&b",
    ]
    assert found(here, "no vocals")[0] == "Song 4"


def test_labels_of_the_catalogue_count_as_heard(here):
    assert found(here, "jazz") == ["Written"]


def test_what_is_in_no_song_is_found_in_none(here):
    assert found(here, "cello") == []
    assert found(here, "xylophone") == []


def test_recall_is_measured_with_labels_held_out(here, session):
    tags = predicted_tags.load(here.folder)
    tag = Tag(kind="tag", name="Klavier")
    session.add(tag)
    session.flush()
    ids = [int(tags.track_ids[row]) for row in (0, 1, 20)]
    session.add_all(TrackTag(track_id=track_id, tag_id=tag.id) for track_id in ids)
    measures = sound_word_search.evaluate(here)
    (piano,) = measures["words"]
    # Two of the three are heard; the third may be among the first ten by its number alone.
    assert (piano["word"], piano["labelled"], measures["tracks"]) == ("piano", 3, 30)
    assert piano["recall_at_10"] == pytest.approx(2 / 3)
    assert piano["chance"] == pytest.approx(1 / 3)


def test_a_faint_tag_neither_finds_nor_names_a_song(here, session):
    """The likeliest of a library without techno is no techno: 4% are far from a tag."""
    path = here.folder / predicted_tags.FILE
    with np.load(path) as arrays:
        planted = dict(arrays)
    techno = np.full((30, 1), 0.01, dtype=np.float16)
    techno[7] = 0.04
    planted["probabilities"] = np.hstack([planted["probabilities"], techno])
    planted["names"] = np.array([*TAGS, "techno"])
    np.savez(path, **planted)
    assert found(here, "techno") == []
    titles = {match.track.title: match for match in sound_word_search.search(here, "techno piano")}
    assert titles["Song 0"].sound_words == ("piano",)
    assert all("techno" not in match.sound_words for match in titles.values())


def test_the_page_speaks_of_lyrics_only_where_lyrics_were_compared(here, client):
    page = client.get("/words?q=sad")
    assert "Song 0" in page.text
    assert "% similar" not in page.text
