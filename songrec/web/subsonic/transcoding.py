"""The extension ``transcoding``: conversions of a song by an app's description of its formats.

``transcodeParams`` contains format and rate of the conversion, so it stays valid.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from flask import request
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput
from songrec.services.features import live_conversion
from songrec.services.features.live_conversion import Conversion
from songrec.services.features.transcode_decision import (
    LOWEST_KBPS,
    AppCapabilities,
    Decision,
    StreamDetails,
    decide,
)
from songrec.store.servers.streamed_files import is_streamed
from songrec.store.tables import AudioFile
from songrec.web.subsonic import parameters
from songrec.web.subsonic.answers import GENERIC, SubsonicError, answer, not_found
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.media import convert, file_of, offset_s
from songrec.web.subsonic.system import EXTENSIONS

EXTENSIONS |= {"transcoding": [1]}
_PARAMS = re.compile(r"(mp3|opus|aac)-([0-9]{2,3})|flac", re.ASCII)


@endpoint("getTranscodeDecision")
def transcode_decision() -> ResponseReturnValue:
    """Return whether an app can play the original song, else its conversion."""
    file = _media()
    try:
        content = request.get_json(force=True, silent=True)
    except RecursionError:  # nested too deeply to be decoded
        content = None
    if content is None:
        raise SubsonicError(
            GENERIC, "getTranscodeDecision needs a POST with the app's formats as JSON."
        )
    try:
        decision = decide(
            source_of(file),
            AppCapabilities.from_json(content),
            can_convert=not is_streamed(file),
            is_lossy=not (file.codec or "").startswith(live_conversion.LOSSLESS),
        )
    except BadInput as error:
        raise SubsonicError(GENERIC, str(error)) from None
    return answer({"transcodeDecision": _serialize(file, decision)})


@endpoint("getTranscodeStream", has_statuses=True)
def transcode_stream() -> ResponseReturnValue:
    """Send a song as ``getTranscodeDecision`` decided."""
    file = _media()
    text = parameters.require("transcodeParams")
    match = _PARAMS.fullmatch(text)
    format, kbps = (match[1], int(match[2])) if match and match[1] else ("flac", None)
    is_made = kbps is None or LOWEST_KBPS <= kbps <= live_conversion.KBPS[format]
    if match is None or is_streamed(file) or not is_made:
        raise SubsonicError(GENERIC, "transcodeParams must come from getTranscodeDecision.")
    return convert(file, Conversion(format, kbps, offset_s("offset"), is_limited=kbps is not None))


def source_of(file: AudioFile) -> StreamDetails:
    """Describe the original of a song; a track of an album file is sent as FLAC."""
    if file.part:
        return StreamDetails("flac", "flac", file.channels, None, file.sample_rate)
    codec = (file.codec or "").removesuffix("float").removesuffix("_fixed")
    return StreamDetails(
        container=PurePath(file.path).suffix.lstrip(".").lower(),
        codec="pcm" if codec.startswith("pcm_") else codec,
        channels=file.channels,
        bit_rate=round(file.size * 8 / file.duration_s) if file.duration_s else None,
        sample_rate=file.sample_rate,
    )


def _media() -> AudioFile:
    media_id, kind = parameters.require("mediaId"), parameters.require("mediaType")
    if kind == "podcast":
        raise not_found("podcast episode")
    if kind != "song":
        raise SubsonicError(GENERIC, "mediaType must be song or podcast.")
    return file_of(media_id)[1]


def _serialize(file: AudioFile, decision: Decision) -> dict[str, object]:
    target = decision.target
    error = ""
    if not decision.can_direct_play and target is None:
        error = (
            "A song of a music server is sent as it is."
            if is_streamed(file)
            else "The app supports none of songrec's conversions: MP3, Opus, AAC and FLAC by HTTP."
        )
    return {
        "canDirectPlay": decision.can_direct_play,
        "canTranscode": target is not None,
        "transcodeReason": list(decision.reasons),
        "errorReason": error,
        "transcodeParams": (
            "-".join(filter(None, [decision.format, str(decision.kbps or "")])) if target else None
        ),
        "sourceStream": source_of(file).to_json(),
        "transcodeStream": target.to_json() if target else None,
    }
