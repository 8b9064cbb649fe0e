"""A person stars songs in an app; mixes arrive there, each with its reason."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from libopensonic import Connection
from sqlalchemy.orm import Session

from songrec.core.types import no_progress
from songrec.jobs import mixes as mix_job
from songrec.jobs import schedule
from songrec.store.catalogue import tracks
from songrec.store.db import now
from songrec.store.tables import Job
from tests.planted_run import Planted
from tests.sounding import add_sound, write_wav
from tests.web.subsonic.conftest import Device
from tests.web.subsonic.test_py_opensonic import connect, port  # noqa: F401  (fixtures)


def test_stars_in_an_app_become_mixes_in_the_app(
    app: Flask,
    session: Session,
    planted: Planted,
    phone: Device,
    connect: Callable[..., Connection],  # noqa: F811
    tmp_path: object,
) -> None:
    path = write_wav(tmp_path / "sound.wav", 0.1)  # type: ignore[operator]
    views = tracks.tracks_by_id(session, planted.track_ids.tolist())
    for number, view in enumerate(views, 1):
        add_sound(session, view, path, part=number, content_hash=f"{number:064}")
    session.commit()
    connection = connect(api_key=phone.api_key)
    starred = [view.public_id for view in views if planted.labels[view.id - views[0].id] == 0][:6]
    assert connection.star(sids=starred)
    session.rollback()
    (due,) = [one for one in schedule.due(session, now()) if one.kind == "mixes"]
    mix_job.run(session, Job(kind="mixes", parameters=due.parameters), no_progress)
    session.commit()
    listed = {playlist.name: playlist for playlist in connection.get_playlists()}
    assert {"New to you", "Daily mix 1"} <= set(listed)
    because = next(name for name in listed if name.startswith("Because you like"))
    mix = connection.get_playlist(listed[because].id)
    assert mix.comment.startswith("Songs like “")
    assert mix.entry
    assert not {song.id for song in mix.entry} & set(starred)
