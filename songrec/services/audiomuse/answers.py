"""Songs and artists for AudioMuse-AI's plugins: the same lists as on songrec's pages.

The names of the fields (``item_id``, ``author``, ``distance``, …) are those of AudioMuse-AI's API.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.services.audiomuse.item_ids import ItemIds, UnknownItem
from songrec.services.recommendation import blends, for_listener, paths, recommend
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.services.similarity import artist_pages, sound_word_search, word_search
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.services.similarity.word_search import WordMatch
from songrec.store.catalogue import artists, tracks
from songrec.store.catalogue.artists import ArtistView
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import listens, playlists
from songrec.store.runs import runs
from songrec.store.tables import Listener

MAX_PER_ARTIST = 3
"""Limit of songs per artist if duplicates are to be eliminated."""
MAX_CANDIDATES = 4_000
"""Limit of ranked songs, even if the server has few of them."""
SPARE = 5
"""Extra candidates, because some may be missing from the catalogue."""
MAX_ARTIST_SEEDS = 10
"""Number of songs that represent an artist in a blend."""
N_REPRESENTATIVE = 5
"""Number of songs that represent an artist in a comparison with another one."""
MAX_PATH = 52
RECENT_PLAYS = 30
"""Number of recent plays that represent a taste without likes."""
_UNKNOWN = "unknown"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """The listener of a request, None for an anonymous one, and the ids that it uses."""

    instance: Instance
    listener: Listener | None
    ids: ItemIds


def to_distance(score: float) -> float:
    """Convert a score to a distance from 0 to 1 by the logistic function of its negative.

    Scores are in units of a standard deviation or of the distance of two random songs; an average
    song has the score 0 and the distance 0.5.
    """
    return 1.0 / (1.0 + math.exp(min(max(score, -60.0), 60.0)))


def similar_tracks(who: Caller, track: TrackView, n: int, *, spread: bool) -> list[Row]:
    """Return the ``n`` songs most like ``track`` with their distance, nearest first.

    These are the songs of its page without the listener's dislikes; with ``spread`` at most
    ``MAX_PER_ARTIST`` per artist.
    """
    dislikes = ListenerFeedback.load(who.instance.session, who.listener).dislikes
    disliked = set(dislikes)
    is_best = recommend.default_comparison(who.instance, track) == recommend.BEST

    def rank(look: int) -> list[RankedTrack]:
        if not is_best:
            return recommend.similar_songs(who.instance, track, look, listener=who.listener)
        return recommend.recommend_for(
            who.instance,
            [track.id],
            n=look,
            seeds=True,
            excluded=dislikes,
            listener=who.listener,
            only=who.ids.present(),
        )

    def keep(chosen: Sequence[RankedTrack]) -> list[RankedTrack]:
        allowed = [one for one in chosen if one.track.id not in disliked]
        return _limit_per_artist(allowed) if spread else allowed

    try:
        return _ranked_rows(who, rank, n, keep if spread or disliked else list)
    except NotReady as error:
        if runs.published(who.instance.session) is None:
            raise
        raise UnknownItem(str(error)) from None


def path(who: Caller, start: TrackView, end: TrackView, steps: int) -> Row:
    """Return at most ``steps`` songs from ``start`` to ``end``, both included, and its length.

    The songs have no distance, because the length of a step is no property of a song.
    ``UnknownItem`` if an end is not in the run.
    """
    if start.id == end.id:
        raise BadInput("The path needs two different songs.")
    between = min(max(steps, 3), MAX_PATH) - 2
    space, present = artist_pages.space_or_none(who.instance), who.ids.present()
    absent = []
    if space is not None and present is not None:
        absent = np.setdiff1d(space.track_ids, present).tolist()
    try:
        ranked, song_path = paths.song_path(
            who.instance, start, end, between, who.listener, withdrawn=absent
        )
    except NotReady as error:
        if runs.published(who.instance.session) is None:
            raise
        raise UnknownItem(str(error)) from None
    rows = _rows(who, [one.track for one in ranked], lambda view: {"embedding_vector": []})
    return {"path": rows, "total_distance": float(song_path.lengths.sum())}


def farthest(who: Caller, track: TrackView) -> Row:
    """Return the song of the run that is least like ``track``, at the maximum distance 1."""
    space = artist_pages.space_or_none(who.instance)
    if space is None:
        raise NotReady("Nothing is published yet: flask train.")
    at = space.rows_of([track.id])
    if not len(at):
        raise UnknownItem(f"“{track.title}” is not part of the published run.")
    apart = np.linalg.norm(space.matrix - space.matrix[at[0]], axis=1)
    look = np.argsort(-apart, kind="stable")[:MAX_PATH]
    views = tracks.tracks_by_id(who.instance.session, space.track_ids[look].tolist())
    ids = who.ids.of_tracks(views)
    names = [ids[view.id] for view in views if view.id in ids]
    return {"max_distance": 1.0, "farthest_item_id": names[0] if names else None}


def search_tracks(who: Caller, *, text: str, artist: str, start: int, end: int) -> list[Row]:
    """Return songs number ``start`` to ``end`` whose names match ``text``.

    Without a text the songs that credit ``artist``.
    """
    session = who.instance.session

    def look_up(look: int) -> list[TrackView]:
        if not text:
            one = artists.find_artist(session, artist)
            if one is not None:
                return _tracks_of(who, one, look)
        return tracks.suggest(session, f"{artist} {text}".strip(), look)

    return _collect(lambda look: (views := look_up(look), _rows(who, views)), end)[start:end]


def similar_artists(who: Caller, artist: ArtistView, n: int, *, with_songs: bool) -> list[Row]:
    """Return the ``n`` artists most like ``artist``, nearest first.

    With ``with_songs`` each row has representative songs of both artists.
    """
    session = who.instance.session
    space = artist_pages.space_or_none(who.instance)
    if space is None:
        raise NotReady("Nothing is published yet, so no artists can be compared: flask train.")
    own = artists.track_ids(session, artist.id, MAX_CANDIDATES)
    # More candidates, because artists missing from the server are left out.
    look = n if who.ids.server is None else 3 * n + 10
    similar = artist_pages.artists_like(
        who.instance, space, own, artist.id, look, listener=who.listener
    )
    names = who.ids.of_artists([one.artist for one in similar])
    chosen = [one for one in similar if one.artist.id in names][:n]
    rows: list[Row] = [
        {
            "artist": one.artist.name,
            "artist_id": names[one.artist.id],
            "divergence": one.distance,
        }
        for one in chosen
    ]
    if with_songs:
        mine = _representatives(who, artist)
        for row, one in zip(rows, chosen, strict=True):
            row["component_matches"] = [
                {
                    "component1_index": 0,
                    "component2_index": 0,
                    "distance": one.distance,
                    "artist1_representative_songs": mine,
                    "artist2_representative_songs": _representatives(who, one.artist),
                }
            ]
    return rows


def search_artists(who: Caller, text: str, start: int, end: int) -> list[Row]:
    """Return artists number ``start`` to ``end`` whose name contains the words of ``text``."""
    matches = artists.search(who.instance.session, text, end)[start:]
    names = who.ids.of_artists(matches)
    return [
        {"artist": one.name, "artist_id": names[one.id], "track_count": one.tracks}
        for one in matches
        if one.id in names
    ]


def artist_tracks(who: Caller, artist: ArtistView) -> list[Row]:
    """Return the songs that credit an artist, by title."""
    views = _tracks_of(who, artist, MAX_CANDIDATES)
    return sorted(_rows(who, views), key=lambda row: row["title"].casefold())


def blend(who: Caller, items: Sequence[tuple[str, str, bool]], n: int) -> Row:
    """Return songs like some items and unlike others.

    Parameters
    ----------
    items
        Kind (``song`` or ``artist``), id, and whether to add it or to subtract it.
    """
    plus: list[int] = []
    minus: list[int] = []
    for kind, item_id, is_added in items:
        if kind == "song":
            ids = [who.ids.track(item_id).id]
        elif kind == "artist":
            ids = _typical(who, who.ids.artist(item_id))[:MAX_ARTIST_SEEDS]
        else:
            raise BadInput(
                f"songrec blends songs and artists, but not items of the type {kind[:20]!r}."
            )
        (plus if is_added else minus).extend(ids)
    in_run = _in_run(who, [*plus, *minus])
    plus = [one for one in dict.fromkeys(plus) if one in in_run]
    minus = [one for one in dict.fromkeys(minus) if one in in_run]
    if items and not plus:
        raise UnknownItem("None of the songs to add is part of the published run.")

    def rank(look: int) -> list[RankedTrack]:
        return blends.blend(who.instance, plus, minus, look, who.listener)

    return {
        "results": _ranked_rows(who, rank, n),
        "filtered_out": [],
        "centroid_2d": None,
        "add_points": [],
        "sub_points": [],
        "projection": "none",
    }


def for_taste(who: Caller, n: int) -> list[Row]:
    """Return songs for the listener's likes; without likes, for recent plays."""
    session = who.instance.session
    feedback = ListenerFeedback.load(session, who.listener)
    if who.listener is None:
        return []
    if feedback.likes:

        def rank(look: int) -> list[RankedTrack]:
            return for_listener.recommend_for_listener(
                who.instance, feedback, n=look, only=who.ids.present()
            )

    else:
        recent = listens.recent_tracks(session, who.listener, RECENT_PLAYS)
        seeds = [one for one in recent if one in _in_run(who, recent)]
        if not seeds:
            return []

        def rank(look: int) -> list[RankedTrack]:
            return recommend.recommend_for(
                who.instance,
                seeds,
                feedback.dislikes,
                n=look,
                seeds=True,
                listener=who.listener,
                only=who.ids.present(),
            )

    return _ranked_rows(who, rank, n)


