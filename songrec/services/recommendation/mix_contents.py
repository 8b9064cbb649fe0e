"""Songs, name and description of each kind of mix, sampled from the best recommendations.

The random seed depends only on the day, the listener and the mix, so a mix changes once a day.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np

from songrec.core.errors import BadInput, SongrecError, UnknownName
from songrec.core.types import Match
from songrec.recommend import ranking
from songrec.recommend.explain.contributions import LITTLE_IN_COMMON
from songrec.recommend.explain.phrases import capitalize, join_clauses, shorten
from songrec.recommend.explain.taste_profile import describe_songs
from songrec.recommend.lists import moods as mood_table
from songrec.recommend.lists.rerank import DEFAULT_RERANKING, MAX_PER_ARTIST
from songrec.recommend.lists.stations import candidates_needed, jittered_order, separate_artists
from songrec.recommend.lists.tastes import split_tastes
from songrec.recommend.query import Query
from songrec.services.catalogue.left_out import left_out
from songrec.services.recommendation import mood as moods
from songrec.services.recommendation import paths, stations
from songrec.services.recommendation.for_listener import (
    MAX_REACTIONS,
    ListenerFeedback,
    reason_without_like,
)
from songrec.services.recommendation.recommend import recommend_for
from songrec.services.similarity.artist_pages import space_or_none
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.catalogue import artists, tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import listens, mixes, reactions, recommendation_rules
from songrec.store.listeners.recommendation_rules import RuleTarget
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener, Mix

MAX_BECAUSE, MAX_DAILY = mixes.MAX_DEFAULT[mixes.BECAUSE], mixes.MAX_DEFAULT[mixes.DAILY]
RECENT_LIKES = 12
"""Number of the newest likes from which *Because you like* is chosen."""
SMALL_MIX = 10
"""Smallest size of a mix: a small library has fewer mixes rather than shorter ones."""
CHOICE = 3
"""A mix is sampled from this many times its size of the best songs, so that it changes daily."""
SPARE = 1 / 3
"""Share of additional songs that replace those beyond the limit per artist."""
LIKE_EVERY = 5
"""A daily mix has one liked song in every this many positions."""
NOT_LATELY = timedelta(days=60)
OFTEN = 3
"""Number of plays from which a song without a like is a favourite."""
MIN_REDISCOVERED = 5


@dataclass(frozen=True, slots=True)
class MixContent:
    """Content of a mix: name, one sentence, songs (track id, reason) and its source likes."""

    name: str
    comment: str
    songs: tuple[tuple[int, str], ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


class MixMaker:
    """Composer of a listener's mixes at one time.

    ``rows`` are all stored mixes of the listener, so that tastes and likes keep their numbers.
    """

    def __init__(
        self, instance: Instance, listener: Listener, at: datetime, rows: Sequence[Mix]
    ) -> None:
        self.instance, self.session = instance, instance.session
        self.listener, self.at, self.rows = listener, at, list(rows)
        self.feedback = ListenerFeedback.load(self.session, listener)

    @cached_property
    def space(self) -> Any:
        """The space of the published run."""
        return published_space(self.instance)

    @cached_property
    def likes(self) -> list[int]:
        """Likes (track ids) in the published run, newest first."""
        likes = self.feedback.likes[:MAX_REACTIONS]
        present = set(self.space.track_ids[self.space.rows_of(likes)].tolist())
        return [one for one in likes if one in present]

    @cached_property
    def playable(self) -> list[int] | None:
        """Playable tracks (ids), here or on a connected server; None if there are none."""
        return mixes.playable(self.session) or None

    @cached_property
    def available(self) -> int:
        """Number of songs available for recommendation."""
        ids = self.space.track_ids
        if self.playable is not None:
            ids = np.intersect1d(ids, self.playable)
        unwanted = [
            *left_out(self.instance, self.listener, self.likes),
            *self.feedback.likes,
            *self.feedback.dislikes,
        ]
        return len(np.setdiff1d(ids, unwanted))

    @cached_property
    def tastes(self) -> list[list[int]]:
        """Likes of each taste, the largest first; a single taste if no likes belong together."""
        if not self.likes:
            return []
        query = Query.of(self.space, self.likes, self.feedback.dislikes[:MAX_REACTIONS])
        method = ranking.create_method(self.space)
        parts = split_tastes(method, query, most=MAX_DAILY)
        groups = [self.space.track_ids[part.likes].tolist() for part in parts]
        together = [group for group in groups if len(group) > 1]
        return together or [list(self.likes)]

    @cached_property
    def strong_likes(self) -> list[int]:
        """Likes for *Because you like*: recent, of highest weight, no artist twice."""
        newest = self.likes[:RECENT_LIKES]
        ordered = sorted(newest, key=lambda one: -self.feedback.weights.get(one, 1))
        chosen: list[int] = []
        seen: set[int] = set()
        for one in ordered:
            artist = self._artist_of(one)
            if not artist or artist not in seen:
                chosen.append(one)
                seen.add(artist)
        return chosen[:MAX_BECAUSE]

    def _artist_of(self, track_id: int) -> int:
        if self.space.artists is None:
            return 0
        return int(self.space.artists[self.space.rows_of([track_id])[0]])

    def default_numbers(self) -> list[tuple[str, int]]:
        """Return kind and number of the default mixes.

        Tastes and likes keep their numbers; a small library has fewer mixes.
        """
        n_because, n_daily = len(self.strong_likes), len(self.tastes)
        while n_because + n_daily > 2 and self.available < SMALL_MIX * (n_because + 1 + n_daily):
            n_because, n_daily = (
                (n_because - 1, n_daily) if n_because >= n_daily else (n_because, n_daily - 1)
            )
        by_like = [[like] for like in self.strong_likes]
        return [
            *((mixes.BECAUSE, n) for n in self._numbers(mixes.BECAUSE, by_like, n_because)),
            (mixes.NEW, 1),
            *((mixes.DAILY, n) for n in self._numbers(mixes.DAILY, self.tastes, n_daily)),
        ]

    def _numbers(self, kind: str, groups: Sequence[Sequence[int]], most: int) -> list[int]:
        used = {mix.number for mix in self.rows if mix.kind == kind}
        assigned = self._assign(kind, groups)
        free = [n for n in range(1, mixes.MAX_MIXES + 1) if n not in used]
        return sorted([*assigned, *free[: max(0, most - len(assigned))]])

    def _assign(self, kind: str, groups: Sequence[Sequence[int]]) -> dict[int, list[int]]:
        """Map the numbers of mixes of a kind to groups of likes.

        A mix keeps the group that shares most likes with its previous one; remaining groups go to
        mixes without a group, except those that are switched off.
        """
        rows = sorted((mix for mix in self.rows if mix.kind == kind), key=lambda mix: mix.number)
        shared = sorted(
            (
                (-len(set(mix.settings.get("likes", ())) & set(group)), mix.number, at)
                for mix in rows
                for at, group in enumerate(groups)
            ),
        )
        assigned: dict[int, int] = {}
        for overlap, number, at in shared:
            if overlap and number not in assigned and at not in assigned.values():
                assigned[number] = at
        left = [at for at in range(len(groups)) if at not in assigned.values()]
        free = [mix for mix in rows if mix.number not in assigned and not mixes.is_off(mix)]
        for mix, at in zip(free, left, strict=False):
            assigned[mix.number] = at
        return {number: list(groups[at]) for number, at in sorted(assigned.items())}

    def compose(self, mix: Mix, used: set[int]) -> MixContent | None:
        """Compose a mix without the songs ``used`` (track ids); None if it has no subject."""
        published_space(self.instance)  # raises NotReady before a run is published
        unwanted = [*self._exclusions_of(mix), *self.feedback.dislikes]
        match mix.kind:
            case mixes.BECAUSE:
                return self._because(mix, used, unwanted)
            case mixes.NEW:
                return self._new(mix, used, unwanted)
            case mixes.DAILY:
                return self._daily(mix, used, unwanted)
            case mixes.REDISCOVER:
                return self._rediscover(mix, used, unwanted)
        make = {mixes.MOOD: self._mood, mixes.PATH: self._path, mixes.RADIO: self._radio}
        try:
            return make[mix.kind](mix, unwanted)
        except SongrecError as error:
            # The subject may have been deleted: the other mixes are still made.
            return MixContent(mix.name, str(error))

    def _because(self, mix: Mix, used: set[int], unwanted: Sequence[int]) -> MixContent | None:
        groups = self._assign(mixes.BECAUSE, [[like] for like in self.strong_likes])
        if mix.number not in groups:
            return None
        like = groups[mix.number][0]
        others = [one for one in self.feedback.likes if one != like]
        (view,) = tracks.tracks_by_id(self.session, [like])
        ranked = self._recommend(
            mix,
            [like],
            used,
            unwanted,
            others=others,
        )
        ranked = [
            replace(
                one,
                sentence=reason_without_like(one.sentence)
                or self._shared_traits(like, one.track.id),
            )
            for one in ranked
        ]
        by = f" by {view.artists}" if view.artists else ""
        return MixContent(
            shorten(f"Because you like “{view.title}”"),
            self._sentence(shorten(f"Songs like “{view.title}”{by}", 200), ranked),
            _reasons(ranked),
            {"likes": [like]},
        )

    def _new(self, mix: Mix, used: set[int], unwanted: Sequence[int]) -> MixContent | None:
        if not self.likes and self.feedback.likes:
            return MixContent(
                "New to you", "The songs that you like are newer than the last training."
            )
        if not self.likes:
            return None
        played = set(listens.play_counts(self.session, self.listener))
        met = {*self.feedback.likes, *played}
        same_artists = artists.tracks_sharing_artists(self.session, met)
        options: dict[str, Any] = {}
        if ranking.has_discovery(ranking.method_used(self.space)):
            options["discovery"] = 1.0
        ranked = self._recommend(mix, self.likes, used, [*unwanted, *same_artists, *met], **options)
        comment = "By artists that you have neither liked nor played, chosen by your likes"
        if len(ranked) < mixes.MIN_SIZE:
            ranked = self._recommend(mix, self.likes, used, [*unwanted, *met], **options)
            comment = "You know nearly every artist here, so these are songs you have not played"
        return MixContent("New to you", self._sentence(comment, ranked), _reasons(ranked))

    def _daily(self, mix: Mix, used: set[int], unwanted: Sequence[int]) -> MixContent | None:
        groups = self._assign(mixes.DAILY, self.tastes)
        if mix.number not in groups:
            return None
        likes = groups[mix.number]
        others = [one for one in self.feedback.likes if one not in likes]
        own = self._own_songs(mix, likes, {*used, *unwanted})
        ranked = self._recommend(
            mix, likes, used, unwanted, others=others, room=self._size(mix) - len(own), beside=own
        )
        songs = list(_reasons(ranked))
        for at, track_id in enumerate(own[: 1 + len(songs) // (LIKE_EVERY - 1)]):
            songs.insert(LIKE_EVERY * at, (track_id, "One of the songs you like"))
        newest = sorted(likes, key=self.feedback.likes.index)
        names = self._titles(newest)
        if len(likes) > 2:
            liked = join_clauses([*names[:2], f"{len(likes) - 2} more of your likes"])
        else:
            liked = f"{join_clauses(names[:2])}, which you like"
        return MixContent(
            f"Daily mix {mix.number}",
            self._sentence(f"Songs like {liked}", ranked),
            tuple(songs),
            {"likes": newest},
        )

    def _own_songs(self, mix: Mix, likes: Sequence[int], unwanted: set[int]) -> list[int]:
        """Sample the liked songs of a daily mix, no artist twice."""
        audible = set(self.playable) if self.playable is not None else None
        shuffled = np.random.default_rng(self._seed(mix)).permutation(np.sort(likes)).tolist()
        chosen: dict[int, int] = {}
        for one in shuffled:
            if one not in unwanted and (audible is None or one in audible):
                chosen.setdefault(self._artist_of(one) or -one, one)
        return list(chosen.values())[: self._size(mix) // LIKE_EVERY]

    def _rediscover(self, mix: Mix, used: set[int], unwanted: Sequence[int]) -> MixContent:
        before = self.at - NOT_LATELY
        plays = listens.play_counts(self.session, self.listener)
        liked = reactions.liked_at(self.session, self.listener)
        closed = {*used, *unwanted, *left_out(self.instance, self.listener, self.feedback.likes)}
        audible = set(self.playable) if self.playable is not None else None
        scores: dict[int, float] = {}
        for one in sorted({*plays, *liked} - closed):
            times, last = plays.get(one, (0, None))
            is_old_like = one in liked and liked[one] <= before
            if audible is not None and one not in audible:
                continue
            if (is_old_like or times >= OFTEN) and (last is None or last <= before):
                weight = self.feedback.weights.get(one, 1) if one in liked else 0
                scores[one] = math.log1p(times) + weight
        name = "Rediscover"
        if len(scores) < MIN_REDISCOVERED:
            return MixContent(
                name,
                "There is too little history for this yet: songs that you like or play often come "
                "back here once you have not played them for two months.",
            )
        noise = np.random.default_rng(self._seed(mix)).gumbel(0.0, 0.5, len(scores))
        noise_of = dict(zip(scores, noise.tolist(), strict=True))
        order = sorted(scores, key=lambda one: -scores[one] - noise_of[one])
        views = _cap_per_artist(tracks.tracks_by_id(self.session, order), self._size(mix))
        songs = [(view.id, self._memory(view.id, plays, liked)) for view in views]
        return MixContent(
            name, "Songs you liked or often played, but not in the last two months.", tuple(songs)
        )

    @staticmethod
    def _memory(
        track_id: int,
        plays: dict[int, tuple[int, datetime | None]],
        liked: dict[int, datetime],
    ) -> str:
        """Describe the history of an old favourite: ``Played 14 times, last in March 2026``."""
        times, last = plays.get(track_id, (0, None))
        if times >= OFTEN or track_id not in liked:
            count = f"Played {times:,} time{'s' * (times != 1)}"
            return f"{count}, last in {last:%B %Y}" if last else count
        then = f"Liked in {liked[track_id]:%B %Y}"
        return f"{then}, last played in {last:%B %Y}" if last else f"{then}, not played since"

    def _mood(self, mix: Mix, unwanted: Sequence[int]) -> MixContent:
        mood, name = mood_of(self.instance, mix.settings)
        size, seed = self._size(mix), self._seed(mix)
        wide = 3 * size
        tagged = moods.tagged_ids(self.session, self.space, mood)
        matches = moods.mood_matches(
            self.session,
            self.space,
            mood,
            candidates_needed(wide),
            self.feedback.dislikes,
            only=self.playable,
            withdrawn=[
                *left_out(self.instance, self.listener, requested=tagged),
                *unwanted,
            ],
            pick_ranks=lambda available: jittered_order(available, 0, wide, seed),
        )
        ranked = attach_tracks(self.session, matches, mood_table.describe_match)
        ranked = self._in_order(ranked, size)
        tags = [tag for tag in (mood.genre, mood.emotion) if tag]
        comment = f"Songs tagged {join_clauses(tags)}" if tags else "Songs"
        sound = str(mix.settings.get("sound") or "")
        comment += f" that sound {sound.lower()}" if sound else ", the most typical of them"
        if not ranked:
            comment = f"No song here suits “{name}” that may be recommended to you."
        # In an app it stands among the listener's own playlists, which may have the mood's name.
        return MixContent(f"{name} mix", self._sentence(comment, ranked), _reasons(ranked))

    def _path(self, mix: Mix, unwanted: Sequence[int]) -> MixContent:
        ends = [
            tracks.find_track(self.session, str(mix.settings.get(end, "")))
            for end in ("from", "to")
        ]
        start, end = ends
        if start is None or end is None:
            return MixContent(mix.name, "One of the two songs is not in the catalogue any more.")
        steps, _ = paths.song_path(
            self.instance,
            start,
            end,
            max(1, mix.size - 2),
            self.listener,
            withdrawn=[
                one for one in self._with_unplayable(unwanted) if one not in (start.id, end.id)
            ],
        )
        names = self._titles([start.id, end.id])
        return MixContent(
            shorten(f"From “{start.title}” to “{end.title}”", mixes.NAME_LENGTH),
            f"Step by step from {names[0]} to {names[1]}.",
            _reasons(steps),
        )

    def _radio(self, mix: Mix, unwanted: Sequence[int]) -> MixContent:
        settings = mix.settings
        page = stations.station_page(
            self.instance,
            self.listener,
            str(settings.get("station", "")),
            str(settings.get("of", "")),
            cursor=f"{self._seed(mix) % 10**9}-0",
            n=CHOICE * mix.size,
            only=self.playable,
            withdrawn=unwanted,
        )
        name = page.title if settings.get("station") == "likes" else f"{page.title} radio"
        about = "your likes" if settings.get("station") == "likes" else f"“{page.title}”"
        # An artist's radio is about the artist.
        own = page.title if page.kind == "artist" else None
        ranked = self._in_order(page.items, mix.size, uncapped=own)
        return MixContent(
            name, self._sentence(f"Songs that go with {about}", ranked), _reasons(ranked)
        )

    def _recommend(
        self,
        mix: Mix,
        likes: Sequence[int],
        used: set[int],
        unwanted: Sequence[int],
        *,
        others: Sequence[int] = (),
        room: int | None = None,
        beside: Sequence[int] = (),
        **options: Any,
    ) -> list[RankedTrack]:
        """Recommend ``CHOICE`` times ``room`` songs and sample ``room`` of them.

        The better a song, the likelier it is drawn; the seed is that of the mix. ``beside`` are
        further songs of the mix, which count towards the limit per artist.
        """
        feedback = self.feedback
        room = self._size(mix) if room is None else room
        drawn = room + len(beside) + math.ceil(room * SPARE)
        ranked = recommend_for(
            self.instance,
            likes,
            feedback.dislikes[:MAX_REACTIONS],
            n=CHOICE * room,
            by=DEFAULT_RERANKING,
            excluded=[*feedback.likes, *others, *used, *unwanted],
            weights={one: n for one, n in feedback.weights.items() if one in set(likes)},
            skips=feedback.skips,
            listener=self.listener,
            only=self.playable,
            pick_ranks=lambda number: jittered_order(number, 0, drawn, self._seed(mix)),
            **options,
        )
        close = [one for one in ranked if not one.sentence.startswith(LITTLE_IN_COMMON)]
        return self._in_order(close if len(close) >= mixes.MIN_SIZE else ranked, room, beside)

    def _in_order(
        self,
        ranked: Sequence[RankedTrack],
        size: int,
        beside: Sequence[int] = (),
        *,
        uncapped: str | None = None,
    ) -> list[RankedTrack]:
        """Take ``size`` songs by ``_cap_per_artist`` and separate the songs of an artist."""
        by_id = {one.track.id: one for one in ranked}
        counted = tracks.tracks_by_id(self.session, list(beside))
        capped = _cap_per_artist([one.track for one in ranked], size, counted, uncapped=uncapped)
        ordered = separate_artists(self.space, [Match(view.id, 0.0, ()) for view in capped])
        return [by_id[match.track_id] for match in ordered]

    def _size(self, mix: Mix) -> int:
        """Return the configured size of a mix, less for several mixes of a small library."""
        if mix.kind not in mixes.DEFAULT_KINDS:
            return mix.size
        n_mixes = sum(
            one.kind in mixes.DEFAULT_KINDS and not mixes.is_off(one) for one in self.rows
        )
        return max(mixes.MIN_SIZE, min(mix.size, self.available // max(1, n_mixes)))

    def _seed(self, mix: Mix) -> int:
        """Return the seed of a mix, from day, listener, mix, and number of manual renewals."""
        day = self.at.astimezone(ZoneInfo(mix.time_zone)).date().isoformat()
        draw = mix.settings.get("draw", 0)
        return crc32(f"{day}|{self.listener.id}|{mix.kind}|{mix.number}|{draw}".encode())

    def _exclusions_of(self, mix: Mix) -> list[int]:
        """Return the tracks excluded by the settings of a mix."""
        settings, unwanted = mix.settings, []
        targets = [
            RuleTarget(kind, value, value)
            for kind in ("artist", "genre")
            for value in settings.get(f"no_{kind}s", ())
        ]
        if targets:
            unwanted += recommendation_rules.never_ids(self.session, targets)
        if days := settings.get("days"):
            since = self.at - timedelta(days=days)
            unwanted += listens.played_since(self.session, self.listener, since)
        if settings.get("no_explicit"):
            space = space_or_none(self.instance)
            if space is not None and "explicit" in space.value_names:
                explicit = space.values[:, space.value_names.index("explicit")] >= 0.5
                unwanted += space.track_ids[np.flatnonzero(explicit)].tolist()
        return unwanted

    def _with_unplayable(self, unwanted: Sequence[int]) -> list[int]:
        """Return ``unwanted`` and all tracks that cannot be played."""
        if self.playable is None:
            return list(unwanted)
        return [*unwanted, *np.setdiff1d(self.space.track_ids, self.playable).tolist()]

    def _titles(self, track_ids: Sequence[int]) -> list[str]:
        views = tracks.tracks_by_id(self.session, list(track_ids)[:2])
        return [shorten(f"“{view.title}”", 60) for view in views]

    def _shared_traits(self, like: int, track: int) -> str:
        """Name the descriptive traits that two songs share, if any."""
        own, liked = (
            describe_songs(self.space, self.space.rows_of([one])).split(", ")
            for one in (track, like)
        )
        return capitalize(join_clauses([trait for trait in own if trait in liked]))

    def _sentence(self, start: str, ranked: Sequence[RankedTrack]) -> str:
        """Add the common traits of songs to a sentence: ``…. Mostly 90s, calm, acoustic.``"""
        if not ranked:
            is_whole = start.endswith(".")
            return start if is_whole else "Every song that would fit is left out or in another mix."
        rows = self.space.rows_of([one.track.id for one in ranked])
        traits = describe_songs(self.space, rows)
        return f"{start}. Mostly {traits}." if traits else f"{start}."


def mood_of(instance: Instance, settings: dict[str, Any]) -> tuple[moods.Mood, str]:
    """Return the mood of a mix and its name.

    ``settings`` have one or more of ``genre``, ``emotion`` and ``sound`` (name of a mood by sound).
    """
    names: dict[str, str] = {}
    for kind in ("genre", "emotion"):
        if text := settings.get(kind):
            name = moods.spell_tag(instance.session, kind, text)
            if name is None:
                raise BadInput(f"No songs here are tagged with the {kind} {text[:60]!r}.")
            names[kind] = name
    sliders, sound = None, settings.get("sound")
    if sound:
        presets = moods.sound_presets(published_space(instance))
        if sound not in presets:
            raise UnknownName("mood", str(sound), presets)
        sliders = presets[sound]
    mood = moods.Mood(**names, sliders=sliders)
    if mood.is_empty:
        raise BadInput("A mood is a genre, an emotion, or a mood by sound.")
    parts = [part for part in (mood.genre, mood.emotion, sound) if part]
    return mood, ", ".join([parts[0].capitalize(), *(part.lower() for part in parts[1:])])


def _reasons(ranked: Sequence[RankedTrack]) -> tuple[tuple[int, str], ...]:
    return tuple((one.track.id, one.sentence) for one in ranked)


def _cap_per_artist(
    views: Sequence[TrackView],
    size: int,
    counted: Sequence[TrackView] = (),
    *,
    uncapped: str | None = None,
) -> list[TrackView]:
    """Take ``size`` songs, at most ``MAX_PER_ARTIST`` by one artist while others are left.

    The songs ``counted`` count towards the limit; the artist named ``uncapped`` has none.
    """
    per_artist = Counter(_artist_key(view) for view in counted)
    chosen, surplus = [], []
    for view in views:
        artist = _artist_key(view)
        per_artist[artist] += 1
        is_uncapped = bool(view.credits) and view.credits[0].artist_name == uncapped
        (chosen if is_uncapped or per_artist[artist] <= MAX_PER_ARTIST else surplus).append(view)
    return [*chosen, *surplus][:size]


def _artist_key(view: TrackView) -> str:
    return view.credits[0].public_id if view.credits else f"track {view.id}"
