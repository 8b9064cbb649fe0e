"""Reading the catalogue: search, filters, order, pages."""

from __future__ import annotations

import random
import unicodedata

import pytest
from sqlalchemy.orm import Session

from songrec.core.sorting import sort_key
from songrec.store.catalogue import track_filters, tracks
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.tables import Cluster, ClusterAssignment, Run
from tests.factories import make_track


def titles(session: Session, run: Run | None = None, **query: object) -> list[str]:
    return [t.title for t in tracks.search(session, TrackQuery(**query), run).tracks]  # type: ignore[arg-type]


def make_run(session: Session) -> Run:
    run = Run(
        public_id="r1",
        feature_set="attributes",
        representation="pca",
        clustering="kmeans",
        projection="pca",
        seed=0,
        track_count=3,
        cluster_count=2,
        data_fingerprint="x",
        parameters={},
        metrics={},
        seconds={},
    )
    session.add(run)
    session.flush()
    for number in (0, 1):
        session.add(Cluster(run_id=run.id, number=number, name=f"c{number}", size=1, profile={}))
    session.flush()
    return run


def assign(session: Session, run: Run, track_id: int, label: int, confidence: float = 1.0) -> None:
    session.add(
        ClusterAssignment(
            run_id=run.id, track_id=track_id, label=label, confidence=confidence, x=0.0, y=1.0
        )
    )
    session.flush()


def test_search_finds_words_in_title_artist_album_and_genre(session: Session) -> None:
    make_track(session, "Morning Rain", artists="Ada Vale")
    make_track(session, "Dust", artists="The Rainmakers")
    make_track(session, "Salt", album="Rain Songs")
    make_track(session, "Clay", genres=("rainwave",))
    make_track(session, "Sun")
    assert set(titles(session, text="rain")) == {"Morning Rain", "Dust", "Salt", "Clay"}
    assert titles(session, text="rain morning") == ["Morning Rain"]


def test_the_length_of_a_search_counts_each_of_its_tracks_once(session: Session) -> None:
    make_track(session, "Rain", artists="Rain", genres=("folk",), duration_ms=60_000)
    make_track(session, "Morning Rain", genres=("pop", "rain"), duration_ms=200_000)
    make_track(session, "Rain of unknown length", genres=("folk",))
    make_track(session, "Sun", genres=("folk",), duration_ms=5_000)
    queries = {"text": TrackQuery(text="rain", per_page=1)}
    queries["genre"] = TrackQuery(genre="folk")
    queries["both"] = TrackQuery(text="rain", genre="folk")
    queries["neither"] = TrackQuery(text="snow")
    totals = {name: track_filters.total_ms(session, query, None) for name, query in queries.items()}
    assert totals == {"text": 260_000, "genre": 65_000, "both": 60_000, "neither": 0}


