"""Mixes: lists that songrec makes and renews for a listener. The caller commits.

Mixes of ``DEFAULT_KINDS`` exist for each listener, as many as there are likes and tastes for.
Removing a default mix switches it off (``is_off``), so that it is not created again. Mixes of other
kinds are created by the listener.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.core.schedules import check_schedule, next_time
from songrec.core.texts import storable
from songrec.store.db import now
from songrec.store.listeners.playlists import NAME_LENGTH, usable_name
from songrec.store.tables import (
    PLAYABLE,
    AppPassword,
    AudioFile,
    Listener,
    Mix,
    MixTrack,
    Reaction,
    ServerAccount,
    ServerTrack,
)

BECAUSE, NEW, DAILY, REDISCOVER = "because", "new", "daily", "rediscover"
MOOD, PATH, RADIO = "mood", "path", "radio"
KINDS = (BECAUSE, NEW, DAILY, REDISCOVER, MOOD, PATH, RADIO)
MAX_DEFAULT = {BECAUSE: 3, NEW: 1, DAILY: 6}
"""Numbers of default mixes by kind."""
DEFAULT_KINDS = tuple(MAX_DEFAULT)
SUBJECTS = {
    REDISCOVER: (),
    MOOD: ("sound", "genre", "emotion"),
    PATH: ("from", "to"),
    RADIO: ("station", "of"),
}
"""Fields of a mix's subject, by kind."""
_SUBJECT_FIELDS = frozenset(name for names in SUBJECTS.values() for name in names)
AUTOMATIC_KINDS = (*DEFAULT_KINDS, REDISCOVER)
"""Kinds that depend only on the listener's taste; they share no songs."""
ENOUGH_LIKES = 5
"""Number of likes from which a listener gets the default mixes."""
DEFAULT_SIZE, MIN_SIZE, MAX_SIZE = 30, 5, 200
MAX_MIXES = 50
COMMENT_LENGTH = 500
SUBJECT_LENGTH = 500
"""Characters of a field of a subject: a radio around 20 songs has that many ids."""
MAX_LEFT_OUT, MAX_DAYS = 100, 3_650
"""Artists or genres that a mix leaves out, and days within which a song was played."""
WITHOUT_ACCOUNT = timedelta(hours=20)
"""Shortest time between two renewals of a mix without an account, which leaves a daily one."""
OFF = "off"
"""Key in ``settings`` that marks a default mix as switched off."""
_ORDER = case({kind: at for at, kind in enumerate(KINDS)}, value=Mix.kind)


def mixes_of(session: Session, listener: Listener) -> list[Mix]:
    """List the mixes of ``listener`` that are not switched off, in display order."""
    return [mix for mix in all_of(session, listener) if not is_off(mix)]


def all_of(session: Session, listener: Listener) -> list[Mix]:
    """List the mixes of ``listener``, including those that are switched off."""
    query = select(Mix).where(Mix.listener_id == listener.id).order_by(_ORDER, Mix.number)
    return list(session.scalars(query))


def is_off(mix: Mix) -> bool:
    """Return whether a default mix is switched off."""
    return bool(mix.settings.get(OFF))


def find(session: Session, public_id: str, listener: Listener | None) -> Mix | None:
    """Return the mix of ``listener`` with this public id, or None."""
    if listener is None:
        return None
    mix = session.scalar(
        select(Mix).where(Mix.public_id == public_id, Mix.listener_id == listener.id)
    )
    return None if mix is None or is_off(mix) else mix


def tracks_of(session: Session, mix: Mix) -> list[tuple[int, str]]:
    """Return the track ids of a mix in order, each with its reason."""
    return [(track_id, reason) for _, track_id, reason in _rows_of(session, [mix.id])]


def track_ids_of(session: Session, mixes: Iterable[Mix]) -> dict[int, list[int]]:
    """Map the ids of mixes to their track ids in order."""
    ids: dict[int, list[int]] = {mix.id: [] for mix in mixes}
    for mix_id, track_id, _ in _rows_of(session, list(ids)):
        ids[mix_id].append(track_id)
    return ids


def _rows_of(session: Session, mix_ids: Sequence[int]) -> Iterable[tuple[int, int, str]]:
    if not mix_ids:
        return []
    query = (
        select(MixTrack.mix_id, MixTrack.track_id, MixTrack.reason)
        .where(MixTrack.mix_id.in_(mix_ids))
        .order_by(MixTrack.mix_id, MixTrack.position, MixTrack.track_id)
    )
    return [tuple(row) for row in session.execute(query)]


