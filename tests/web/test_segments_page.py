"""A recommendation by segments says which moment, plays from there, and adds up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.files import atomic_folder
from songrec.jobs import segment_tasks
from songrec.store import jobs
from songrec.store.instance import Instance
from songrec.store.models import taggers
from songrec.store.sound import audio_files, segment_index
from songrec.store.sound.segment_index import SongSegments
from songrec.store.tables import Track, User
from songrec.tagging.measures import measures
from tests.planted_run import plant
from tests.sounding import add_sound, write_wav
from tests.web.accounts import admin, quick_hashes
from tests.web.html import parse, text_of, texts

__all__ = ["admin", "quick_hashes"]  # fixtures


@pytest.fixture
def cut(session: Session, instance: Path, tmp_path: Path) -> list[Track]:
    """Three songs with segments; the second has its third window where the first one's are."""
    ids = plant(session, instance, n=12, clusters=2).track_ids.tolist()[:3]
    tracks = [session.get_one(Track, one) for one in ids]
    add_sound(session, tracks[1], write_wav(tmp_path / "one.wav"))
    vectors = [np.zeros((4, 3)), np.full((4, 3), 5.0), np.full((4, 3), -7.0)]
    vectors[1][2] = 0.25
    tags = np.tile([0.8, 0.02], (4, 1))
    starts = np.arange(4) * 30.5
    segment_index.write(
        instance,
        [
            SongSegments(one, starts.astype(np.float32), v.astype(np.float32), tags)
            for one, v in zip(ids, vectors, strict=True)
        ],
        seconds=5,
        made_by="musicnn",
        tag_names=("slow waltz", "techno"),
        metadata={"why": "no tagger is trained"},
    )
    session.commit()
    return tracks


def test_the_page_shows_the_moment_and_plays_from_there(
    client: FlaskClient, cut: list[Track]
) -> None:
    liked, found, _ = cut
    client.post(f"/tracks/{liked.public_id}/reaction", data={"value": "like"})
    page = parse(client.get("/recommendations?method=fragments"))
    item = page.select_one(".song-list > li")
    (part,) = item.select("a[data-moment]")
    assert part["href"] == f"/listen/tracks/{found.public_id}#t=61,66"
    assert (part["data-moment"], part["data-from"]) == (found.public_id, "61")
    assert float(part["data-for"]) == 5
    assert text_of(part) == f"1:01 {found.title}"
    assert item.select("[data-hear-both]") == []  # the liked song has no sound
    assert text_of(item.select_one(".reason")) == f"Slow waltz, like “{liked.title}” at 0:00"
    assert "techno" not in text_of(item)
    notes = [text_of(note) for note in page.select("main p.quiet")]
    assert [
        one
        for one in notes
        if "Moments of 5 s are compared by what a listening model hears." in one
    ]
    assert "0:00 (0.43), 0:30 (0.43), 1:01 (0.43), 1:31 (0.43)" in text_of(item)
    rows = [[text_of(cell) for cell in row.select("th, td")] for row in item.select("tr")]
    assert ["Distance d", "", "1.73"] in rows


def test_the_interface_tells_the_moment(client: FlaskClient, cut: list[Track]) -> None:
    liked, found, _ = cut
    answer = client.get(
        "/api/v1/recommendations",
        query_string={"like": liked.public_id, "method": "fragments", "n": 2},
    ).get_json()
    first = answer["items"][0]
    assert first["track"]["id"] == found.public_id
    told = first["reasons"][0]["details"]["fragment"]
    assert first["segment"] == first["fragment"] == told
    assert (told["start_s"], told["seconds"], told["tags"]) == (61.0, 5.0, ["slow waltz"])
    near = [one["distance"] for one in first["reasons"][0]["details"]["fragments"]]
    assert sum(near) == pytest.approx(told["d"])
    other = client.get(
        "/api/v1/recommendations", query_string={"like": liked.public_id, "method": "distance"}
    ).get_json()
    assert other["items"][0]["fragment"] is None


def test_whole_songs_are_compared_where_none_is_cut_and_the_page_says_so(
    client: FlaskClient, session: Session, instance: Path
) -> None:
    planted = plant(session, instance, n=12, clusters=2)
    track = session.get_one(Track, int(planted.track_ids[0]))
    session.commit()
    client.post(f"/tracks/{track.public_id}/reaction", data={"value": "like"})
    page = parse(client.get("/recommendations?method=fragments"))
    assert len(page.select(".song-list > li")) > 0
    assert [text_of(command) for command in page.select(".notice code")] == ["flask segments tag"]
    assert page.select("[data-moment]") == []
    assert parse(client.get("/recommendations")).select(".notice code") == []


def test_the_admin_sees_what_is_in_use_and_asks_for_more(
    client: FlaskClient, session: Session, instance: Path, admin: User
) -> None:
    page = client.get("/admin/fragments").get_data(as_text=True)
    assert "No songs are split into moments yet." in page
    for _ in range(2):  # asking twice is asking once
        answer = client.post("/admin/fragments", data={"task": "train", "source": "genre"})
        assert answer.status_code == 303
    waiting = [job for job in jobs.active(session) if job.kind == "fragments"]
    assert [job.parameters for job in waiting] == [{"task": "train", "source": "genre"}]
    assert client.post("/admin/fragments", data={"task": "burn"}).status_code == 400


