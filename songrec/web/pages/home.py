"""The home page and the page of one cluster."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import abort, render_template, request
from markupsafe import Markup

from songrec.core.versioned_cache import VersionedCache
from songrec.services.recommendation.home import HomePage, home_page
from songrec.services.recommendation.mix_pages import MixCard, stored_cards
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import mixes
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.web import access, cached_counts, charts
from songrec.web.current_listener import current_listener, current_reactions
from songrec.web.pages import blueprint
from songrec.web.pages.progress import visible_progress
from songrec.web.pages.query import TrackForm, page_address

MAX_FURTHER = 1_000
_cached_mixes = VersionedCache(256)
_rendered_groups = VersionedCache(16)
_rendered_rows = VersionedCache(256)


@blueprint.get("/")
def home() -> str:
    """Show the home page: a play button, rows of songs, sound groups."""
    others = request.args.get("others", 0, type=int)
    home = home_page(
        current_instance(),
        current_listener(),
        datetime.now(UTC).date(),
        further=min(max(0, others), MAX_FURTHER),
    )
    return render_template(
        "home/page.html",
        home=home,
        rows=_render_rows(home),
        groups=_render_groups(home),
        mixes=_mixes(home),
        reactions=home.feedback.reactions,
    )


def _mixes(home: HomePage) -> list[MixCard]:
    """Return the listener's stored mixes, cached until one is renewed.

    Mixes because of one song are left out if there are others, because rows of songs repeat them.
    """
    listener = home.feedback.listener
    rows = mixes.mixes_of(db.session, listener) if listener is not None else []
    if listener is None or not rows:
        return []
    version = (home.version, tuple((mix.id, mix.name, mix.made_at) for mix in rows))
    instance = current_instance()
    cards = _cached_mixes.get(
        (str(instance.folder), listener.id), version, lambda: stored_cards(instance, listener)
    )
    return [card for card in cards if card.kind != mixes.BECAUSE] or cards


def _render_rows(home: HomePage) -> Markup:
    """Render the rows of a listener, who mostly sees the same ones again.

    During set-up its own list has the newest songs.
    """
    setup = visible_progress()
    rows = home.rows
    if setup is not None and setup.failure is None:
        rows = [row for row in rows if row.key != "new"]
    songs = [song for row in rows for song in row.songs]
    listener = home.feedback.listener
    return _rendered_rows.get(
        (request.script_root, access.may_listen(), listener.id if listener else None),
        (
            home.version,
            tuple((row.title, len(row.songs)) for row in rows),
            tuple((song.track.id, song.sentence) for song in songs),
            frozenset(home.feedback.likes) & {song.track.id for song in songs},
        ),
        lambda: Markup(  # noqa: S704 - escaped
            render_template("home/_rows.html", home=home, rows=rows)
        ),
    )


def _render_groups(home: HomePage) -> Markup:
    """Render the sound groups, which look the same to most listeners all day."""
    return _rendered_groups.get(
        (request.script_root, access.may_listen(), home.groups_version),
        None,
        lambda: Markup(  # noqa: S704 - escaped
            render_template(
                "home/_groups.html",
                home=home,
                genres=cached_counts.tags(db.session, "genre"),
                emotions=cached_counts.tags(db.session, "emotion"),
            )
        ),
    )


@blueprint.get("/clusters/<int(signed=True):number>")
def cluster(number: int) -> str:
    """Show one sound group: its profile, genres, emotions and songs."""
    run = runs.published(db.session)
    row = cached_counts.clusters(db.session, run).get(number)
    if run is None or row is None:
        abort(404, f"There is no sound group {number}.")
    form = TrackForm(request.args, default_sort="typical", cluster=number)
    form.put_known_first(db.session, current_listener())
    page = tracks.search(db.session, form.query, run)
    return render_template(
        "pages/cluster.html",
        run=run,
        cluster=row,
        clusters=cached_counts.clusters(db.session, run),
        rows=charts.profile_rows(row.profile),
        genres=charts.tag_bars(row.profile.get("genres", [])),
        emotions=charts.tag_bars(row.profile.get("emotions", [])),
        share_of_all=row.size / max(1, run.track_count),
        form=form,
        page=page,
        first_number=(page.number - 1) * form.query.per_page + 1,
        typical=tracks.tracks_by_id(db.session, row.profile.get("typical", [])[:4]),
        address=page_address,
        reactions=current_reactions(),
        audible=bool(audio_files.in_cluster(db.session, run.id, number, 1)),
        sorts=tracks.SORTS,
    )
