"""``flask mixes``: an account's mixes, listed, made, added and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json
from songrec.cli.lists import user_option
from songrec.core.errors import BadInput
from songrec.core.schedules import describe_schedule
from songrec.store.db import db
from songrec.store.instance import current_instance

if TYPE_CHECKING:
    from songrec.services.recommendation.mix_pages import MixCard
    from songrec.store.tables import Listener, Mix

KINDS = ("rediscover", "mood", "path", "radio")


@click.group("mixes")
def mixes_group() -> None:
    """Playlists made from what somebody likes, updated and written to their music servers."""


@mixes_group.command("list")
@user_option
@json_option
@with_appcontext
@one_line_errors
def list_mixes(user: str, as_json: bool) -> None:
    """List the mixes of an account; if none is stored, previews of the default ones."""
    from songrec.services.recommendation.mix_pages import mix_overview
    from songrec.store.db import now

    cards = mix_overview(current_instance(), _listener(user), now()).cards
    if as_json:
        print_json([_serialize(card) for card in cards])
        return
    for card in cards:
        schedule = card.mix.schedule if card.mix is not None else ""
        click.echo(
            f"{card.key:<18}{card.size:>4} songs  {card.name}  ({describe_schedule(schedule)})"
        )
        click.echo(f"{'':24}{card.comment}")
    if not cards:
        click.echo("No mixes yet: they start from five songs that the account likes.")


@mixes_group.command("make")
@user_option
@click.argument("mix_id", required=False, metavar="[MIX]")
@click.option("--due", is_flag=True, help="Make only those whose time has come.")
@json_option
@with_appcontext
@one_line_errors
def make(user: str, mix_id: str | None, due: bool, as_json: bool) -> None:
    """Regenerate the mix MIX, or all of the account, and write them to its music servers.

    Without any yet the default ones are made, from now on every morning.
    """
    from songrec.services.recommendation import mixes as mix_making
    from songrec.services.servers import mix_writing
    from songrec.store.db import now
    from songrec.store.listeners import mixes

    listener, instance, at = _listener(user), current_instance(), now()
    if mix_id is not None:
        results = mix_making.make_mixes(instance, listener, [_mix(listener, mix_id)], at)
    elif due:
        results = mix_making.make_due(instance, listener, at)
    else:
        if not mixes.all_of(db.session, listener):
            mix_making.set_up(instance, listener, at)
        results = mix_making.make_all(instance, listener, at)
    db.session.commit()
    reports = mix_writing.write_mixes(instance, listener, at)
    if as_json:
        print_json(
            {
                "made": [mix.public_id for mix in results],
                "servers": [report.to_json() for report in reports],
            }
        )
        return
    for mix in results:
        songs = len(mixes.tracks_of(db.session, mix))
        click.echo(f"{mix.public_id}  {songs:>4} songs  {mix.name}")
    for report in reports:
        missing = f", {report.missing:,} songs that it does not have" if report.missing else ""
        done = f"{report.written} written, {report.unchanged} unchanged{missing}"
        click.echo(f"{report.server}: {report.error or done}")


@mixes_group.command("add")
@user_option
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--sound", metavar="MOOD", help="Of a mood: one by sound, such as “Happy and calm”.")
@click.option("--genre", metavar="NAME", help="Of a mood: the genre.")
@click.option("--emotion", metavar="NAME", help="Of a mood: the emotion.")
@click.option("--from", "start", metavar="TRACK", help="First song of a path.")
@click.option("--to", "end", metavar="TRACK", help="Last song of a path.")
@click.option(
    "--station", metavar="KIND", help="Of a radio: song, artist, cluster, mood, playlist or likes."
)
@click.option("--of", metavar="ID", help="Of a radio: what it is around.")
@click.option("--size", type=click.IntRange(5, 200), help="How many songs.")
@click.option("--schedule", default="", metavar="CRON", help="“30 6 * * *”: every day at 6:30.")
@click.option(
    "--time-zone", metavar="NAME", help="Such as Europe/Berlin; by default this machine's."
)
@json_option
@with_appcontext
@one_line_errors
def add(
    user: str,
    kind: str,
    start: str | None,
    end: str | None,
    size: int | None,
    schedule: str,
    time_zone: str | None,
    as_json: bool,
    **subject: str | None,
) -> None:
    """Add a mix of KIND to an account and make it."""
    from songrec.services.recommendation.mixes import add_mix
    from songrec.store.db import now
    from songrec.store.listeners import mixes

    fields = {name: text or "" for name, text in subject.items()}
    mix = add_mix(
        current_instance(),
        _listener(user),
        kind,
        {**fields, "from": start or "", "to": end or ""},
        now(),
        schedule=schedule,
        time_zone=time_zone,
        size=size,
    )
    db.session.commit()
    songs = len(mixes.tracks_of(db.session, mix))
    if as_json:
        print_json({"id": mix.public_id, "name": mix.name, "comment": mix.comment, "songs": songs})
        return
    click.echo(f"{mix.public_id}  {songs:>4} songs  {mix.name}\n{mix.comment}")


@mixes_group.command("remove")
@user_option
@click.argument("mix_id", metavar="MIX")
@json_option
@with_appcontext
@one_line_errors
def remove(user: str, mix_id: str, as_json: bool) -> None:
    """Remove a mix; its playlists on music servers go with the next writing."""
    from songrec.store.listeners import mixes

    mix = _mix(_listener(user), mix_id)
    name = mix.name
    mixes.remove(db.session, mix)
    db.session.commit()
    if as_json:
        print_json({"removed": mix_id})
        return
    click.echo(f"“{name}” is removed.")


def _listener(user: str) -> Listener:
    from songrec.store.listeners import users

    return users.require_listener(db.session, users.get(db.session, user))


def _mix(listener: Listener, mix_id: str) -> Mix:
    from songrec.store.listeners import mixes

    mix = mixes.find(db.session, mix_id, listener)
    if mix is None:
        raise BadInput(
            f"There is no mix {mix_id[:40]!r} of this account: flask mixes list --user …"
        )
    return mix


def _serialize(card: MixCard) -> dict[str, Any]:
    summary = card.summary()
    for name in ("made_at", "next_at"):
        summary[name] = summary[name].isoformat() if summary[name] else None
    return summary


COMMANDS = (mixes_group,)