def search_by_sound(who: Caller, words: str, n: int) -> Row:
    """Return songs whose sound matches ``words``, with a similarity from 0 to 1."""
    return _word_rows(
        who, words, n, lambda look: sound_word_search.search(who.instance, words, look)
    )


def search_by_words(who: Caller, words: str, n: int) -> Row:
    """Return songs with ``words`` in their lyrics, tags or title."""
    session = who.instance.session
    return _word_rows(who, words, n, lambda look: word_search.search_words(session, words, look))


def similar_lyrics(who: Caller, track: TrackView, n: int) -> Row:
    """Return a song and those with the most similar lyrics; see ``word_search.similar_lyrics``."""
    try:
        answer = _word_rows(
            who, "", n, lambda look: word_search.similar_lyrics(who.instance, track.id, look)
        )
    except NotReady:
        raise UnknownItem(f"The lyrics of “{track.title}” are unknown.") from None
    rows = _rows(who, [track], lambda view: {"similarity": 1.0, "is_seed": True})
    rows += [{**row, "is_seed": False} for row in answer["results"]]
    return {"results": rows, "count": len(rows)}


def track_row(who: Caller, track: TrackView) -> Row:
    """Return one song; ``UnknownItem`` if the server does not have it."""
    rows = _rows(who, [track])
    if not rows:
        raise UnknownItem(f"“{track.title}” is not on this music server.")
    return rows[0]