def test_search_ignores_accents_case_and_punctuation(session: Session) -> None:
    make_track(session, "Élan (Vital)", artists="Björn")
    assert titles(session, text="elan VITAL") == ["Élan (Vital)"]
    assert titles(session, text="bjorn") == ["Élan (Vital)"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_are_found_however_the_keyboard_composes_them(session: Session, form: str) -> None:
    make_track(session, "Été à Québec")
    assert titles(session, text=unicodedata.normalize(form, "été québ")) == ["Été à Québec"]


@pytest.mark.parametrize("text", ['"', "AND", "a* OR b", "x NEAR y", "title:foo", "'; drop--", "("])
def test_search_words_are_never_read_as_a_query_language(session: Session, text: str) -> None:
    make_track(session, "Quiet")
    assert titles(session, text=text) == []


def test_a_search_of_punctuation_only_finds_names_of_nothing_else(session: Session) -> None:
    make_track(session, "Quiet!!!")
    assert tracks.search(session, TrackQuery(text="!!!")).total == 0
    for title in ("?", "???", "÷", "100%", "%"):
        make_track(session, title)
    make_track(session, "Myth", artists="!!!")
    assert titles(session, text="!!!") == ["Myth"]
    assert sorted(titles(session, text=" ? ")) == ["?", "???"]
    assert titles(session, text="÷") == ["÷"]
    assert titles(session, text="%") == ["%"]
    assert titles(session, text="_") == []
    assert tracks.search(session, TrackQuery(text="   ")).total == 0


def test_a_renamed_track_is_found_under_its_new_name_only(session: Session) -> None:
    track = make_track(session, "Before")
    track.title = "After"
    session.flush()
    assert titles(session, text="before") == []
    assert titles(session, text="after") == ["After"]


def test_ranges_keep_both_ends_and_leave_out_unknown_values(session: Session) -> None:
    make_track(session, "low", energy=0.2)
    make_track(session, "edge", energy=0.5)
    make_track(session, "high", energy=0.9)
    make_track(session, "unknown", energy=None)
    assert titles(session, ranges={"energy": (0.5, 0.9)}) == ["edge", "high"]
    assert titles(session, ranges={"energy": (None, 0.3)}) == ["low"]


def test_genre_and_emotion_filters_match_whole_tags(session: Session) -> None:
    make_track(session, "a", genres=("pop",))
    make_track(session, "b", genres=("dance pop", "rock"))
    assert titles(session, genre="Pop") == ["a"]
    assert titles(session, genre="rock") == ["b"]
    assert titles(session, emotion="joy") == []


def test_titles_are_sorted_as_people_expect(session: Session) -> None:
    for title in ("zebra", "Élan", "“Apple”", "apricot", "!!!", "Echo"):
        make_track(session, title)
    assert titles(session) == ["“Apple”", "apricot", "Echo", "Élan", "zebra", "!!!"]


def test_unknown_values_come_last_in_either_direction(session: Session) -> None:
    make_track(session, "none", tempo=None)
    make_track(session, "slow", tempo=60.0)
    make_track(session, "fast", tempo=180.0)
    assert titles(session, sort="tempo") == ["slow", "fast", "none"]
    assert titles(session, sort="tempo", descending=True) == ["fast", "slow", "none"]


def test_the_best_known_come_first_then_the_newest(session: Session) -> None:
    for title, popularity in (("old", None), ("hit", 90.0), ("new", None), ("0", 10.0)):
        make_track(session, title, popularity=popularity)
    known = {"sort": "known", "descending": True}
    assert titles(session, **known) == ["hit", "0", "new", "old"]


def test_what_comes_first_comes_once_and_on_the_pages_that_it_belongs_to(session: Session) -> None:
    ids = {
        title: make_track(session, title, genres=("folk",), popularity=float(popularity)).id
        for title, popularity in (("a", 5), ("b", 4), ("c", 3), ("d", 2), ("e", 1))
    }
    make_track(session, "elsewhere", genres=("rock",), popularity=99.0)
    other = make_track(session, "liked elsewhere", genres=("rock",))
    query = {
        "sort": "known",
        "descending": True,
        "first": (ids["e"], other.id, ids["c"]),
        "genre": "folk",
        "per_page": 2,
    }
    pages = [titles(session, page=page, **query) for page in (1, 2, 3)]
    assert pages == [["e", "c"], ["a", "b"], ["d"]]


@pytest.mark.parametrize("sort", ["known", "tempo", "title", "year", "added"])
@pytest.mark.parametrize(
    "filters", [{"genre": "folk"}, {"text": "a"}, {"genre": "folk", "text": "a"}]
)
def test_long_lists_have_the_order_of_short_ones(
    session: Session, monkeypatch: pytest.MonkeyPatch, filters: dict[str, str], sort: str
) -> None:
    rng = random.Random(1)
    for number in range(60):
        genres = ("folk",) if number % 3 else ("rock",)
        popularity = rng.choice([None, 10.0, 20.0])
        tempo, year = rng.choice([None, 90.0, 120.0]), rng.choice([None, 1990, 2000])
        name = f"{rng.choice('ab')} {number % 7}"
        make_track(session, name, genres=genres, popularity=popularity, tempo=tempo, year=year)
    query = TrackQuery(**filters, sort=sort, descending=True, per_page=10)

    def listed() -> list[int]:
        pages = (tracks.search(session, query.narrowed(page=page), None) for page in (1, 2))
        return [track.id for page in pages for track in page.tracks]

    short = listed()
    monkeypatch.setattr(track_filters, "COUNT_LIMIT", 12)
    assert listed() == short
    assert len(set(short)) == 20


def test_years_come_newest_first_and_unknown_ones_last(session: Session) -> None:
    for title, year in (("old", 1960), ("none", None), ("new", 2020)):
        make_track(session, title, year=year)
    assert titles(session, sort="year", descending=True) == ["new", "old", "none"]
    assert titles(session, sort="year") == ["old", "new", "none"]
    assert titles(session, sort="added", descending=True) == ["new", "none", "old"]


def test_attributes_without_a_value_anywhere_are_not_offered(session: Session) -> None:
    make_track(session, popularity=None, tempo=None)
    make_track(session, popularity=None)
    assert tracks.with_values(session) >= {"tempo", "energy"}
    assert "popularity" not in tracks.with_values(session)


def test_versions_are_the_other_tracks_of_the_same_song(session: Session) -> None:
    single, album, _ = (
        make_track(session, "Gone", song_key=key, year=year)
        for key, year in ((7, 1999), (7, 1998), (8, 1997))
    )
    assert tracks.versions(session, single.id, 5) == [album.id]


def test_cluster_lists_show_the_most_typical_first(session: Session) -> None:
    run = make_run(session)
    edge, core, other = (make_track(session, name) for name in ("edge", "core", "other"))
    assign(session, run, edge.id, 0, 0.2)
    assign(session, run, core.id, 0, 0.9)
    assign(session, run, other.id, 1, 1.0)
    by_confidence = {"cluster": 0, "sort": "typical", "descending": True}
    assert titles(session, run, **by_confidence) == ["core", "edge"]
    view = tracks.find_track(session, core.public_id, run)
    assert view is not None
    assert (view.label, view.y) == (0, 1.0)


def test_pages_cut_the_list_and_a_page_past_the_end_is_the_last(session: Session) -> None:
    for number in range(7):
        make_track(session, f"song {number}")
    page = tracks.search(session, TrackQuery(page=9, per_page=3))
    assert (page.number, page.last, page.total) == (3, 3, 7)
    assert [t.title for t in page.tracks] == ["song 6"]


def test_tracks_by_id_keep_the_order_asked_for(session: Session) -> None:
    first, second = make_track(session, "first"), make_track(session, "second")
    assert [t.title for t in tracks.tracks_by_id(session, [second.id, 10**6, first.id])] == [
        "second",
        "first",
    ]


def test_a_track_is_found_by_public_id_and_by_the_catalogues_own(session: Session) -> None:
    track = make_track(session, "x", external_id="6f807x0ima9a1j3VPbc7VN")
    assert tracks.find_track(session, track.public_id).id == track.id  # type: ignore[union-attr]
    assert tracks.find_track(session, "6f807x0ima9a1j3VPbc7VN").id == track.id  # type: ignore[union-attr]
    assert tracks.find_track(session, "nothing") is None


def test_the_version_changes_with_every_addition(session: Session) -> None:
    before = tracks.version(session)
    make_track(session)
    assert tracks.version(session) != before


def test_sort_keys_drop_accents_and_leading_punctuation() -> None:
    assert sort_key("…Élan") == "elan"
    assert sort_key("99 Luftballons") == "99 luftballons"
    assert sort_key("!!!") > sort_key("zzz")


def test_the_song_of_that_name_comes_before_those_that_only_contain_it(session: Session) -> None:
    for number in range(12):
        names = {"title": f"After Yesterday {number}", "artists": "Somebody"}
        make_track(session, popularity=90.0 - number, **names)
    make_track(session, "Yesterday Once More")
    make_track(session, "Yesterday")
    make_track(session, "Zoo", artists="Yesterday’s Men")
    found = [view.title for view in tracks.suggest(session, " yesterday ", 5)]
    assert found[:2] == ["Yesterday", "Yesterday Once More"]
    assert len(found) == len(set(found)) == 5
    assert [view.title for view in tracks.suggest(session, "somebody", 3)] == [
        "After Yesterday 0",
        "After Yesterday 1",
        "After Yesterday 2",
    ]
    assert tracks.suggest(session, "100%", 5) == []
