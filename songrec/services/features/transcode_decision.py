"""Decision whether an app plays the original of a song, and which conversion it gets otherwise.

An app describes itself by OpenSubsonic's extension ``transcoding``: the formats that it plays
(``directPlayProfiles``), the conversions that it accepts, the best first (``transcodingProfiles``),
and limits by codec (``codecProfiles``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from songrec.core.errors import BadInput
from songrec.services.features import live_conversion

HTTP = "http"
MAX_PROFILES = 200
"""Limit of profiles of one kind."""
MAX_CHANNELS = 2
"""Channels of a conversion; more are mixed down."""
SAMPLE_RATES = {"mp3": 44_100, "aac": 44_100, "opus": 48_000, "ogg": 48_000}
"""Sample rates (Hz) of conversions by format, from ``LOW_KBPS`` on."""
LOW_KBPS, LOW_RATE = 64, 22_050
"""Bit rate (kbit/s) below which MP3 and AAC have ``LOW_RATE`` (Hz)."""
LOWEST_KBPS = 32
"""Lowest bit rate (kbit/s) of a conversion."""
_TARGETS = {
    ("mp3", "mp3"): "mp3",
    ("ogg", "opus"): "opus",
    ("oga", "opus"): "opus",
    ("opus", "opus"): "opus",
    ("aac", "aac"): "aac",
    ("adts", "aac"): "aac",
    ("flac", "flac"): "flac",
}
"""Format of the conversion by container and codec, as apps name them."""
_CONTAINERS = {
    "m4a": {"m4a", "mp4"},
    "m4b": {"m4b", "m4a", "mp4"},
    "mp4": {"mp4", "m4a"},
    "opus": {"opus", "ogg", "oga"},
    "ogg": {"ogg", "oga"},
    "oga": {"oga", "ogg"},
    "aac": {"aac", "adts"},
    "aif": {"aif", "aiff"},
}
"""Other names of containers, by the ending of a file."""
_COMPARISONS = ("Equals", "NotEquals", "LessThanEqual", "GreaterThanEqual")


@dataclass(frozen=True, slots=True)
class StreamDetails:
    """A song as it is sent: ``bit_rate`` in bits a second, ``sample_rate`` in Hz; None: unknown."""

    container: str
    codec: str
    channels: int | None = None
    bit_rate: int | None = None
    sample_rate: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Serialize as OpenSubsonic's ``StreamDetails``."""
        return {
            "protocol": HTTP,
            "container": self.container,
            "codec": self.codec,
            "audioChannels": self.channels,
            "audioBitrate": self.bit_rate,
            "audioSamplerate": self.sample_rate,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an app plays the original (``reasons`` say why not), and the conversion for it.

    ``format`` and ``kbps`` (None: lossless) are those of the conversion; without one ``target`` is
    None.
    """

    can_direct_play: bool
    reasons: tuple[str, ...] = ()
    target: StreamDetails | None = None
    format: str = ""
    kbps: int | None = None


@dataclass(frozen=True, slots=True)
class Limitation:
    """A bound on one value of a stream; ``comparison`` is one of ``_COMPARISONS``."""

    name: str
    comparison: str
    values: tuple[str, ...]

    def allows(self, stream: StreamDetails) -> bool:
        """Return whether a stream keeps the bound; not if the value is unknown."""
        value = {
            "audioChannels": stream.channels,
            "audioBitrate": stream.bit_rate,
            "audioSamplerate": stream.sample_rate,
        }.get(self.name)
        if value is None or not self.values:
            return False
        if self.comparison in ("Equals", "NotEquals"):
            return (str(value) in self.values) == (self.comparison == "Equals")
        bound = _number(self.values[0], self.name)
        return value <= bound if self.comparison == "LessThanEqual" else value >= bound


@dataclass(frozen=True, slots=True)
class DirectPlay:
    """Formats that an app plays without conversion; an empty set means any."""

    containers: frozenset[str]
    codecs: frozenset[str]
    protocols: frozenset[str]
    max_channels: int


@dataclass(frozen=True, slots=True)
class TranscodingTarget:
    """A container and codec that an app accepts for conversions."""

    container: str
    codec: str
    protocol: str
    max_channels: int


@dataclass(frozen=True)
class AppCapabilities:
    """What an app plays. Rates are in bits a second, 0 for no limit.

    ``limitations`` are the required ones by codec; others need not be met.
    """

    max_bit_rate: int = 0
    max_converted_bit_rate: int = 0
    direct_play: tuple[DirectPlay, ...] = ()
    targets: tuple[TranscodingTarget, ...] = ()
    limitations: Mapping[str, tuple[Limitation, ...]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, content: Any) -> AppCapabilities:
        """Parse an OpenSubsonic ``ClientInfo``; ``BadInput`` names an invalid field.

        Its ``name`` and ``platform`` are ignored.
        """
        info = _mapping(content, "The body")
        limitations: dict[str, tuple[Limitation, ...]] = {}
        for profile in _list(info, "codecProfiles"):
            if profile.get("type") != "AudioCodec":
                continue
            codec = _text(profile, "name")
            limitations[codec] = (
                *limitations.get(codec, ()),
                *(
                    _limitation(one)
                    for one in _list(profile, "limitations")
                    if one.get("required") is True
                ),
            )
        return cls(
            _count(info, "maxAudioBitrate"),
            _count(info, "maxTranscodingAudioBitrate"),
            tuple(
                DirectPlay(
                    _texts(one, "containers"),
                    _texts(one, "audioCodecs"),
                    _texts(one, "protocols"),
                    _count(one, "maxAudioChannels"),
                )
                for one in _list(info, "directPlayProfiles")
            ),
            tuple(
                TranscodingTarget(
                    _text(one, "container"),
                    _text(one, "audioCodec"),
                    _text(one, "protocol"),
                    _count(one, "maxAudioChannels"),
                )
                for one in _list(info, "transcodingProfiles")
            ),
            limitations,
        )


def decide(
    source: StreamDetails, app: AppCapabilities, *, can_convert: bool = True, is_lossy: bool = True
) -> Decision:
    """Decide whether an app plays the original of a song, and which conversion it gets.

    Parameters
    ----------
    source
        The original.
    can_convert
        Whether the song can be converted at all.
    is_lossy
        Whether the original is lossy: a higher bit rate than its own gains nothing.
    """
    reasons = [_obstacle(source, profile, app) for profile in app.direct_play]
    decision = Decision(
        can_direct_play=None in reasons,
        reasons=() if None in reasons else tuple(one for one in reasons if one),
    )
    if can_convert:
        for profile in app.targets:
            converted = _converted(source, profile, app, is_lossy=is_lossy)
            if converted is not None:
                target, format, kbps = converted
                return replace(decision, target=target, format=format, kbps=kbps)
    return decision


def _obstacle(source: StreamDetails, profile: DirectPlay, app: AppCapabilities) -> str | None:
    """Return why a profile does not play a song, in a word for logs; None if it does."""
    names = _CONTAINERS.get(source.container, {source.container})
    if profile.containers and not names & profile.containers:
        return "ContainerNotSupported"
    if profile.codecs and source.codec not in profile.codecs:
        return "AudioCodecNotSupported"
    if profile.protocols and HTTP not in profile.protocols:
        return "ProtocolNotSupported"
    if profile.max_channels and (source.channels or 0) > profile.max_channels:
        return "AudioChannelsNotSupported"
    if app.max_bit_rate and (source.bit_rate is None or source.bit_rate > app.max_bit_rate):
        return "AudioBitrateNotSupported"
    for limitation in app.limitations.get(source.codec, ()):
        if not limitation.allows(source):
            return f"{limitation.name[:1].upper()}{limitation.name[1:]}NotSupported"
    return None


def _converted(
    source: StreamDetails, profile: TranscodingTarget, app: AppCapabilities, *, is_lossy: bool
) -> tuple[StreamDetails, str, int | None] | None:
    """Return the conversion for a profile, None if songrec does not have it."""
    format = _TARGETS.get((profile.container, profile.codec))
    channels = min(source.channels or MAX_CHANNELS, MAX_CHANNELS)
    if (
        format is None
        or profile.protocol != HTTP
        or (profile.max_channels and channels > profile.max_channels)
    ):
        return None
    limitations = app.limitations.get(profile.codec, ())
    limits = [limit for limit in (app.max_bit_rate, app.max_converted_bit_rate) if limit]
    limits += [
        _number(one.values[0], one.name)
        for one in limitations
        if one.name == "audioBitrate" and one.comparison == "LessThanEqual" and one.values
    ]
    if format == "flac":
        if limits:
            return None  # a lossless format has no upper limit
        kbps = None
        target = StreamDetails(profile.container, profile.codec, channels, None, source.sample_rate)
    else:
        source_kbps = source.bit_rate // 1000 if is_lossy and source.bit_rate else None
        usual = live_conversion.KBPS[format]
        if source_kbps is not None:
            usual = min(usual, max(source_kbps, live_conversion.LEAST_KBPS))
        kbps = min([usual, *(limit // 1000 for limit in limits)])
        if kbps < LOWEST_KBPS:
            return None
        is_low = kbps < LOW_KBPS and format in ("mp3", "aac")
        rate = LOW_RATE if is_low else SAMPLE_RATES[format]
        target = StreamDetails(profile.container, profile.codec, channels, 1000 * kbps, rate)
    if not all(one.allows(target) for one in limitations):
        return None
    return target, format, kbps


def _limitation(content: Mapping[str, Any]) -> Limitation:
    comparison = str(content.get("comparison", ""))
    if comparison not in _COMPARISONS:
        raise BadInput(f"comparison must be one of {', '.join(_COMPARISONS)}.")
    values = content.get("values", ())
    if not isinstance(values, list | tuple):
        values = [values]
    return Limitation(_text(content, "name", lower=False), comparison, tuple(map(str, values)))


def _mapping(content: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise BadInput(f"{what} must be a JSON object.")
    return content


def _list(content: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    rows = [] if content.get(name) is None else content[name]
    if not isinstance(rows, list) or len(rows) > MAX_PROFILES:
        raise BadInput(f"{name} must be a list of at most {MAX_PROFILES}.")
    return [_mapping(row, f"Each of {name}") for row in rows]


def _texts(content: Mapping[str, Any], name: str) -> frozenset[str]:
    rows = [] if content.get(name) is None else content[name]
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise BadInput(f"{name} must be a list of texts.")
    return frozenset(row.lower() for row in rows)


def _text(content: Mapping[str, Any], name: str, *, lower: bool = True) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(f"{name} must be a text.")
    return value.lower() if lower else value


def _count(content: Mapping[str, Any], name: str) -> int:
    value = 0 if content.get(name) is None else content[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadInput(f"{name} must be a whole number, not {str(value)[:40]!r}.")
    return value


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BadInput(f"A limit of {name} must be a whole number, not {text[:40]!r}.")
    return int(text)