def listed_playlists(who: Caller) -> dict[str, list[Row]]:
    """Return the listener's playlists by name, each with its songs."""
    if who.listener is None:
        return {}
    session = who.instance.session
    lists = {}
    for playlist in playlists.owned(session, who.listener):
        ids = playlists.tracks(session, playlist)
        rows = _rows(who, tracks.tracks_by_id(session, ids))
        lists[playlist.name] = [
            {name: row[name] for name in ("item_id", "title", "author")} for row in rows
        ]
    return lists


def _ranked_rows(
    who: Caller,
    rank: Callable[[int], list[RankedTrack]],
    n: int,
    keep: Callable[[Sequence[RankedTrack]], list[RankedTrack]] = list,
) -> list[Row]:
    """Return ``n`` ranked songs that the server has, with their distance."""

    def look_up(look: int) -> tuple[Sequence[Any], list[Row]]:
        ranked = rank(look)
        selected = keep(ranked)
        scores = {one.track.id: one.score for one in selected}
        views = [one.track for one in selected]
        rows = _rows(who, views, lambda view: {"distance": to_distance(scores[view.id])})
        return ranked, rows

    return _collect(look_up, n, SPARE if keep is list else SPARE + n // 4)


def _collect(
    look_up: Callable[[int], tuple[Sequence[Any], list[Row]]], n: int, spare: int = SPARE
) -> list[Row]:
    """Return ``n`` rows, increasing the number of candidates until enough are usable."""
    look = n + spare
    while True:
        candidates, rows = look_up(look)
        if len(rows) >= n or len(candidates) < look or look >= MAX_CANDIDATES:
            return rows[:n]
        look = min(4 * look, MAX_CANDIDATES)


def _word_rows(who: Caller, words: str, n: int, search: Callable[[int], list[WordMatch]]) -> Row:
    def look_up(look: int) -> tuple[Sequence[Any], list[Row]]:
        matches = search(look)
        scores = {match.track.id: min(max(float(match.score), 0.0), 1.0) for match in matches}
        views = [match.track for match in matches]
        rows = _rows(who, views, lambda view: {"similarity": scores[view.id]})
        return matches, rows

    rows = _collect(look_up, n)
    return {"query": words, "results": rows, "count": len(rows)}


def _no_more(view: TrackView) -> Row:
    return {}


def _rows(
    who: Caller, views: Sequence[TrackView], more: Callable[[TrackView], Row] = _no_more
) -> list[Row]:
    """Serialize the songs that the server has, in order."""
    names = who.ids.of_tracks(views)
    album_artists = artists.album_artists(
        who.instance.session, [view.album_id for view in views if view.album_id]
    )
    return [
        {
            "item_id": names[view.id],
            "title": view.title,
            "author": view.artists,
            "album": view.album or _UNKNOWN,
            "album_artist": album_artists.get(view.album_id or "") or _UNKNOWN,
            **more(view),
        }
        for view in views
        if view.id in names
    ]


def _limit_per_artist(ranked: Sequence[RankedTrack]) -> list[RankedTrack]:
    """Keep the first ``MAX_PER_ARTIST`` songs of each artist."""
    counts: Counter[object] = Counter()
    separated = []
    for one in ranked:
        credits = one.track.credits
        artist: object = credits[0].artist_id if credits else one.track.artists
        counts[artist] += 1
        if not artist or counts[artist] <= MAX_PER_ARTIST:
            separated.append(one)
    return separated


def _tracks_of(who: Caller, artist: ArtistView, n: int) -> list[TrackView]:
    session = who.instance.session
    return tracks.tracks_by_id(session, artists.track_ids(session, artist.id, n))


def _in_run(who: Caller, track_ids: Sequence[int]) -> set[int]:
    """Return the tracks that are in the published run; ``NotReady`` without a run."""
    space = artist_pages.space_or_none(who.instance)
    if space is None:
        raise NotReady("Nothing is published yet: flask train.")
    return set(space.track_ids[space.rows_of(list(track_ids))].tolist())


def _typical(who: Caller, artist: ArtistView) -> list[int]:
    """Return an artist's tracks by their distance to the artist's centroid."""
    ids = artists.track_ids(who.instance.session, artist.id, MAX_CANDIDATES)
    space = artist_pages.space_or_none(who.instance)
    rows = space.rows_of(ids) if space is not None else np.empty(0, dtype=np.int64)
    if space is None or not len(rows):
        return ids
    vectors = space.matrix[rows].astype(np.float64)
    order = np.argsort(np.linalg.norm(vectors - vectors.mean(axis=0), axis=1), kind="stable")
    return space.track_ids[rows[order]].tolist()


def _representatives(who: Caller, artist: ArtistView) -> list[Row]:
    ids = _typical(who, artist)[: 4 * N_REPRESENTATIVE]
    rows = _rows(who, tracks.tracks_by_id(who.instance.session, ids))
    return [{"item_id": row["item_id"], "title": row["title"]} for row in rows[:N_REPRESENTATIVE]]
