"""Views of a listener's mixes, stored or as previews, for pages, the API and commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from songrec.core.schedules import describe_schedule
from songrec.services.recommendation import mood as moods
from songrec.services.recommendation.mixes import MixPreview, preview_mixes
from songrec.services.similarity.artist_pages import space_or_none
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.instance import Instance
from songrec.store.listeners import mixes, reactions
from songrec.store.runs import runs
from songrec.store.servers import written_playlists
from songrec.store.tables import Listener, Mix, MusicServer

N_COVERS = 4


@dataclass(frozen=True, slots=True)
class MixCard:
    """A mix in a list: ``key`` is the last part of its URL, ``mix`` its row if it is stored."""

    key: str
    kind: str
    name: str
    comment: str
    size: int
    covers: list[TrackView]
    mix: Mix | None = None

    def summary(self) -> dict[str, Any]:
        """Return the fields for the API and commands; times are ``datetime`` or None."""
        return {
            "id": self.key,
            "kind": self.kind,
            "name": self.name,
            "comment": self.comment,
            "songs": self.size,
            "schedule": self.mix.schedule if self.mix else "",
            "time_zone": self.mix.time_zone if self.mix else None,
            "made_at": self.mix.made_at if self.mix else None,
            "next_at": self.mix.next_at if self.mix else None,
        }


@dataclass(frozen=True, slots=True)
class MixSong:
    """A song of a mix and the sentence with its reason."""

    track: TrackView
    sentence: str


@dataclass(frozen=True, slots=True)
class MixPage:
    """A mix with its songs; ``mix`` is None for a preview."""

    card: MixCard
    songs: list[MixSong]
    mix: Mix | None

    @property
    def schedule(self) -> str:
        """Schedule of renewal, in words."""
        return describe_schedule(self.mix.schedule if self.mix is not None else "")

    @property
    def made(self) -> str:
        """Time of the last renewal in the listener's time zone; empty without one."""
        if self.mix is None or self.mix.made_at is None:
            return ""
        return f"{self.mix.made_at.astimezone(ZoneInfo(self.mix.time_zone)):%-d %B, %-H:%M}"


@dataclass(frozen=True, slots=True)
class Removal:
    """A song removed from a mix on a music server, which counts as *Not for me*."""

    track: TrackView
    mix: str


@dataclass(frozen=True, slots=True)
class ServerLine:
    """Outcome of the last writing of mixes into a music server, in a sentence."""

    server_id: str
    name: str
    sentence: str
    is_error: bool
    removals: list[Removal]


@dataclass(frozen=True, slots=True)
class MixOverview:
    """All mixes of a listener.

    ``has_defaults``: whether the default mixes are stored. ``likes`` is the number of likes, of
    which ``enough_likes`` are needed. ``moods`` are names of moods by sound, ``servers`` the music
    servers that receive mixes.
    """

    cards: list[MixCard]
    has_defaults: bool
    is_renewed: bool
    likes: int
    has_run: bool
    moods: list[str]
    servers: list[ServerLine]

    @property
    def enough_likes(self) -> int:
        """Number of likes that default mixes need."""
        return mixes.ENOUGH_LIKES


def mix_overview(instance: Instance, listener: Listener | None, at: datetime) -> MixOverview:
    """Return all mixes of ``listener``, with previews of the default ones if none is stored."""
    session = instance.session
    run = runs.published(session)
    space = space_or_none(instance) if run is not None else None
    rows = mixes.all_of(session, listener) if listener is not None else []
    defaults = [mix for mix in rows if mix.kind in mixes.DEFAULT_KINDS]
    cards = stored_cards(instance, listener) if listener is not None else []
    if listener is not None and not defaults:
        cards = [*_preview_cards(instance, preview_mixes(instance, listener, at)), *cards]
    return MixOverview(
        cards,
        has_defaults=bool(defaults),
        is_renewed=any(mix.schedule and not mixes.is_off(mix) for mix in defaults),
        likes=reactions.like_count(session, listener) if listener is not None else 0,
        has_run=run is not None,
        moods=list(moods.sound_presets(space)) if space is not None else [],
        servers=_server_lines(instance, listener) if listener is not None else [],
    )


