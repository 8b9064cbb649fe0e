"""Mixes: daily lists for a listener, sampled from recommendations.

The random seed depends only on the day, the listener and the mix. The kinds in
``mixes.AUTOMATIC_KINDS`` are made in a fixed order and share no songs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from songrec.core.errors import BadInput, NotReady
from songrec.core.schedules import local_time_zone
from songrec.core.versioned_cache import VersionedCache
from songrec.services.catalogue.track_lookup import resolve_track
from songrec.services.recommendation import stations
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.services.recommendation.mix_contents import MixContent, MixMaker, mood_of
from songrec.store.catalogue import tracks
from songrec.store.instance import Instance
from songrec.store.listeners import mixes, reactions, recommendation_rules
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.store.tables import Listener, Mix

MORNING = "0 4 * * *"
"""Cron schedule of default mixes, early in the morning."""
PATH_SIZE = 12
SUBJECTS = mixes.SUBJECTS
_cached_previews = VersionedCache(128)


@dataclass(frozen=True, slots=True)
class MixPreview:
    """A default mix that is not stored; ``key`` identifies it: ``daily-2``."""

    kind: str
    number: int
    content: MixContent

    @property
    def key(self) -> str:
        """The last part of its URL."""
        return f"{self.kind}-{self.number}"


def make_mix(instance: Instance, mix: Mix, at: datetime) -> Mix | None:
    """Make a single mix; see ``make_mixes``. None if it was deleted."""
    listener = instance.session.get_one(Listener, mix.listener_id)
    results = make_mixes(instance, listener, [mix], at)
    return results[0] if results else None


def make_mixes(
    instance: Instance, listener: Listener, chosen: Iterable[Mix], at: datetime
) -> list[Mix]:
    """Renew the mixes ``chosen`` of ``listener`` and return them. The caller commits.

    The same day and data give the same songs, whether mixes are made together or one by one. A
    default mix whose like or taste no longer exists is deleted and not returned.

    Raises
    ------
    NotReady
        When nothing is published.
    """
    session = instance.session
    rows = mixes.mixes_of(session, listener)
    requested = {mix.id for mix in chosen}
    maker = MixMaker(instance, listener, at, mixes.all_of(session, listener))
    stored = mixes.track_ids_of(session, rows)
    results = []
    for place, mix in enumerate(rows):
        if mix.id not in requested:
            continue
        content = maker.compose(mix, _songs_of_others(rows[:place], stored))
        later = _songs_of_others([*rows[place + 1 :]], stored, but=requested)
        if content and mix.kind in mixes.AUTOMATIC_KINDS and _overlap(content, later):
            content = maker.compose(mix, _songs_of_others(rows[:place], stored) | later)
        if content is None:
            mixes.delete_mix(session, mix)
            continue
        mixes.replace(
            session,
            mix,
            content.songs,
            name=content.name,
            comment=content.comment,
            at=at,
            settings=content.settings,
        )
        stored[mix.id] = [track_id for track_id, _ in content.songs]
        results.append(mix)
    return results


def make_due(instance: Instance, listener: Listener, at: datetime) -> list[Mix]:
    """Renew the mixes of ``listener`` that are due, and add those of new tastes.

    Several missed renewals are made up once. The caller commits.
    """
    return _make_with_new(instance, listener, mixes.due_of(instance.session, listener, at), at)


def make_all(instance: Instance, listener: Listener, at: datetime) -> list[Mix]:
    """Renew all mixes of ``listener``, and add those of new tastes. The caller commits."""
    return _make_with_new(instance, listener, mixes.mixes_of(instance.session, listener), at)


def _make_with_new(
    instance: Instance, listener: Listener, rows: list[Mix], at: datetime
) -> list[Mix]:
    defaults = [mix for mix in rows if mix.kind in mixes.DEFAULT_KINDS]
    if defaults:
        first = defaults[0]
        rows += _add_missing(instance, listener, at, first.schedule, first.time_zone)
    return make_mixes(instance, listener, rows, at)


def set_up(
    instance: Instance,
    listener: Listener,
    at: datetime,
    *,
    schedule: str = MORNING,
    time_zone: str | None = None,
) -> list[Mix]:
    """Create the default mixes of ``listener`` with ``schedule``. The caller commits.

    Existing default mixes also get the schedule; those that were switched off are restored.

    Raises
    ------
    BadInput
        With fewer than ``mixes.ENOUGH_LIKES`` likes, or for an invalid schedule.
    NotReady
        When nothing is published.
    """
    session = instance.session
    if reactions.like_count(session, listener) < mixes.ENOUGH_LIKES:
        raise BadInput(f"Mixes start from {mixes.ENOUGH_LIKES} songs that you like.")
    time_zone = time_zone or local_time_zone()
    mixes.switch_on(session, listener)
    _add_missing(instance, listener, at, schedule, time_zone)
    rows = [mix for mix in mixes.mixes_of(session, listener) if mix.kind in mixes.DEFAULT_KINDS]
    for mix in rows:
        mixes.change(mix, schedule=schedule, time_zone=time_zone)
    return make_mixes(instance, listener, rows, at)


def add_mix(
    instance: Instance,
    listener: Listener,
    kind: str,
    subject: dict[str, str],
    at: datetime,
    *,
    schedule: str = "",
    time_zone: str | None = None,
    size: int | None = None,
) -> Mix:
    """Add a mix of ``listener`` and make it. The caller commits.

    Parameters
    ----------
    kind
        Rediscover, mood, path or radio.
    subject
        Subject of the mix: the fields of its kind in ``SUBJECTS``.

    Raises
    ------
    BadInput, UnknownName
        If the subject is not in the catalogue.
    """
    chosen = {name: subject[name].strip() for name in SUBJECTS[kind] if subject.get(name)}
    match kind:
        case mixes.MOOD:
            mood, name = mood_of(instance, chosen)
            chosen |= dict(mood.tags)
        case mixes.PATH:
            ends = [resolve_track(instance.session, chosen.get(end, "")) for end in SUBJECTS[kind]]
            if ends[0].id == ends[1].id:
                raise BadInput("A path leads from one song to another: choose two.")
            chosen = {end: view.public_id for end, view in zip(SUBJECTS[kind], ends, strict=True)}
            name = "Path"
        case mixes.RADIO:
            # Request one song, so that a mix around an unknown station is rejected.
            station, of = chosen.get("station", ""), chosen.get("of", "")
            name = stations.station_page(instance, listener, station, of, n=1).title
        case _:
            name = kind.capitalize()
    mix = mixes.create(
        instance.session,
        listener,
        kind,
        name,
        settings=chosen,
        size=size or (PATH_SIZE if kind == mixes.PATH else mixes.DEFAULT_SIZE),
        schedule=schedule,
        time_zone=time_zone or local_time_zone(),
    )
    make_mixes(instance, listener, [mix], at)
    return mix


def _add_missing(
    instance: Instance, listener: Listener, at: datetime, schedule: str, time_zone: str
) -> list[Mix]:
    """Create missing default mixes for the present likes and tastes."""
    session = instance.session
    rows = mixes.all_of(session, listener)
    maker = MixMaker(instance, listener, at, rows)
    added = []
    for kind, number in maker.default_numbers():
        if not any((mix.kind, mix.number) == (kind, number) for mix in rows):
            mix = mixes.create(
                session,
                listener,
                kind,
                kind.capitalize(),
                schedule=schedule,
                time_zone=time_zone,
                number=number,
            )
            added.append(mix)
    return added


def preview_mixes(instance: Instance, listener: Listener, at: datetime) -> list[MixPreview]:
    """Return the default mixes as ``set_up`` would make them now, without storing them.

    Empty with fewer than ``mixes.ENOUGH_LIKES`` likes or before a run is published; cached until
    feedback, rules, catalogue, run or day change.
    """
    session = instance.session
    feedback = ListenerFeedback.load(session, listener)
    run = runs.published(session)
    if run is None or len(feedback.likes) < mixes.ENOUGH_LIKES:
        return []
    rules = recommendation_rules.of_listener(session, listener)
    zone = local_time_zone()
    version = (
        run.public_id,
        tracks.version(session),
        audio_files.newest(session),
        at.astimezone(ZoneInfo(zone)).date(),
        str(feedback.state),
        tuple((rule.kind, rule.value) for rule in rules),
    )

    def compute() -> list[MixPreview]:
        maker = MixMaker(instance, listener, at, [])
        rows = [
            Mix(
                listener_id=listener.id,
                kind=kind,
                number=number,
                name="",
                settings={},
                size=mixes.DEFAULT_SIZE,
                time_zone=zone,
            )
            for kind, number in maker.default_numbers()
        ]
        maker.rows = rows
        previews: list[MixPreview] = []
        used: set[int] = set()
        for mix in rows:
            content = maker.compose(mix, used)
            if content is not None and content.songs:
                used |= {track_id for track_id, _ in content.songs}
                previews.append(MixPreview(mix.kind, mix.number, content))
        return previews

    try:
        return _cached_previews.get((Path(instance.folder), listener.id), version, compute)
    except NotReady:
        return []


def _songs_of_others(
    rows: Iterable[Mix], stored: dict[int, list[int]], but: Iterable[int] = ()
) -> set[int]:
    """Return the songs in other automatic mixes."""
    return {
        track_id
        for mix in rows
        if mix.kind in mixes.AUTOMATIC_KINDS and mix.id not in set(but)
        for track_id in stored[mix.id]
    }


def _overlap(content: MixContent, track_ids: set[int]) -> bool:
    return any(track_id in track_ids for track_id, _ in content.songs)
