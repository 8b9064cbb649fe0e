"""Twelve styles of the demo clips: instruments, patterns and tempo ranges.

Patterns are one bar in sixteenths (eight or twelve steps a bar stand for the same steps of a
shorter bar): ``x`` a stroke, ``o`` a soft one, ``.`` none. Bass patterns say which degree of the
chord sounds: ``1``, ``3``, ``5``, ``8`` (the octave), ``-`` holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAJOR_STEPS = (0, 2, 4, 5, 7, 9, 11)
MINOR_STEPS = (0, 2, 3, 5, 7, 8, 10)

# Progressions that say where home is: they begin there, and a dominant leads back.
MAJOR_CHORDS: tuple[tuple[str, ...], ...] = (
    ("I", "IV", "V", "I"), ("I", "vi", "IV", "V"), ("I", "IV", "I", "V"), ("I", "vi", "ii", "V"),
)  # fmt: skip
MINOR_CHORDS: tuple[tuple[str, ...], ...] = (
    ("i", "iv", "V", "i"), ("i", "VI", "iv", "V"), ("i", "iv", "i", "V"), ("i", "VII", "VI", "V"),
)  # fmt: skip
JAZZ_MAJOR: tuple[tuple[str, ...], ...] = (("I7", "vi7", "ii7", "V7"), ("ii7", "V7", "I7", "I7"))
JAZZ_MINOR: tuple[tuple[str, ...], ...] = (("i7", "iv7", "V7", "i7"), ("i7", "VI7", "iv7", "V7"))


@dataclass(frozen=True)
class Style:
    """One style. ``genre`` is the tag, ``naming`` the demo catalogue's genre that names it.

    ``tempo`` from and to in BPM; ``beats`` a bar; ``swing`` is how much of an eighth the off-beat
    comes late; ``chord``, ``bass`` and ``lead`` name timbres of ``clips_sounds``; ``comp`` is when
    chords sound, ``broken`` plays their notes one after the other; ``minor`` how likely the mode.
    """

    name: str
    genre: str
    naming: str
    tempo: tuple[int, int]
    chord: str
    comp: str
    bass: str
    bass_line: str
    drums: dict[str, str] = field(default_factory=dict)
    lead: str | None = None
    lead_rhythm: str = "x...x...x...x.x."
    beats: int = 4
    swing: float = 0.0
    broken: bool = False
    minor: float = 0.5
    octave: int = 4
    major_chords: tuple[tuple[str, ...], ...] = MAJOR_CHORDS
    minor_chords: tuple[tuple[str, ...], ...] = MINOR_CHORDS
    levels: tuple[float, float, float, float] = (0.5, 0.6, 0.8, 0.4)
    """Of chords, bass, drums and lead."""
    decibels: float = -14.0
    """The root mean square of the finished clip, relative to full scale."""


STYLES: tuple[Style, ...] = (
    Style(
        "pop", "Pop", "Pop", (96, 124), "piano", "x...x...x...x...", "pluck bass",
        "1--1--1-1--1--5-",
        {"kick": "x.......x.o.....", "snare": "....x.......x...", "hat": "x.o.x.o.x.o.x.o."},
        lead="voice", lead_rhythm="x...x.x.x...x...", minor=0.3,
    ),
    Style(
        "rock", "Rock", "Rock", (112, 144), "electric guitar", "x.x.x.x.x.x.x.x.", "pick bass",
        "1-1-1-1-1-1-1-1-",
        {"kick": "x.......x.x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x.",
         "crash": "x..............."},
        minor=0.4, octave=3, decibels=-11.0,
    ),
    Style(
        "hip hop", "Hip Hop", "Hip Hop", (84, 98), "electric piano", "x.....x.........", "sub bass",
        "1-----1---1-----",
        {"kick": "x..o..x...x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.xo"},
        swing=0.15, minor=0.8, lead="bell", lead_rhythm="....x..x....x...", decibels=-12.0,
    ),
    Style(
        "house", "House", "Dance", (120, 128), "saw stab", "..x...x...x...x.", "saw bass",
        "..1-..1-..1-..8-",
        {"kick": "x...x...x...x...", "clap": "....x.......x...", "open hat": "..x...x...x...x.",
         "hat": "xooxxooxxooxxoox"},
        minor=0.7, decibels=-11.0,
    ),
    Style(
        "techno", "Techno", "Electronic", (130, 142), "saw stab", "x.....x.....x...", "saw bass",
        "1.1.1.1.1.1.1.1.",
        {"kick": "x...x...x...x...", "open hat": "..x...x...x...x.", "clap": "....x.......x..."},
        lead="square", lead_rhythm="x.x.xx.xx.x.xx.x", minor=0.9, decibels=-10.0,
    ),
    Style(
        "ambient", "Ambient", "Electronic", (72, 88), "pad", "x...............", "sub bass",
        "1---------------",
        {"shaker": "o...o...o...o..."},
        lead="bell", lead_rhythm="x.o.x.o.x.o.x.o.", levels=(0.7, 0.5, 0.5, 0.6), decibels=-20.0,
    ),
    Style(
        "jazz", "Jazz", "Jazz", (116, 152), "electric piano", "x.....x.........", "double bass",
        "1---3---5---3---",
        {"ride": "x...x.o.x...x.o.", "pedal hat": "....x.......x...", "kick": "o.......o......."},
        swing=0.33, lead="clarinet", lead_rhythm="x...x.x...x.x...", minor=0.4,
        major_chords=JAZZ_MAJOR, minor_chords=JAZZ_MINOR, decibels=-18.0,
    ),
    Style(
        "waltz", "Classical", "Classical", (132, 160), "piano", "....x...x...", "double bass",
        "1-----------", {}, lead="strings", lead_rhythm="x...x...x...", beats=3, minor=0.5,
        levels=(0.6, 0.9, 0.0, 0.5), decibels=-20.0,
    ),
    Style(
        "folk", "Folk", "Folk", (92, 116), "acoustic guitar", "x.x.x.x.x.x.x.x.", "pluck bass",
        "1-------5-------", {"shaker": "x.o.x.o.x.o.x.o.", "kick": "x.......x......."},
        broken=True, lead="voice", lead_rhythm="x...x...x.x.x...", minor=0.3,
        levels=(0.8, 0.6, 0.5, 0.4), decibels=-18.0,
    ),
    Style(
        "metal", "Metal", "Metal", (150, 176), "electric guitar", "x.xxx.xxx.xxx.xx", "pick bass",
        "1-111-111-111-11",
        {"kick": "x.xxx.xxx.xxx.xx", "snare": "....x.......x...", "crash": "x.......x.......",
         "ride": "x...x...x...x..."},
        minor=1.0, octave=3, levels=(0.6, 0.6, 1.0, 0.4), decibels=-9.0,
    ),
    Style(
        "soul", "Soul", "Soul", (98, 114), "organ", "x..x..x...x.x...", "pick bass",
        "1--1--5-8--51-5-",
        {"kick": "x..o....x.x.....", "snare": "....x..o.o..x...", "hat": "xoxoxoxoxoxoxoxo"},
        lead="brass", lead_rhythm="x.x...x.....x...", minor=0.5, decibels=-13.0,
    ),
    Style(
        "country", "Country", "Country", (104, 128), "acoustic guitar", "....x.......x...",
        "pluck bass", "1-------5-------",
        {"kick": "x.......x.......", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
        lead="steel guitar", lead_rhythm="x...x.x.x...x...", minor=0.1, decibels=-15.0,
    ),
)  # fmt: skip
