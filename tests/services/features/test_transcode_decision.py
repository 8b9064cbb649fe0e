"""What an app can play as it is, and what a song becomes otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from songrec.audio_files.transcoding import limited
from songrec.core.errors import BadInput
from songrec.services.features.transcode_decision import (
    AppCapabilities,
    StreamDetails,
    decide,
)

FLAC = StreamDetails("flac", "flac", 2, 900_000, 44_100)
MP3 = StreamDetails("mp3", "mp3", 2, 128_000, 44_100)
M4A = StreamDetails("m4a", "alac", 6, 3_000_000, 96_000)


def direct(containers: list[str], codecs: list[str], **more: Any) -> dict[str, Any]:
    return {"containers": containers, "audioCodecs": codecs, "protocols": ["http"], **more}


def made_into(container: str, codec: str, protocol: str = "http", **more: Any) -> dict[str, Any]:
    return {"container": container, "audioCodec": codec, "protocol": protocol, **more}


def bound(codec: str, name: str, comparison: str, *values: str, required: bool = True) -> Any:
    limitation = {
        "name": name,
        "comparison": comparison,
        "values": list(values),
        "required": required,
    }
    return {"type": "AudioCodec", "name": codec, "limitations": [limitation]}


@pytest.mark.parametrize(
    ("source", "app", "reasons"),
    [
        (MP3, {"directPlayProfiles": [direct(["mp3"], ["mp3"])]}, None),
        (MP3, {"directPlayProfiles": [direct([], [])]}, None),
        (M4A, {"directPlayProfiles": [direct(["mp4"], ["aac", "alac"])]}, None),
        (
            FLAC,
            {"directPlayProfiles": [direct(["mp3"], ["mp3"]), direct(["flac"], ["mp3"])]},
            ("ContainerNotSupported", "AudioCodecNotSupported"),
        ),
        (
            MP3,
            {"directPlayProfiles": [{**direct([], []), "protocols": ["hls"]}]},
            ("ProtocolNotSupported",),
        ),
        (
            M4A,
            {"directPlayProfiles": [direct([], [], maxAudioChannels=2)]},
            ("AudioChannelsNotSupported",),
        ),
        (
            FLAC,
            {"maxAudioBitrate": 512_000, "directPlayProfiles": [direct([], [])]},
            ("AudioBitrateNotSupported",),
        ),
        (
            M4A,
            {
                "directPlayProfiles": [direct([], [])],
                "codecProfiles": [bound("alac", "audioSamplerate", "LessThanEqual", "48000")],
            },
            ("AudioSamplerateNotSupported",),
        ),
        (
            M4A,
            {
                "directPlayProfiles": [direct([], [])],
                "codecProfiles": [bound("alac", "audioChannels", "Equals", "2", required=False)],
            },
            None,
        ),
        (
            FLAC,
            {
                "directPlayProfiles": [direct([], [])],
                "codecProfiles": [bound("flac", "audioBitdepth", "LessThanEqual", "16")],
            },
            ("AudioBitdepthNotSupported",),
        ),
        (MP3, {}, ()),
    ],
    ids=[
        "listed",
        "anything",
        "other name",
        "each profile",
        "protocol",
        "channels",
        "rate",
        "bound",
        "wish",
        "unknown value",
        "no profile",
    ],
)
def test_direct_play(
    source: StreamDetails, app: dict[str, Any], reasons: tuple[str, ...] | None
) -> None:
    decision = decide(source, AppCapabilities.from_json(app))
    assert decision.can_direct_play is (reasons is None)
    assert decision.reasons == (reasons or ())


@pytest.mark.parametrize(
    ("source", "app", "target"),
    [
        (FLAC, [made_into("mp3", "mp3")], ("mp3", 192, 44_100, 2)),
        (
            FLAC,
            [made_into("mp4", "aac", "hls"), made_into("ogg", "opus")],
            ("opus", 160, 48_000, 2),
        ),
        (M4A, [made_into("flac", "flac")], ("flac", None, 96_000, 2)),
        (MP3, [made_into("mp3", "mp3")], ("mp3", 128, 44_100, 2)),
        (FLAC, [made_into("mp3", "mp3", maxAudioChannels=1)], None),
        (FLAC, [made_into("mp4", "alac")], None),
        (FLAC, [], None),
    ],
    ids=["mp3", "first possible", "lossless", "lossy source", "mono only", "not here", "none"],
)
def test_conversion(
    source: StreamDetails, app: list[Any], target: tuple[str, int | None, int, int] | None
) -> None:
    decision = decide(
        source,
        AppCapabilities.from_json({"transcodingProfiles": app}),
        is_lossy=source.codec == "mp3",
    )
    if target is None:
        assert decision.target is None
        return
    assert decision.target is not None
    made = (
        decision.format,
        decision.kbps,
        decision.target.sample_rate,
        decision.target.channels,
    )
    assert made == target


@pytest.mark.parametrize(
    ("limits", "kbps"),
    [
        ({"maxTranscodingAudioBitrate": 96_000}, 96),
        ({"maxAudioBitrate": 64_000, "maxTranscodingAudioBitrate": 96_000}, 64),
        ({"codecProfiles": [bound("mp3", "audioBitrate", "LessThanEqual", "80000")]}, 80),
        ({"codecProfiles": [bound("mp3", "audioSamplerate", "Equals", "48000")]}, None),
        ({"maxAudioBitrate": 8_000}, None),
    ],
    ids=["converted", "lower", "codec", "other sample rate", "too low"],
)
def test_limits_count(limits: dict[str, Any], kbps: int | None) -> None:
    app = AppCapabilities.from_json({"transcodingProfiles": [made_into("mp3", "mp3")], **limits})
    assert decide(FLAC, app, is_lossy=False).kbps == kbps


@pytest.mark.parametrize(("container", "codec"), [("mp3", "mp3"), ("ogg", "opus"), ("aac", "aac")])
@pytest.mark.parametrize("kbps", [32, 63, 64, 100, 192])
def test_what_is_said_is_what_is_written(container: str, codec: str, kbps: int) -> None:
    """Rate and sample rate are those of the encoder, which never exceeds the stated rate."""
    app = {
        "transcodingProfiles": [made_into(container, codec)],
        "maxTranscodingAudioBitrate": 1000 * kbps,
    }
    decision = decide(FLAC, AppCapabilities.from_json(app), is_lossy=False)
    assert decision.target is not None
    assert decision.kbps is not None
    written = limited(decision.format, 1000 * decision.kbps)
    assert written.sample_rate == decision.target.sample_rate
    assert written.bit_rate <= 1000 * decision.kbps == decision.target.bit_rate <= 1000 * kbps


def test_a_song_that_cannot_be_converted_can_still_be_played() -> None:
    app = AppCapabilities.from_json(
        {
            "directPlayProfiles": [direct(["mp3"], ["mp3"])],
            "transcodingProfiles": [made_into("mp3", "mp3")],
        }
    )
    decision = decide(MP3, app, can_convert=False)
    assert decision.can_direct_play
    assert decision.target is None


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ([], "The body must be a JSON object"),
        ({"maxAudioBitrate": "many"}, "maxAudioBitrate must be a whole number"),
        ({"directPlayProfiles": {}}, "directPlayProfiles must be a list"),
        ({"directPlayProfiles": [direct([1], [])]}, "containers must be a list of texts"),
        ({"transcodingProfiles": [{"container": "mp3"}]}, "audioCodec must be a text"),
        ({"codecProfiles": [bound("mp3", "audioBitrate", "Less", "1")]}, "comparison must be one"),
    ],
    ids=["list", "number", "object", "texts", "missing", "comparison"],
)
def test_what_is_not_as_described_is_one_line(content: Any, line: str) -> None:
    with pytest.raises(BadInput, match=line):
        AppCapabilities.from_json(content)
