"""Sound, covers and lyrics as apps get them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.songs import song_key
from songrec.services.features import live_conversion
from songrec.store.tables import AudioFile, Lyrics
from tests.audio_files.sounds import tone, write
from tests.factories import make_track
from tests.sounding import add_sound, write_wav
from tests.web.subsonic.conftest import Device, Library

SECONDS = 12.0


def send(
    device: Device, endpoint: str, headers: dict[str, str] | None = None, **params: Any
) -> Any:
    """Ask for an answer and read all of it."""
    query = device.params(params)
    with device.client.get(f"/rest/{endpoint}", query_string=query, headers=headers) as response:
        response.get_data()
        return response


def length_of(data: bytes) -> float:
    with av.open(io.BytesIO(data)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


@pytest.fixture
def song(session: Session, phone: Device, tmp_path: Path) -> str:
    """Twelve seconds of FLAC that can be played."""
    samples = tone(SECONDS, 44_100, hz=440)
    path = write(tmp_path / "A song.flac", np.stack([samples, samples]), 44_100, "flac",
                 layout="stereo")  # fmt: skip
    track = make_track(session, "Ringing", artists="Bell", duration_ms=round(SECONDS * 1000))
    add_sound(session, track, path, duration_s=SECONDS, codec="flac", info={"container": "flac"})
    session.commit()
    return str(track.public_id)


def file_of(session: Session) -> AudioFile:
    return session.scalars(select(AudioFile)).one()


def test_the_original_comes_whole_or_in_part(session: Session, phone: Device, song: str) -> None:
    content = Path(file_of(session).path).read_bytes()
    whole = send(phone, "stream", id=song)
    assert (whole.status_code, whole.mimetype) == (200, "audio/flac")
    assert whole.data == content
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = send(phone, "stream", {"Range": "bytes=100-199"}, id=song)
    assert (part.status_code, part.data) == (206, content[100:200])
    beyond = send(phone, "stream", {"Range": f"bytes={len(content) + 5}-"}, id=song)
    assert beyond.status_code == 416
    same = send(phone, "stream", {"If-None-Match": whole.headers["ETag"]}, id=song)
    assert same.status_code == 304
    for wish in ({"format": "raw"}, {"format": "flac"}, {"maxBitRate": 0}):
        assert send(phone, "stream", id=song, **wish).data == content
    head = phone.client.head("/rest/stream", query_string=phone.params({"id": song}))
    head.close()
    assert (head.status_code, head.data) == (200, b"")
    assert head.content_length == len(content)


def test_a_download_is_the_file_under_its_name(session: Session, phone: Device, song: str) -> None:
    response = send(phone, "download", id=song, format="mp3", maxBitRate=32)
    assert response.data == Path(file_of(session).path).read_bytes()
    assert response.headers["Content-Disposition"] == 'attachment; filename="A song.flac"'


@pytest.mark.parametrize(
    ("format", "kind"),
    [("mp3", "audio/mpeg"), ("opus", "audio/ogg"), ("ogg", "audio/ogg"), ("aac", "audio/aac")],
)
def test_a_song_is_converted_from_a_place_on(
    phone: Device, song: str, format: str, kind: str
) -> None:
    response = send(phone, "stream", id=song, format=format, maxBitRate=96, timeOffset=4)
    assert (response.status_code, response.mimetype) == (200, kind)
    assert response.headers["Accept-Ranges"] == "none"
    assert "no-store" in response.headers["Cache-Control"]
    assert length_of(response.data) == pytest.approx(SECONDS - 4, abs=0.1)


def test_the_length_may_be_estimated(phone: Device, song: str) -> None:
    wish = {"id": song, "format": "mp3", "maxBitRate": 64, "estimateContentLength": "true"}
    response = send(phone, "stream", **wish)
    assert response.content_length == len(response.data)
    assert len(response.data) == pytest.approx(SECONDS * 64 * 125, rel=0.15)
    head = phone.client.head("/rest/stream", query_string=phone.params(wish))
    assert (head.content_length, head.mimetype) == (response.content_length, "audio/mpeg")


def test_who_leaves_ends_the_conversion(
    phone: Device, song: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def start(*arguments: Any, **options: Any) -> live_conversion.LiveStream:
        started.append(original(*arguments, **options))
        return started[-1]

    original = live_conversion.start
    monkeypatch.setattr(live_conversion, "start", start)
    params = phone.params({"id": song, "format": "mp3"})
    phone.client.get("/rest/stream", query_string=params).close()
    (stream,) = started
    with pytest.raises(ProcessLookupError):
        os.kill(stream.pid, 0)


def test_nobody_takes_all_conversions(
    phone: Device, device_of: Callable[..., Device], song: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_conversion, "WAIT_S", 0.05)
    wish = {"id": song, "format": "mp3", "timeOffset": 1}

    def begin(device: Device) -> Any:
        return device.client.get("/rest/stream", query_string=device.params(wish))

    playing = [begin(phone) for _ in range(live_conversion.MOST_EACH)]
    refused = begin(phone)
    assert refused.status_code == 503
    assert "2 songs are being converted for you already" in refused.text
    playing.append(begin(device_of("Bob")))
    assert [response.status_code for response in playing] == [200, 200, 200]
    for response in playing:
        response.close()


def test_what_cannot_be_sent_has_its_code(
    session: Session, small: Library, phone: Device, song: str
) -> None:
    assert phone.code("stream") == 10
    assert phone.code("stream", id="nothing") == 70
    assert phone.code("stream", id=small.albums["Wish"]) == 70
    assert phone.code("stream", id=small.song("Unheard")) == 70
    assert phone.code("stream", id=song, timeOffset="soon") == 0
    assert phone.code("stream", id=song, timeOffset=-1) == 0
    assert phone.code("stream", id=song, timeOffset=SECONDS + 5) == 0
    assert phone.code("download", id="nothing") == 70
    assert phone.code("hls.m3u8", id=song) == 0
    file = session.scalars(select(AudioFile).where(AudioFile.codec == "flac")).one()
    Path(file.path).write_bytes(b"another file")
    assert phone.code("stream", id=song) == 70
    xml = phone.xml("stream", id=song)
    assert xml.attrib["status"] == "failed"


@pytest.mark.parametrize(("size", "pixels"), [(None, 480), (50, 96), (150, 192), (9_999, 480)])
def test_covers_come_in_a_few_sizes(
    small: Library, phone: Device, size: int | None, pixels: int
) -> None:
    params = {} if size is None else {"size": size}
    for id_ in (small.song("Lullaby"), small.albums["Wish"], small.artists["Björk"]):
        response = send(phone, "getCoverArt", id=id_, **params)
        assert response.mimetype == "image/png"
        assert Image.open(io.BytesIO(response.data)).size == (pixels, pixels)


def test_every_cover_that_is_named_can_be_fetched(
    session: Session, small: Library, phone: Device, tmp_path: Path
) -> None:
    """Also that of songs which have neither artist nor album."""
    nobody = make_track(session, "Nobody's", artists="")
    add_sound(session, nobody, write_wav(tmp_path / "9.wav", 0.1))
    session.commit()
    phone.get("createPlaylist", name="Mine", songId=small.song("Lullaby"))
    albums = phone.get("getAlbumList2", type="alphabeticalByName", size=50)["album"]
    listed = [
        *albums,
        *phone.get("search3", query="", artistCount=50, songCount=50)["song"],
        *phone.get("search3", query="", artistCount=50, songCount=50)["artist"],
        *phone.get("getPlaylists")["playlist"],
    ]
    names = {one["coverArt"] for one in listed}
    assert "al-0" in names
    kinds = {name: send(phone, "getCoverArt", id=name).mimetype for name in names}
    assert set(kinds.values()) == {"image/png"}, kinds


def test_the_picture_beside_a_file_is_its_cover(
    session: Session, small: Library, phone: Device
) -> None:
    file = session.scalars(
        select(AudioFile).where(AudioFile.track_id == small.tracks["Lullaby"].id)
    ).one()
    Image.new("RGB", (300, 200), (200, 30, 30)).save(Path(file.path).parent / "cover.png")
    file.has_cover = True
    session.commit()
    for id_ in (
        small.song("Lullaby"),
        small.albums["Disintegration"],
        small.artists["The Cure"],
        phone.get("createPlaylist", name="Red", songId=small.song("Lullaby"))["id"],
    ):
        response = send(phone, "getCoverArt", id=id_, size=96)
        assert response.mimetype == "image/jpeg"
        picture = Image.open(io.BytesIO(response.data))
        assert picture.size == (96, 96)
        red, green, _ = picture.convert("RGB").getpixel((48, 48))
        assert red > 150 > green
    assert phone.code("getCoverArt", id="nothing") == 70
    assert phone.code("getCoverArt", id="al-nothing") == 70


def test_lyrics_come_with_their_times_where_they_have_any(
    session: Session, small: Library, phone: Device
) -> None:
    sung, plain = small.tracks["Lullaby"], small.tracks["Loose"]
    session.add(Lyrics(track_id=sung.id, text="On candystripe legs"))
    session.add(Lyrics(track_id=plain.id, text="First line\n\nSecond line"))
    file = session.scalars(select(AudioFile).where(AudioFile.track_id == sung.id)).one()
    Path(file.path).with_suffix(".lrc").write_text(
        "[ti:Lullaby]\n[00:12.50]On candystripe legs\n[00:02.00]Later first\n", encoding="utf-8"
    )
    session.commit()
    (timed,) = phone.get("getLyricsBySongId", id=sung.public_id)["structuredLyrics"]
    assert (timed["synced"], timed["lang"], timed["displayArtist"]) == (True, "und", "The Cure")
    assert timed["line"] == [
        {"start": 2_000, "value": "Later first"},
        {"start": 12_500, "value": "On candystripe legs"},
    ]
    (words,) = phone.get("getLyricsBySongId", id=plain.public_id)["structuredLyrics"]
    assert words["synced"] is False
    assert words["line"] == [{"value": "First line"}, {"value": ""}, {"value": "Second line"}]
    empty = phone.get("getLyricsBySongId", id=small.song("Plainsong"))
    assert empty["structuredLyrics"] == []
    assert phone.code("getLyricsBySongId", id="nothing") == 70


def test_lyrics_are_looked_for_by_names(session: Session, small: Library, phone: Device) -> None:
    track = small.tracks["Lullaby"]
    track.song_key = song_key("The Cure", "Lullaby")
    session.add(Lyrics(track_id=track.id, text="On candystripe legs"))
    session.commit()
    found = phone.get("getLyrics", artist="the cure", title="LULLABY")
    assert found == {"artist": "The Cure", "title": "Lullaby", "value": "On candystripe legs"}
    assert phone.get("getLyrics", artist="Nobody", title="Nothing")["value"] == ""
    xml = phone.xml("getLyrics", artist="The Cure", title="Lullaby")
    assert xml[0].text == "On candystripe legs"


def test_only_an_admin_starts_a_scan(
    session: Session, small: Library, phone: Device, device_of: Callable[..., Device]
) -> None:
    assert phone.get("getScanStatus") == {"scanning": False, "count": 6}
    assert phone.code("startScan") == 50
    started = device_of("Root", is_admin=True).get("startScan")
    assert started == {"scanning": True, "count": 6}


PLAYS_MP3 = {
    "name": "A phone",
    "platform": "Android",
    "directPlayProfiles": [{"containers": ["mp3"], "audioCodecs": ["mp3"], "protocols": ["http"]}],
    "transcodingProfiles": [
        {"container": "mp4", "audioCodec": "aac", "protocol": "hls"},
        {"container": "mp3", "audioCodec": "mp3", "protocol": "http"},
    ],
    "maxTranscodingAudioBitrate": 96_000,
}
"""An app that plays MP3 alone."""


def decision_of(phone: Device, song: str, app: Any = PLAYS_MP3, **more: str) -> Any:
    query = phone.params({"mediaId": song, "mediaType": "song", **more})
    response = phone.client.post("/rest/getTranscodeDecision", query_string=query, json=app)
    return response.json["subsonic-response"]  # type: ignore[index]


def test_an_app_gets_what_was_decided_for_it(phone: Device, song: str) -> None:
    decision = decision_of(phone, song)["transcodeDecision"]
    assert (decision["canDirectPlay"], decision["canTranscode"]) == (False, True)
    assert decision["transcodeReason"] == ["ContainerNotSupported"]
    assert decision["sourceStream"]["codec"] == "flac"
    assert decision["transcodeStream"] == {
        "protocol": "http",
        "container": "mp3",
        "codec": "mp3",
        "audioChannels": 1,
        "audioBitrate": 96_000,
        "audioSamplerate": 44_100,
    }
    wish = {"mediaId": song, "mediaType": "song", "transcodeParams": decision["transcodeParams"]}
    response = send(phone, "getTranscodeStream", **wish, offset=4)
    assert (response.status_code, response.mimetype) == (200, "audio/mpeg")
    assert length_of(response.data) == pytest.approx(SECONDS - 4, abs=0.1)
    assert len(response.data) == pytest.approx((SECONDS - 4) * 96 * 125, rel=0.1)


def test_an_app_that_plays_none_of_the_formats_gets_the_reason(phone: Device, song: str) -> None:
    decision = decision_of(phone, song, {"name": "x", "platform": "y"})["transcodeDecision"]
    assert not decision["canDirectPlay"]
    assert not decision["canTranscode"]
    assert decision["errorReason"].startswith("The app supports none")
    assert "transcodeParams" not in decision


def test_what_cannot_be_decided_is_one_line(phone: Device, song: str) -> None:
    assert decision_of(phone, song, mediaType="podcast")["error"]["code"] == 70
    assert decision_of(phone, song, mediaType="film")["error"]["code"] == 0
    assert decision_of(phone, "nothing")["error"]["code"] == 70
    wrong = decision_of(phone, song, {"directPlayProfiles": 3})["error"]["message"]
    assert wrong == "directPlayProfiles must be a list of at most 200."
    query = phone.params({"mediaId": song, "mediaType": "song"})
    response = phone.client.post(
        "/rest/getTranscodeDecision", query_string=query, data=b"[" * 100_000
    )
    assert "POST" in response.json["subsonic-response"]["error"]["message"]  # type: ignore[index]
    assert (
        "POST"
        in phone.answer("getTranscodeDecision", mediaId=song, mediaType="song")["error"]["message"]
    )


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"transcodeParams": "wav-1411"}, 400),
        ({"transcodeParams": "mp3-999"}, 400),
        ({"transcodeParams": "aac-31"}, 400),
        ({"offset": "9999"}, 400),
        ({"transcodeParams": None}, 400),
        ({"mediaId": "nothing"}, 404),
        ({"apiKey": "wrong"}, 401),
    ],
    ids=["unknown", "high rate", "low rate", "beyond the end", "missing", "no song", "nobody"],
)
def test_errors_of_the_stream_are_statuses(
    phone: Device, song: str, change: dict[str, Any], status: int
) -> None:
    wish = {"mediaId": song, "mediaType": "song", "transcodeParams": "mp3-96", **change}
    query = {name: one for name, one in phone.params(wish).items() if one is not None}
    assert phone.client.get("/rest/getTranscodeStream", query_string=query).status_code == status


def test_a_stream_of_a_file_that_is_gone_is_404(phone: Device, song: str, session: Session) -> None:
    """An error of another endpoint is 200."""
    Path(file_of(session).path).unlink()
    wish = {"mediaId": song, "mediaType": "song", "transcodeParams": "mp3-96"}
    query = phone.params(wish)
    assert phone.client.get("/rest/getTranscodeStream", query_string=query).status_code == 404
    query = phone.params({"id": song})
    assert phone.client.get("/rest/stream", query_string=query).status_code == 200
