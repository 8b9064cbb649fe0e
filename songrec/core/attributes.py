"""The twelve attributes of a track, in the order of songrec's file format, on canonical scales.

Names follow the file format in lower case. The seven perceptual attributes are
Spotify's audio features (``valence`` is called positiveness here), each from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute: canonical name, label, unit and valid range."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    less: str
    more: str
    help: str

    @property
    def is_share(self) -> bool:
        """Return whether this is one of the seven perceptual attributes, from 0 to 1."""
        return self.unit == "share"


def _share(name: str, label: str, less: str, more: str, help: str) -> Attribute:
    return Attribute(name, label, "share", 0.0, 1.0, less, more, help)


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        "variance", "Variance", "", 0.0, 1e9, "more even", "more varied",
        "How much the song varies; as given by the catalogue.",
    ),
    Attribute("tempo", "Tempo", "BPM", 0.0, 300.0, "slower", "faster", "Beats per minute."),
    Attribute(
        "loudness", "Loudness", "dB", -80.0, 20.0, "quieter", "louder",
        "Average loudness: LUFS where measured from the sound, else the catalogue's decibels.",
    ),
    Attribute(
        "explicit", "Explicit", "flag", 0.0, 1.0, "cleaner", "more explicit",
        "Whether the lyrics are marked as explicit: 0 or 1.",
    ),
    Attribute(
        "popularity", "Popularity", "points", 0.0, 100.0, "lesser known", "better known",
        "How much the song is played, from 0 to 100.",
    ),
    _share("energy", "Energy", "calmer", "more energetic", "Perceived intensity and activity."),
    _share("danceability", "Danceability", "less danceable", "more danceable",
           "How well the song suits dancing: tempo, beat strength, regularity."),
    _share("positiveness", "Happiness", "darker", "happier",
           "Musical positiveness, Spotify's valence: 0 sad or angry, 1 cheerful."),
    _share("speechiness", "Speechiness", "more sung", "more spoken", "Presence of spoken words."),
    _share("liveness", "Liveness", "less audience", "more audience",
           "Probability that an audience was there."),
    _share("acousticness", "Acousticness", "more electric", "more acoustic",
           "Confidence that the song is acoustic."),
    _share("instrumentalness", "Instrumentalness", "more vocal", "more instrumental",
           "Likelihood that the song has no vocals."),
)  # fmt: skip

ATTRIBUTE_NAMES: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES)
BY_NAME: dict[str, Attribute] = {a.name: a for a in ATTRIBUTES}
SHARES: tuple[str, ...] = tuple(a.name for a in ATTRIBUTES if a.is_share)

_PITCHES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def key_name(key: int | None, mode: int | None) -> str | None:
    """Return the name of pitch class 0-11 and mode 1 (major) / 0 (minor): ``"F♯ minor"``."""
    if key is None or not 0 <= key < len(_PITCHES):
        return None
    return f"{_PITCHES[key]} {'major' if mode else 'minor'}" if mode is not None else _PITCHES[key]


def format_attribute(name: str, value: float | None, *, measured: bool = False) -> str:
    """Format an attribute value with its unit: ``"118 BPM"``, ``"-6.9 dB"``, ``"0.31"``.

    A loudness that was measured from the sound is in LUFS; a catalogue's is in decibels of its own.
    """
    if value is None or value != value:
        return "unknown"
    attribute = BY_NAME[name]
    match attribute.unit:
        case "flag":
            return "yes" if value >= 0.5 else "no"
        case "BPM":
            return f"{value:.0f} BPM"
        case "dB":
            return f"{value:.1f} {'LUFS' if measured else attribute.unit}".replace("-", "−")
        case "points":
            return f"{value:.0f}"
        case _:
            return f"{value:.2f}"