def create(
    session: Session,
    listener: Listener,
    kind: str,
    name: str,
    *,
    settings: dict[str, Any] | None = None,
    size: int = DEFAULT_SIZE,
    schedule: str = "",
    time_zone: str = "UTC",
    number: int | None = None,
) -> Mix:
    """Create a mix without songs; ``BadInput`` for invalid settings.

    Parameters
    ----------
    number
        The number within its kind; by default the lowest free one.
    """
    if kind not in KINDS:
        raise BadInput(f"A mix is one of {', '.join(KINDS)}, not {kind[:40]!r}.")
    if any(len(str((settings or {}).get(name) or "")) > SUBJECT_LENGTH for name in _SUBJECT_FIELDS):
        raise BadInput(f"What a mix is about has at most {SUBJECT_LENGTH} characters.")
    numbers = [mix.number for mix in all_of(session, listener) if mix.kind == kind]
    if len(numbers) >= MAX_MIXES:
        raise BadInput(f"You have {MAX_MIXES} mixes of this kind; delete one to make another.")
    mix = Mix(
        public_id=secrets.token_hex(8),
        listener_id=listener.id,
        kind=kind,
        number=number or next(n for n in range(1, MAX_MIXES + 2) if n not in numbers),
        name=usable_name(name, kind.capitalize()),
        settings=settings or {},
    )
    change(mix, size=size, schedule=schedule, time_zone=time_zone)
    session.add(mix)
    session.flush()
    return mix


def change(
    mix: Mix,
    *,
    name: str | None = None,
    size: int | None = None,
    schedule: str | None = None,
    time_zone: str | None = None,
    settings: dict[str, Any] | None = None,
) -> None:
    """Change the values that are not None; ``settings`` are merged into the existing ones.

    A name set here is kept when the mix is renewed; an empty name restores the automatic one.

    Raises
    ------
    BadInput
        For an invalid size, schedule or time zone.
    """
    if size is not None:
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise BadInput(f"A mix has {MIN_SIZE} to {MAX_SIZE} songs, not {size}.")
        mix.size = size
    if schedule is not None or time_zone is not None:
        zone = mix.time_zone if time_zone is None else time_zone
        text = check_schedule(mix.schedule if schedule is None else schedule, zone)
        if (text, zone) != (mix.schedule, mix.time_zone):
            mix.schedule, mix.time_zone = text, zone
            mix.next_at = next_time(text, zone, now())
    changed = {**mix.settings, **(settings or {})}
    if name is not None:
        named = usable_name(name, "")
        mix.name = named or mix.name
        changed["renamed"] = bool(named)
    if changed != mix.settings:
        mix.settings = changed


def restore(session: Session, listener: Listener, rows: Sequence[Mapping[str, Any]]) -> int:
    """Create the mixes of an export that ``listener`` lacks, to be made at once; count them.

    They have name, size, schedule and settings. Default mixes are left alone where there are any,
    others where one has the same subject. Values that no mix can have are passed over, and so are
    rows beyond the number of mixes that a listener may have.
    """
    own = all_of(session, listener)
    kinds = {mix.kind for mix in own}
    subjects = {_subject(mix.kind, mix.settings) for mix in own}
    restored: Counter[str] = Counter()
    for row in rows[: len(KINDS) * MAX_MIXES]:
        kind = str(row.get("kind"))
        settings = _usable_settings(row.get("settings"))
        subject = _subject(kind, settings)
        if kind in DEFAULT_KINDS:
            is_there = kind in kinds or restored[kind] == MAX_DEFAULT[kind]
        else:
            is_there = subject in subjects
        if is_there:
            continue
        try:
            mix = create(
                session,
                listener,
                kind,
                str(row.get("name") or ""),
                settings=settings,
                size=int(row.get("size") or DEFAULT_SIZE),
                schedule=str(row.get("schedule") or ""),
                time_zone=str(row.get("time_zone") or "UTC"),
            )
        except (BadInput, TypeError, ValueError, OverflowError):
            continue
        mix.next_at = now()
        subjects.add(subject)
        restored[kind] += 1
    session.flush()
    return restored.total()