def _server_lines(instance: Instance, listener: Listener) -> list[ServerLine]:
    session = instance.session
    lines = []
    for account in written_playlists.receiving(session, listener.id):
        server = session.get_one(MusicServer, account.server_id)
        report = written_playlists.last_report(account)
        removed = {str(one["track"]): str(one["mix"]) for one in report.get("removals", [])}
        views = tracks.tracks_by_public_id(session, list(removed))
        lines.append(
            ServerLine(
                server.public_id,
                server.name,
                _describe_writing(report),
                bool(report.get("error")),
                [Removal(view, removed[view.public_id]) for view in views],
            )
        )
    return lines


def _describe_writing(report: dict[str, Any]) -> str:
    """Describe a report of ``services.servers.mix_writing``: ``5 playlists, as of …``."""
    if report.get("error"):
        return str(report["error"])
    if "at" not in report:
        return "Your mixes will be there within a minute."
    n_lists = report["written"] + report["unchanged"]
    missing = report["missing"]
    if not n_lists and missing:
        return "This server has none of the songs of your mixes."
    lacks = f"; it lacks {missing:,} of their songs" if missing else ""
    return f"{n_lists} playlist{'s' * (n_lists != 1)} there{lacks}."


def stored_cards(instance: Instance, listener: Listener) -> list[MixCard]:
    """Return the stored mixes of ``listener`` with the covers of their first songs."""
    rows = mixes.mixes_of(instance.session, listener)
    ids = mixes.track_ids_of(instance.session, rows)
    views = _views(instance, [one for some in ids.values() for one in some[:N_COVERS]])
    return [
        MixCard(
            mix.public_id,
            mix.kind,
            mix.name,
            mix.comment,
            len(ids[mix.id]),
            [views[one] for one in ids[mix.id][:N_COVERS] if one in views],
            mix,
        )
        for mix in rows
    ]


def mix_page(
    instance: Instance, listener: Listener | None, key: str, at: datetime
) -> MixPage | None:
    """Return the mix of ``listener`` with this public id, or the preview with this key."""
    if listener is None:
        return None
    mix = mixes.find(instance.session, key, listener)
    if mix is not None:
        songs = mixes.tracks_of(instance.session, mix)
        name, comment, kind = mix.name, mix.comment, mix.kind
    else:
        rows = mixes.all_of(instance.session, listener)
        if any(row.kind in mixes.DEFAULT_KINDS for row in rows):
            return None
        previews = [one for one in preview_mixes(instance, listener, at) if one.key == key]
        if not previews:
            return None
        songs = list(previews[0].content.songs)
        name, comment, kind = (
            previews[0].content.name,
            previews[0].content.comment,
            previews[0].kind,
        )
    views = _views(instance, [track_id for track_id, _ in songs])
    listed = [MixSong(views[one], reason) for one, reason in songs if one in views]
    covers = [song.track for song in listed[:N_COVERS]]
    return MixPage(MixCard(key, kind, name, comment, len(listed), covers, mix), listed, mix)


def _preview_cards(instance: Instance, previews: list[MixPreview]) -> list[MixCard]:
    first = [[one for one, _ in preview.content.songs[:N_COVERS]] for preview in previews]
    views = _views(instance, [one for some in first for one in some])
    return [
        MixCard(
            preview.key,
            preview.kind,
            preview.content.name,
            preview.content.comment,
            len(preview.content.songs),
            [views[one] for one in ids if one in views],
        )
        for preview, ids in zip(previews, first, strict=True)
    ]


def _views(instance: Instance, track_ids: list[int]) -> dict[int, TrackView]:
    run = runs.published(instance.session)
    return {view.id: view for view in tracks.tracks_by_id(instance.session, track_ids, run)}
