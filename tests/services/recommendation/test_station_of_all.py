"""The radio of everything that can be heard."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from songrec.services.recommendation.stations import station_page
from songrec.store.instance import Instance
from songrec.store.listeners import reactions, users
from tests.factories import make_track
from tests.sounding import add_sound, write_wav


def test_everything_plays_once_but_dislikes_without_any_run(
    session: Session, instance: Path, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "sound.wav", 0.1)
    tracks = [make_track(session) for _ in range(12)]
    for number, track in enumerate(tracks[:10]):
        add_sound(session, track, path, part=number + 1, content_hash=f"{number:064}")
    listener = users.create_listener(session, "one")
    reactions.react(session, listener, tracks[3].id, reactions.DISLIKE)
    place = Instance(instance, session)
    played, cursor = [], "7-0"
    while cursor is not None:
        page = station_page(place, listener, "all", "", cursor=cursor, n=4)
        played += [item.track.id for item in page.items]
        cursor = page.cursor
    assert sorted(played) == [track.id for track in tracks[:10] if track is not tracks[3]]
    again = station_page(place, listener, "all", "", cursor="7-0", n=4)
    assert [item.track.id for item in again.items] == played[:4]
    other = station_page(place, listener, "all", "", cursor="8-0", n=9)
    assert [item.track.id for item in other.items] != played