def _subject(kind: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    return kind, *(str(settings.get(name) or "") for name in SUBJECTS.get(kind, ()))


def _usable_settings(content: Any) -> dict[str, Any]:
    """Return the settings of an export that a mix may have: subject, what is left out, flags."""
    given = content if isinstance(content, dict) else {}
    usable: dict[str, Any] = {}
    for name, value in given.items():
        if name in _SUBJECT_FIELDS:
            is_usable = _is_usable_text(value, SUBJECT_LENGTH)
        elif name in ("no_artists", "no_genres"):
            is_usable = (
                isinstance(value, list)
                and len(value) <= MAX_LEFT_OUT
                and all(_is_usable_text(one, NAME_LENGTH) for one in value)
            )
        elif name == "days":
            is_usable = type(value) is int and 0 <= value <= MAX_DAYS
        else:
            is_usable = name in ("no_explicit", "renamed") and isinstance(value, bool)
        if is_usable:
            usable[name] = value
    return usable


def _is_usable_text(value: Any, length: int) -> bool:
    return isinstance(value, str) and len(value) <= length and storable(value) == value


def replace(
    session: Session,
    mix: Mix,
    songs: Sequence[tuple[int, str]],
    *,
    name: str,
    comment: str,
    at: datetime,
    settings: dict[str, Any] | None = None,
) -> None:
    """Replace the songs (track id, reason) of a mix made at ``at``, and schedule the next renewal.

    The next renewal is at the next scheduled time, regardless of missed ones.
    """
    session.execute(delete(MixTrack).where(MixTrack.mix_id == mix.id))
    reasons = dict(reversed(songs))
    rows = [
        {
            "mix_id": mix.id,
            "track_id": track_id,
            "position": at_place,
            "reason": reasons[track_id][:COMMENT_LENGTH],
        }
        for at_place, track_id in enumerate(dict.fromkeys(track_id for track_id, _ in songs))
    ]
    if rows:
        session.execute(insert(MixTrack), rows)
    if not mix.settings.get("renamed"):
        mix.name = usable_name(name, mix.name)[:NAME_LENGTH]
    mix.comment = comment[:COMMENT_LENGTH]
    mix.settings = {**mix.settings, **(settings or {})}
    mix.made_at = at
    mix.next_at = next_time(mix.schedule, mix.time_zone, at)
    session.flush()


def remove(session: Session, mix: Mix) -> None:
    """Delete a listener's own mix; switch off a default mix."""
    session.execute(delete(MixTrack).where(MixTrack.mix_id == mix.id))
    if mix.kind in DEFAULT_KINDS:
        mix.settings = {**mix.settings, OFF: True}
        mix.next_at = None
    else:
        session.delete(mix)
    session.flush()


def delete_mix(session: Session, mix: Mix) -> None:
    """Delete a mix whose taste or like no longer exists."""
    session.delete(mix)
    session.flush()


def switch_on(session: Session, listener: Listener) -> None:
    """Switch the default mixes of ``listener`` on again."""
    for mix in all_of(session, listener):
        if is_off(mix):
            mix.settings = {key: value for key, value in mix.settings.items() if key != OFF}
    session.flush()


def due(session: Session, at: datetime) -> list[int]:
    """Return the ids of the listeners with a due mix; see ``due_of``."""
    query = (
        select(Mix.listener_id)
        .join(Listener, Listener.id == Mix.listener_id)
        .where(
            Mix.next_at <= at,
            Listener.user_id.is_not(None)
            | Mix.made_at.is_(None)
            | (Mix.made_at <= at - WITHOUT_ACCOUNT),
        )
    )
    return list(session.scalars(query.distinct().order_by(Mix.listener_id)))


def due_of(session: Session, listener: Listener, at: datetime) -> list[Mix]:
    """Return the due mixes of ``listener``, in order.

    Those of a listener without an account are due once a day at most, whatever their schedule:
    anybody can make many such listeners, whose mixes go on being renewed when nobody comes back.
    """
    latest = at if listener.user_id is not None else at - WITHOUT_ACCOUNT
    return [
        mix
        for mix in mixes_of(session, listener)
        if mix.next_at is not None
        and mix.next_at <= at
        and (mix.made_at is None or mix.made_at <= latest)
    ]


def without_defaults(session: Session) -> list[int]:
    """Return the ids of listeners with apps or servers but without default mixes.

    They have enough likes, an app password or an account on a music server that receives mixes, and
    no default mixes, including switched off ones.
    """
    by_app = (
        select(Listener.id)
        .join(AppPassword, AppPassword.user_id == Listener.user_id)
        .where(AppPassword.revoked_at.is_(None))
    )
    by_server = select(ServerAccount.listener_id).where(ServerAccount.sends_mixes)
    likes = (
        select(func.count())
        .where(Reaction.listener_id == Listener.id, Reaction.value > 0)
        .correlate(Listener)
        .scalar_subquery()
    )
    has_mixes = (
        select(Mix.id)
        .where(Mix.listener_id == Listener.id, Mix.kind.in_(DEFAULT_KINDS))
        .correlate(Listener)
        .exists()
    )
    query = (
        select(Listener.id)
        .where(Listener.id.in_(by_app.union(by_server)), ~has_mixes, likes >= ENOUGH_LIKES)
        .order_by(Listener.id)
    )
    return list(session.scalars(query))


def playable(session: Session) -> list[int]:
    """Return the ids of playable tracks, here or on a connected server."""
    remote = select(ServerTrack.track_id).where(
        ServerTrack.track_id.is_not(None), ServerTrack.gone_at.is_(None)
    )
    here = select(AudioFile.track_id).where(
        AudioFile.track_id.is_not(None), AudioFile.state.in_(PLAYABLE)
    )
    return sorted(session.scalars(here.union(remote)))


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Move the mixes of ``anonymous`` to ``account``; default ones only if it has none.

    Other default mixes are not moved, because they are made again from the taste.
    """
    own = all_of(session, account)
    has_defaults = any(mix.kind in DEFAULT_KINDS for mix in own)
    numbers = {kind: {mix.number for mix in own if mix.kind == kind} for kind in KINDS}
    for mix in all_of(session, anonymous):
        if mix.kind in DEFAULT_KINDS and has_defaults:
            continue
        used = numbers[mix.kind]
        number = next(n for n in range(mix.number, mix.number + len(used) + 1) if n not in used)
        used.add(number)
        session.execute(
            update(Mix)
            .where(Mix.id == mix.id)
            .values(listener_id=account.id, number=number)
            .execution_options(synchronize_session=False)
        )
    session.expire_all()
