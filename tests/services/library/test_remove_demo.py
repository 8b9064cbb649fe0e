"""Removing the demo songs takes what is invented, and leaves what is somebody's own."""

from __future__ import annotations

import csv
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.services.library import demo_songs, setting_up
from songrec.services.library.remove_demo import demo_track_ids, remove_demo
from songrec.services.library.setting_up import SetupRequest, set_up
from songrec.store.catalogue import tracks
from songrec.store.instance import Instance
from songrec.store.listeners import reactions
from songrec.store.runs import runs
from songrec.store.tables import Listener, Track
from tests.factories import make_track
from tests.planted_run import plant
from tests.sounding import add_sound, write_wav


def test_only_invented_songs_go_and_likes_of_others_stay(
    instance: Path, session: Session, tmp_path: Path
) -> None:
    home = Instance(instance, session)
    lines = setting_up.DEMO_CATALOGUE.read_text().splitlines()[:41]
    (own_row,) = csv.reader(lines[1:2])
    own_row[:3] = ["Somebody", "My Own Song", "An Album"]
    path = tmp_path / "preprocess.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([*csv.reader(lines), own_row])
    set_up(home, SetupRequest(catalogue=str(path)))
    piece = make_track(session, "A Piece", artists="Nobody")
    add_sound(
        session,
        piece,
        write_wav(demo_songs.music_folder(instance).resolve() / "piece.wav"),
        root=demo_songs.music_root(home),
    )
    own = make_track(session, "Real", artists="Real Band")
    add_sound(session, own, write_wav(tmp_path / "music" / "real.wav"))
    listener = Listener(token="k")
    session.add(listener)
    session.flush()
    for track in (own, piece):
        reactions.react(session, listener, track.id, 1)
    session.commit()
    assert demo_songs.has_demo(home)
    assert len(demo_track_ids(home)) == 41
    shares: list[float] = []
    report = remove_demo(home, lambda share, *_: shares.append(share))
    assert (report.removed, report.kept) == (41, 2)
    assert report.train == {"feature_set": "auto"}
    assert set(session.scalars(select(Track.title))) == {"My Own Song", "Real"}
    assert reactions.reactions(session, listener)[0] == [own.id]
    assert (tmp_path / "music" / "real.wav").exists()
    assert not demo_songs.music_folder(instance).exists()
    assert shares[-1] == 1.0
    # Nothing is left of the demo: removing it again removes nothing.
    assert remove_demo(home).removed == 0


def test_without_other_songs_nothing_stays_published(instance: Path, session: Session) -> None:
    plant(session, instance, n=12, clusters=2)
    home = Instance(instance, session)
    for track_id in session.scalars(select(Track.id)).all():
        track = session.get_one(Track, track_id)
        name = f"{track.public_id}.wav"
        add_sound(
            session,
            track,
            write_wav(demo_songs.music_folder(instance).resolve() / name),
            root=demo_songs.music_root(home),
        )
    session.commit()
    assert runs.published(session) is not None
    report = remove_demo(home)
    assert (report.kept, report.train) == (0, None)
    assert tracks.track_count(session) == 0
    assert runs.published(session) is None
