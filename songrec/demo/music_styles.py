"""Sixteen styles of the demo music: instruments, patterns, harmonies, rooms.

Patterns are one bar in sixteenths, or in as many steps as the bar has. Chords, melodies and drums:
``x`` a note, ``o`` a soft one, ``.`` none. Arpeggios: the number of the chord tone, upwards from
the root. Basses: ``1``, ``3``, ``5``, ``8`` (the octave) of the chord, ``a`` a step below the next
root, ``-`` holds.
"""

from __future__ import annotations

from dataclasses import dataclass

Progression = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One player: ``chords``, ``arpeggio``, ``bass``, ``melody`` or ``drum``.

    ``sound`` names an instrument or a drum; ``patterns`` are taken in turn. ``sections`` are
    those in which it plays: ``i`` the beginning, ``a``, ``b``, and ``o`` the last chord.
    ``level`` is relative, ``pan`` from -1 (left) to 1, ``octave`` that of the lowest notes.
    """

    role: str
    sound: str
    patterns: tuple[str, ...]
    level: float
    pan: float = 0.0
    octave: int = 4
    sections: str = "iabo"


@dataclass(frozen=True)
class Style:
    """One style; ``genre`` is the tag, ``naming`` the demo catalogue's genre that names it.

    ``tempo`` from and to in BPM, ``beats`` a bar. ``swing`` is how much of an eighth the off-beat
    comes late, ``loose`` the spread of the players' timing in seconds. ``minor`` is the probability
    of a minor key; the two progressions are those of the sections ``a`` and ``b``. ``pentatonic``
    melodies avoid half steps. ``room`` is the reverberation in seconds, ``wet`` its share,
    ``echo`` that of an echo on the melody. ``pump``: everything ducks under the kick. ``crackle``:
    an old record.
    """

    name: str
    genre: str
    naming: str
    tempo: tuple[int, int]
    parts: tuple[Part, ...]
    major: tuple[Progression, Progression] = (("I", "V", "vi", "IV"), ("IV", "I", "V", "vi"))
    minor_chords: tuple[Progression, Progression] = (
        ("i", "VI", "III", "VII"),
        ("iv", "i", "VI", "V"),
    )
    minor: float = 0.5
    beats: int = 4
    swing: float = 0.0
    loose: float = 0.0
    pentatonic: bool = False
    room: float = 1.2
    wet: float = 0.2
    echo: float = 0.0
    pump: float = 0.0
    crackle: float = 0.0
    fills: bool = False


JAZZ = (("ii7", "V7", "I7", "vi7"), ("IV7", "iii7", "ii7", "V7"))
JAZZ_MINOR = (("i7", "iv7", "VI7", "V7"), ("iv7", "VII7", "III7", "VI7"))
HYMN = (("I", "IV", "I", "V"), ("vi", "IV", "I", "V"))
LAMENT = (("i", "v", "VI", "III"), ("iv", "VII", "III", "V"))

EIGHTHS = "x.x.x.x.x.x.x.x."
BACKBEAT = "....x.......x..."
FOUR = "x...x...x...x..."


def _drum(
    sound: str, pattern: str, level: float = 1.0, pan: float = 0.0, sections: str = "ab"
) -> Part:
    return Part("drum", sound, (pattern,), level, pan, 4, sections)


STYLES: tuple[Style, ...] = (
    Style(
        "piano ballad", "Piano", "Classical", (62, 76),
        (
            Part("arpeggio", "piano", ("0.2.3.4.3.2.3.2.",), 0.5, -0.15, 3),
            Part("melody", "piano", ("x.....x.x...x...", "x...x...x.......", "x.x.x...x..x...."),
                 0.85, 0.12, 5, "abo"),
            Part("chords", "strings", ("x...............",), 0.28, 0.1, 4, "bo"),
        ),
        major=HYMN, minor_chords=LAMENT, loose=0.009, room=2.4, wet=0.3,
    ),
    Style(
        "waltz", "Chamber Music", "Classical", (126, 152),
        (
            Part("chords", "strings", ("....x...x...",), 0.4, -0.3, 4),
            Part("bass", "double bass", ("1-----------",), 0.8, 0.1, 2),
            Part("melody", "violin", ("x...x...x...", "x.......x...", "x...x.x.x..."), 0.5, 0.25,
                 5, "abo"),
            Part("arpeggio", "nylon guitar", ("0.2.3.2.4.2.",), 0.35, 0.4, 4, "bo"),
        ),
        major=HYMN, minor_chords=(("i", "iv", "V", "i"), ("VI", "III", "iv", "V")), beats=3,
        loose=0.008, room=2.2, wet=0.28,
    ),
    Style(
        "folk", "Folk", "Folk", (92, 112),
        (
            Part("arpeggio", "steel guitar", ("0.2.3.2.4.2.3.2.",), 0.65, -0.2, 3),
            Part("melody", "flute", ("x...x.x.x...x...", "x.....x.x.......", "x.x.x...x.x....."),
                 0.5, 0.2, 5, "abo"),
            Part("bass", "finger bass", ("1-------5-------",), 0.5, 0.0, 2, "bo"),
            _drum("shaker", "o.x.o.x.o.x.o.x.", 0.7, 0.35, "b"),
        ),
        minor=0.4, loose=0.01, pentatonic=True, room=1.4, wet=0.2,
    ),
    Style(
        "country", "Country", "Country", (112, 132),
        (
            Part("chords", "steel guitar", ("....x..o....x..o",), 0.55, -0.3, 4),
            Part("bass", "finger bass", ("1-------5-------", "1-------5---a---"), 0.8, 0.0, 2),
            Part("melody", "lap steel", ("x...x.x.x.......", "x.x.x...x...x...",
                 "....x.x.x...x..."),
                 0.5, 0.25, 5, "abo"),
            _drum("brush", "x.oxx.oxx.oxx.ox", 0.8, 0.1, "iab"),
            _drum("kick", "x.......x.......", 0.6),
        ),
        major=(("I", "IV", "I", "V"), ("IV", "I", "V", "I")), minor=0.1, loose=0.008,
        pentatonic=True, room=0.9, wet=0.15,
    ),
    Style(
        "bossa nova", "Bossa Nova", "Jazz", (118, 136),
        (
            Part("chords", "nylon guitar", ("x..x..x...x..x..", "x..x..x..x..x..."), 0.5, -0.25, 4),
            Part("bass", "double bass", ("1-----5-1-----5-", "1-----5-1-----a-"), 0.8, 0.0, 2),
            Part("melody", "flute", ("x..x..x.....x...", "x.....x.x..x....", "..x...x...x....."),
                 0.42, 0.2, 5, "abo"),
            _drum("rim", "x..x..x...x..x..", 0.5, 0.3, "iab"),
            _drum("shaker", "xoooxoooxoooxooo", 0.5, -0.35),
            _drum("deep kick", "x.....o.x.....o.", 0.35),
        ),
        major=JAZZ, minor_chords=JAZZ_MINOR, loose=0.007, room=1.1, wet=0.18,
    ),
    Style(
        "jazz", "Jazz", "Jazz", (118, 152),
        (
            Part("chords", "piano", ("..x.....x.......", "x.....x.......x."), 0.38, -0.25, 4),
            Part("bass", "double bass", ("1---3---5---a---", "1---5---3---a---"), 0.85, 0.0, 2),
            Part("melody", "muted trumpet", ("x...x.x...x.x...", "..x.x...x.......",
                 "x.x.x.x.x...x..."), 0.36, 0.2, 5, "abo"),
            _drum("ride", "x...x.o.x...x.o.", 1.0, 0.3, "iab"),
            _drum("hat", BACKBEAT, 0.8, -0.3, "iab"),
            _drum("brush", "....o.......o...", 0.6, 0.0),
            _drum("deep kick", "o.......o.......", 0.4),
        ),
        major=JAZZ, minor_chords=JAZZ_MINOR, minor=0.4, swing=0.33, loose=0.008, room=1.0, wet=0.18,
    ),
    Style(
        "soul", "Soul", "Soul", (82, 100),
        (
            Part("chords", "electric piano", ("x.....x...x.....", "x..x......x.x..."), 0.55,
                 -0.2, 4),
            Part("chords", "organ", ("..x...x...x...x.",), 0.2, 0.3, 4, "abo"),
            Part("bass", "finger bass", ("1--1--5-8--51---", "1--1--5-1--3-a--"), 0.85, 0.0, 2),
            Part("melody", "soft lead", ("x..x..x.x.......", "..x.x...x..x....",
                 "x.....x.x.x....."),
                 0.45, 0.1, 5, "abo"),
            Part("chords", "brass", ("x.............x.",), 0.22, 0.25, 4, "b"),
            _drum("kick", "x..o....x.x.....", 0.9),
            _drum("snare", "....x..o.o..x...", 0.8),
            _drum("hat", "x.o.x.o.x.o.x.oo", 0.9, 0.25, "iab"),
        ),
        major=(("I7", "vi7", "ii7", "V7"), ("IV7", "iii7", "ii7", "V7")),
        minor_chords=(("i7", "iv7", "VII7", "III7"), ("VI7", "v7", "iv7", "VII7")),
        loose=0.006, pentatonic=True, room=1.1, wet=0.18, fills=True,
    ),
    Style(
        "funk", "Funk", "Soul", (100, 114),
        (
            Part("chords", "clavinet", ("x.oxo.x..oxo.x..", "x.oxo.x.x.oo.x.."), 0.42, -0.3, 4),
            Part("bass", "slap bass", ("1..1..8.1.3.5.8.", "1..1..8...51.3a."), 0.8, 0.0, 2),
            Part("melody", "brass", ("..x..x....x.....", "x..x..x.........", "....x.x...x.x..."),
                 0.4, 0.25, 5, "abo"),
            Part("chords", "organ", ("x...............",), 0.14, 0.2, 4, "bo"),
            _drum("kick", "x..o..x...x..o..", 1.0, 0.0, "iab"),
            _drum("snare", "....x..o.o..x..o", 0.85),
            _drum("hat", "xoxoxoxoxoxoxoxo", 0.9, 0.25, "iab"),
            _drum("conga", "..o..x..o..o.x..", 0.5, -0.35, "b"),
        ),
        minor_chords=(("i7", "i7", "iv7", "i7"), ("VI7", "VII7", "i7", "V7")),
        major=(("I7", "I7", "IV7", "I7"), ("IV7", "V7", "I7", "ii7")),
        minor=0.8, loose=0.004, pentatonic=True, room=0.6, wet=0.1, fills=True,
    ),
    Style(
        "pop", "Pop", "Pop", (98, 118),
        (
            Part("chords", "piano", ("x...x...x...x.x.",), 0.5, -0.15, 4),
            Part("arpeggio", "pluck", ("0.2.4.2.3.2.4.5.",), 0.3, 0.35, 4, "bo"),
            Part("bass", "finger bass", ("1--1--1-1--1--5-",), 0.75, 0.0, 2, "abo"),
            Part("melody", "soft lead", ("x...x.x.x...x...", "x.x...x...x.....",
                 "..x.x.x.x......."),
                 0.55, 0.05, 5, "abo"),
            Part("chords", "warm pad", ("x...............",), 0.25, 0.0, 4, "bo"),
            _drum("kick", "x.......x.o.....", 1.0),
            _drum("snare", BACKBEAT, 0.8),
            _drum("hat", "x.o.x.o.x.o.x.o.", 0.9, 0.2, "iab"),
            _drum("tambourine", "..x...x...x...x.", 0.5, -0.3, "b"),
        ),
        minor=0.25, pentatonic=True, room=1.2, wet=0.18, echo=0.15, fills=True,
    ),
    Style(
        "rock", "Rock", "Rock", (122, 144),
        (
            Part("chords", "electric guitar", (EIGHTHS,), 0.4, -0.45, 3),
            Part("chords", "electric guitar", ("x.......x.......",), 0.3, 0.45, 3, "bo"),
            Part("bass", "pick bass", ("1-1-1-1-1-1-1-1-",), 0.75, 0.0, 2),
            Part("melody", "lead guitar", ("x...x.x.x.......", "x.....x.x.x.....",
                 "x.x.x...x...x..."), 0.36, 0.15, 5, "bo"),
            _drum("hard kick", "x.......x.x.....", 1.0),
            _drum("snare", BACKBEAT, 1.0),
            _drum("hat", EIGHTHS, 1.0, 0.25, "ia"),
            _drum("crash", "x..............." , 0.7, -0.3, "b"),
            _drum("ride", EIGHTHS, 0.9, 0.3, "b"),
        ),
        major=(("I", "IV", "vi", "V"), ("IV", "V", "I", "vi")),
        minor=0.35, loose=0.004, pentatonic=True, room=0.9, wet=0.12, fills=True,
    ),
    Style(
        "metal", "Metal", "Metal", (158, 180),
        (
            Part("chords", "muted guitar", ("x.xxx.xxx.xxx.xx",), 0.5, -0.5, 3, "ia"),
            Part("chords", "electric guitar", ("x.......x...x...",), 0.4, 0.5, 3),
            Part("bass", "pick bass", ("1-111-111-111-11",), 0.7, 0.0, 2),
            Part("melody", "lead guitar", ("x.x.x.x.x.x.x.x.", "x...x.x.x...x.x."), 0.32, 0.1, 5,
                 "bo"),
            _drum("hard kick", "x.xxx.xxx.xxx.xx", 0.8),
            _drum("snare", BACKBEAT, 1.0),
            _drum("crash", "x.......x.......", 0.6, 0.3),
        ),
        minor_chords=(("i", "VI", "VII", "i"), ("i", "III", "VI", "V")),
        minor=1.0, room=0.8, wet=0.1, fills=True,
    ),
    Style(
        "lo-fi", "Lo-fi Hip Hop", "Hip Hop", (74, 88),
        (
            Part("chords", "electric piano", ("x.........x.....", "x......x..x....."), 0.6, -0.1,
                 4),
            Part("bass", "sub bass", ("1-----1---5-----", "1-----1-------a-"), 0.7, 0.0, 2, "abo"),
            Part("melody", "vibraphone", ("....x..x....x...", "x...x...x.......",
                 "......x.x..x...."), 0.4, 0.25, 5, "abo"),
            _drum("deep kick", "x......x..x.....", 0.9),
            _drum("rim", BACKBEAT, 0.8, 0.05),
            _drum("hat", "x.x.x.xox.x.x.xo", 0.7, 0.25, "iab"),
        ),
        major=JAZZ, minor_chords=JAZZ_MINOR, minor=0.7, swing=0.18, loose=0.01, pentatonic=True,
        room=1.0, wet=0.15, crackle=1.0,
    ),
    Style(
        "house", "House", "Dance", (120, 126),
        (
            Part("chords", "saw stab", ("..x...x..x..x...", "..x..x....x..x.."), 0.4, -0.2, 4),
            Part("chords", "pad", ("x...............",), 0.25, 0.2, 4),
            Part("bass", "synth bass", ("..1...1...1...8.",), 0.75, 0.0, 2, "abo"),
            Part("melody", "pluck", ("x..x..x.....x...", "..x..x....x.x..."), 0.35, 0.3, 5, "bo"),
            _drum("kick", FOUR, 1.0, 0.0, "iab"),
            _drum("clap", BACKBEAT, 0.8),
            _drum("open hat", "..x...x...x...x.", 0.9, 0.2),
            _drum("hat", "xoxoxoxoxoxoxoxo", 0.6, -0.25, "b"),
        ),
        major=(("I7", "iii7", "IV7", "V"), ("ii7", "IV7", "vi7", "V")),
        minor_chords=(("i7", "VI7", "iv7", "v7"), ("VI7", "VII7", "i7", "i7")),
        minor=0.7, room=1.3, wet=0.2, echo=0.25, pump=0.55,
    ),
    Style(
        "techno", "Techno", "Electronic", (130, 140),
        (
            Part("arpeggio", "square", ("0.30.20.50.30.24", "0.30.20.40.50.32"), 0.4, 0.2, 4),
            Part("bass", "synth bass", ("1.1.1.1.1.1.1.1.",), 0.7, 0.0, 2, "abo"),
            Part("chords", "pad", ("x...............",), 0.22, -0.2, 4, "bo"),
            _drum("hard kick", FOUR, 1.0, 0.0, "iab"),
            _drum("open hat", "..x...x...x...x.", 0.9, 0.15),
            _drum("hat", "xoooxoooxoooxooo", 0.7, -0.25, "b"),
            _drum("clap", BACKBEAT, 0.5, 0.0, "b"),
            _drum("rim", "...x..x....x..x.", 0.35, 0.4, "b"),
        ),
        minor_chords=(("i", "i", "VI", "i"), ("i", "III", "VI", "VII")),
        minor=1.0, room=1.6, wet=0.18, echo=0.35, pump=0.6,
    ),
    Style(
        "ambient", "Ambient", "Electronic", (60, 72),
        (
            Part("chords", "pad", ("x...............",), 0.6, -0.15, 4),
            Part("chords", "choir", ("x...............",), 0.3, 0.2, 4, "bo"),
            Part("melody", "bell", ("x.......o...o...", "....x.......o...", "x.....o........."),
                 0.35, 0.3, 5, "abo"),
            Part("bass", "sub bass", ("1---------------",), 0.45, 0.0, 2, "abo"),
            Part("arpeggio", "felt piano", ("0...2...4...3...",), 0.25, -0.35, 4, "bo"),
        ),
        major=(("I7", "IV7", "I7", "vi7"), ("IV7", "ii7", "vi7", "IV7")),
        minor_chords=(("i7", "VI7", "i7", "III7"), ("VI7", "VII7", "i7", "i7")),
        loose=0.012, pentatonic=True, room=4.0, wet=0.5, echo=0.3,
    ),
    Style(
        "synthwave", "Synthwave", "Electronic", (96, 112),
        (
            Part("arpeggio", "saw stab", ("0.2.3.4.5.4.3.2.", "0.2.4.2.3.5.4.2."), 0.32, 0.3, 4),
            Part("bass", "synth bass", ("1.1.1.1.1.1.1.1.", "1.1.1.1.1.1.8.8."), 0.75, 0.0, 2),
            Part("chords", "pad", ("x...............",), 0.35, -0.2, 4, "abo"),
            Part("melody", "saw lead", ("x.....x.x.......", "x...x...x..x....", "x.x...x...x....."),
                 0.36, 0.05, 5, "bo"),
            _drum("kick", FOUR, 0.9),
            _drum("big snare", BACKBEAT, 0.9),
            _drum("hat", EIGHTHS, 0.7, 0.2),
            _drum("tom", "..............xx", 0.5, -0.3, "b"),
        ),
        minor=0.8, room=1.8, wet=0.22, echo=0.3, pump=0.25, fills=True,
    ),
)  # fmt: skip