def test_the_admin_reads_how_far_the_splitting_is(
    client: FlaskClient, cut: list[Track], session: Session, instance: Path, admin: User
) -> None:
    def state() -> str:
        return " ".join(texts(client.get("/admin/fragments"), "main .notice, main p.quiet"))

    assert (
        "3 songs are not split yet or no longer here" in state()
    )  # as an index of an earlier version
    job = segment_tasks.queue_refresh(Instance(instance, session))
    session.commit()
    assert job is not None
    assert "3 songs to go. Splitting new songs is waiting for its turn" in state()
    job.state, job.progress = "running", 0.4
    session.commit()
    assert "New songs are being split, 40%" in state()
    segment_tasks.run(session, job, lambda *_: None)
    job.state = "done"
    session.commit()
    assert "All songs with sound are split." in state()


def test_the_admin_reads_the_taggers_figures(
    client: FlaskClient, cut: list[Track], instance: Path, admin: User
) -> None:
    truth = np.array([[1, 0], [0, 1]], dtype=bool)
    told = {
        "source": "genre",
        "songs": 2,
        "windows": {"training": 1234, "validation": 2},
        "tags": ["folk", "metal"],
        "measures": {
            "tagger": measures(truth, np.array([[0.9, 0.1], [0.7, 0.8]]), ["folk", "metal"]),
            "majority": measures(truth, np.full((2, 2), 0.5), ["folk", "metal"]),
        },
    }
    with atomic_folder(taggers.new_folder(instance)) as folder:
        (folder / "tagger.json").write_text(json.dumps(told))
    page = client.get("/admin/fragments")
    assert texts(page, "p.figures")[0].startswith("12 moments of 3 songs, 5 s each, ")
    trained = "2 tags from genres, trained on 1,234 moments of 2 songs; 2 moments were held out."
    assert trained in texts(page, "main p")
    rows = {
        text_of(row.th): [text_of(cell) for cell in row.select("td")]
        for row in parse(page).select("main tbody tr")
    }
    (exact,) = (values for name, values in rows.items() if name.startswith("Exact match"))
    assert exact == ["0.500", "0.000"]


def test_both_songs_are_heard_one_after_the_other(
    client: FlaskClient, cut: list[Track], session: Session, tmp_path: Path
) -> None:
    liked, found, _ = cut
    add_sound(session, liked, write_wav(tmp_path / "two.wav", hertz=220), duration_s=200.0)
    session.commit()
    client.post(f"/tracks/{liked.public_id}/reaction", data={"value": "like"})
    # By moments, and by the songs as a whole: both songs have moments, of which two are nearest.
    for address in ("/recommendations?method=fragments", "/recommendations?method=distance"):
        item = parse(client.get(address)).select_one(f'li[data-song="{found.public_id}"]')
        group = item.select_one("[data-hear-both-group]")
        parts = json.loads(group.select_one("button[data-hear-both]")["data-hear-both"])
        assert [one["track"] for one in parts] == [liked.public_id, found.public_id]
        assert [(one["from"], one["for"]) for one in parts][1] == (61, 5)
        assert [one["label"] for one in parts] == [liked.title, found.title]
        assert [one["data-hearing"] for one in group.select("[data-hearing]")] == ["0", "1"]
        assert len(group.select("svg.moment-wave rect")) == 2
    similar = parse(client.get(f"/tracks/{liked.public_id}"))
    assert similar.select(f'li[data-song="{found.public_id}"] button[data-hear-both]')


def test_songs_of_a_path_are_heard_after_the_one_before(
    client: FlaskClient, cut: list[Track], session: Session, instance: Path, tmp_path: Path
) -> None:
    ends = [cut[0].public_id, cut[2].public_id]
    address = f"/path?from={ends[0]}&to={ends[1]}&steps=4"
    songs = [item["data-song"] for item in parse(client.get(address)).select("li[data-song]")]
    assert (songs[0], songs[-1]) == tuple(ends)
    tracks = [session.scalars(select(Track).filter_by(public_id=one)).one() for one in songs[:3]]
    audible = audio_files.for_tracks(session, [track.id for track in tracks])
    for number, track in enumerate(tracks):
        if track.id not in audible:
            add_sound(
                session, track, write_wav(tmp_path / f"path-{number}.wav", hertz=300 + number)
            )
    ids = sorted(track.id for track in tracks)
    vectors = np.eye(4, 3).astype(np.float32)
    starts = (np.arange(4) * 2).astype(np.float32)
    segment_index.write(
        instance,
        [SongSegments(one, starts, vectors, np.tile([0.8, 0.02], (4, 1))) for one in ids],
        seconds=2,
        made_by="musicnn",
        tag_names=("slow waltz", "techno"),
        metadata={},
    )
    session.commit()
    assert _pairs_of(client, address) == [songs[:2], songs[1:3]]


def _pairs_of(client: FlaskClient, address: str) -> list[list[str]]:
    buttons = parse(client.get(address)).select("button[data-hear-both]")
    return [[one["track"] for one in json.loads(button["data-hear-both"])] for button in buttons]
