"""The demo music: 96 pieces of about half a minute, in sixteen styles, composed and synthesised.

``python -m songrec.demo.music FOLDER`` writes them as MP3 with tags. The same piece is the same
sound every time.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songrec.core.files import atomic_file
from songrec.demo.clips_sounds import RATE, Samples
from songrec.demo.clips_styles import MAJOR_STEPS, MINOR_STEPS
from songrec.demo.draw import Draw
from songrec.demo.instruments import AMPLIFIED, note, stroke
from songrec.demo.mastering import amplify, echo, master, reverberate
from songrec.demo.music_styles import STYLES, Part, Progression, Style
from songrec.demo.naming import Namer

SEED = 96
PER_STYLE = 6
ARTISTS_PER_STYLE = 2
SECONDS = 30.0
"""About how long a piece is, without the ring of its last chord."""
TAIL_S = 2.5
_DRUMS = 1.5
"""How much louder the drums are than their levels say: they carry the energy of a piece."""
_DEGREES = ("i", "ii", "iii", "iv", "v", "vi", "vii")
_POWER_CHORDS = ("electric guitar", "muted guitar")
"""Distorted, a third would growl: these play root, fifth and octave."""


@dataclass(frozen=True)
class Piece:
    """A piece to be composed: its style, its key and tempo, its names and the seed of the rest.

    ``key`` is a pitch class (C is 0), ``mode`` 1 for major and 0 for minor, ``tempo`` in BPM.
    """

    style: Style
    tempo: int
    key: int
    mode: int
    title: str
    artist: str
    album: str
    year: int
    track: int
    seed: int

    @property
    def path(self) -> str:
        """Path within the folder: genre, artist and title."""
        name = f"{self.artist} - {self.title}.mp3"
        return f"{self.style.genre}/" + "".join(c for c in name if c not in '/\\:*?"<>|')


def plan(seed: int = SEED) -> list[Piece]:
    """Return the pieces, the styles in turn, so that the first ones are as varied as all."""
    draw = Draw(seed)
    namer = Namer(draw)
    by_style = [_plan_style(style, draw, namer, seed + 1000 * n) for n, style in enumerate(STYLES)]
    return [pieces[number] for number in range(PER_STYLE) for pieces in by_style]


def _plan_style(style: Style, draw: Draw, namer: Namer, seed: int) -> list[Piece]:
    artists = [namer.artist(style.naming) for _ in range(ARTISTS_PER_STYLE)]
    albums = [namer.album(style.naming) for _ in artists]
    years = [1972 + draw.below(52) for _ in artists]
    keys = draw.shuffled(range(12))
    low, high = style.tempo
    pieces = []
    for number in range(PER_STYLE):
        own = number % ARTISTS_PER_STYLE
        pieces.append(
            Piece(
                style,
                low + draw.below(high - low + 1),
                keys[number],
                int(draw.share() >= style.minor),
                namer.title(style.naming, artists[own]),
                artists[own],
                albums[own],
                years[own],
                1 + number // ARTISTS_PER_STYLE,
                seed + number,
            )
        )
    return pieces


@dataclass(frozen=True)
class _Bar:
    """One bar: its section, its place in the section, its chord and the next bar's root."""

    number: int
    section: str
    place: int
    chord: tuple[int, ...]
    next_root: int
    is_last_of_section: bool


def render(piece: Piece) -> Samples:
    """Compose and synthesise the piece: float32 ``(n, 2)`` at ``RATE``, equally loud as others."""
    style = piece.style
    draw = Draw(piece.seed)
    bars = _form(piece)
    step = 60.0 / piece.tempo / 4.0 * RATE
    length = int(len(bars) * style.beats * 4 * step + TAIL_S * RATE)
    dry = np.zeros((length, 2), dtype=np.float32)
    wet = np.zeros((length, 2), dtype=np.float32)
    for part in style.parts:
        track = np.zeros(length, dtype=np.float32)
        for at, sound, level in _events(piece, part, bars, step, draw):
            _add(track, at, sound, level)
        if part.sound in AMPLIFIED:
            track = amplify(track, AMPLIFIED[part.sound])
        if style.pump and part.role != "drum":
            track *= _pumping(length, 4 * step, style.pump)
        left, right = math.cos((part.pan + 1) * math.pi / 4), math.sin((part.pan + 1) * math.pi / 4)
        placed = np.stack([track * np.float32(left), track * np.float32(right)], axis=1)
        placed *= np.float32(math.sqrt(2.0) * part.level * (_DRUMS if part.role == "drum" else 1.0))
        dry += placed
        # The low end stays dry, or the room would boom.
        wet += placed * np.float32({"bass": 0.1, "drum": 0.5}.get(part.role, 1.0))
        if style.echo and part.role in ("melody", "arpeggio"):
            dry += np.float32(style.echo) * echo(placed, int(3 * step))
    mixed = dry + np.float32(style.wet) * reverberate(wet, style.room)
    if style.crackle:
        mixed += _crackle(length, style.crackle)
    return master(mixed)


def _form(piece: Piece) -> list[_Bar]:
    """Lay out the sections: two bars to begin, ``a`` and ``b`` in turn, one last chord."""
    style = piece.style
    count = max(7, round(SECONDS * piece.tempo / 60.0 / style.beats))
    body = count - 3
    quarters = 4 if body >= 14 else 2
    size = body / quarters
    sections = ["i", "i"]
    sections += ["ab"[int(number / size) % 2] for number in range(body)]
    sections.append("o")
    progressions = style.major if piece.mode else style.minor_chords
    chords: list[tuple[int, ...]] = []
    places: list[int] = []
    for number, section in enumerate(sections):
        is_first = number == 0 or sections[number - 1] != section
        places.append(0 if is_first else places[-1] + 1)
        progression: Progression = progressions[1 if section == "b" else 0]
        degree = progression[places[-1] % len(progression)]
        if section == "o":
            degree = "I" if piece.mode else "i"
        chords.append(chord_of(degree, piece.key, piece.mode))
    last = len(sections) - 1
    return [
        _Bar(
            number,
            section,
            places[number],
            chords[number],
            chords[min(number + 1, last)][0],
            number < last and sections[number + 1] != section,
        )
        for number, section in enumerate(sections)
    ]


def chord_of(degree: str, key: int, mode: int) -> tuple[int, ...]:
    """Return the semitones above C of a Roman numeral: capitals are major, 7 adds a seventh."""
    numeral = degree.rstrip("7")
    steps = MAJOR_STEPS if mode else MINOR_STEPS
    place = _DEGREES.index(numeral.lower())
    root = key + steps[place]
    chord = (root, root + (4 if numeral.isupper() else 3), root + 7)
    if not degree.endswith("7"):
        return chord
    # A dominant has the minor seventh; otherwise the seventh is the scale's own.
    seventh = 10 if numeral == "V" else (steps[(place + 6) % 7] - steps[place]) % 12
    return (*chord, root + seventh)


_Event = tuple[int, Samples, float]


def _events(
    piece: Piece, part: Part, bars: list[_Bar], step: float, draw: Draw
) -> Iterator[_Event]:
    """Yield position, sound and level of everything that a part plays."""
    player = {
        "chords": _chords,
        "arpeggio": _arpeggio,
        "bass": _bass,
        "melody": _melody,
        "drum": _drums,
    }[part.role]
    style = piece.style
    for bar, place, sound, level in player(piece, part, bars, step, draw):
        late = 2.0 * style.swing if place % 4 == 2 else 0.0
        at = ((bar.number * style.beats * 4) + place + late) * step
        at += style.loose * draw.normal() * RATE if part.role != "drum" else 0.0
        yield max(0, int(at)), sound, level * (0.88 + 0.12 * draw.share())


_Note = tuple[_Bar, int, Samples, float]


def _playing(part: Part, bars: list[_Bar]) -> Iterator[tuple[_Bar, str]]:
    """Yield the bars in which a part plays, with the pattern of each."""
    for bar in bars:
        if bar.section in part.sections:
            yield bar, part.patterns[bar.place % len(part.patterns)]


def _strength(symbol: str) -> float:
    return {"x": 1.0, "o": 0.5}.get(symbol, 0.0)


def _held(pattern: str, place: int, *, ends: str, step: float, share: float = 0.96) -> int:
    """Return for how many samples the note at a step sounds: until the next, or the bar's end."""
    later = next((n for n in range(place + 1, len(pattern)) if pattern[n] in ends), len(pattern))
    return int(share * step * (later - place))


def _chords(piece: Piece, part: Part, bars: list[_Bar], step: float, draw: Draw) -> Iterator[_Note]:
    voices: list[int] = []
    for bar, pattern in _playing(part, bars):
        voices = _voicing(part, bar.chord, voices)
        if bar.section == "o":
            pattern = "x" + "." * (len(pattern) - 1)
        level = 1.0 / math.sqrt(len(voices))
        for place, symbol in enumerate(pattern):
            strength = _strength(symbol)
            held = _held(pattern, place, ends="xo", step=step)
            for pitch in voices if strength else ():
                yield bar, place, note(part.sound, pitch, held), level * strength


def _voicing(part: Part, chord: tuple[int, ...], before: list[int]) -> list[int]:
    """Return the MIDI numbers of a chord, so placed that the voices move least."""
    floor = 12 * (part.octave + 1) - 5
    if part.sound in _POWER_CHORDS:
        root = floor + (chord[0] - floor) % 12
        return [root, root + 7, root + 12]
    close = sorted(floor + (tone - floor) % 12 for tone in chord)
    inversions = [close]
    for _ in range(len(close) - 1):
        lowest, *others = inversions[-1]
        inversions.append([*others, lowest + 12])
    if not before:
        return close
    return min(
        inversions,
        key=lambda voices: (
            sum(min(abs(voice - old) for old in before) for voice in voices)
            + 0.3 * abs(sum(voices) / len(voices) - floor - 7)
        ),
    )


def _arpeggio(
    piece: Piece, part: Part, bars: list[_Bar], step: float, draw: Draw
) -> Iterator[_Note]:
    floor = 12 * (part.octave + 1) - 5
    for bar, pattern in _playing(part, bars):
        root = floor + (bar.chord[0] - floor) % 12
        third, fifth = bar.chord[1] - bar.chord[0], 7
        ladder = (0, third, fifth, 12, 12 + third, 12 + fifth)
        if bar.section == "o":
            pattern = "024" + "." * (len(pattern) - 3)
        for place, symbol in enumerate(pattern):
            if symbol.isdigit():
                held = int(step * (len(pattern) - place if bar.section == "o" else 3.5))
                accent = 1.0 if place % 4 == 0 else 0.75
                yield bar, place, note(part.sound, root + ladder[int(symbol)], held), accent


def _bass(piece: Piece, part: Part, bars: list[_Bar], step: float, draw: Draw) -> Iterator[_Note]:
    floor = 12 * (part.octave + 1) + 4
    scale = _scale(piece, pentatonic=False)
    for bar, pattern in _playing(part, bars):
        root = floor + (bar.chord[0] - floor) % 12
        following = floor + (bar.next_root - floor) % 12
        approach = max(pitch for pitch in range(following - 3, following) if pitch % 12 in scale)
        pitches = {
            "1": root,
            "3": root + bar.chord[1] - bar.chord[0],
            "5": root + 7 if root + 7 < floor + 14 else root - 5,
            "8": root + 12,
            "a": approach,
        }
        if bar.section == "o":
            pattern = "1" + "-" * (len(pattern) - 1)
        for place, symbol in enumerate(pattern):
            if symbol in pitches:
                held = _held(pattern, place, ends="1358a.", step=step, share=0.92)
                yield bar, place, note(part.sound, pitches[symbol], held), 1.0


def _scale(piece: Piece, *, pentatonic: bool) -> set[int]:
    """Return the pitch classes that a melody may use."""
    steps: tuple[int, ...] = MAJOR_STEPS if piece.mode else MINOR_STEPS
    if pentatonic:
        steps = (0, 2, 4, 7, 9) if piece.mode else (0, 3, 5, 7, 10)
    return {(piece.key + step) % 12 for step in steps}


def _melody(piece: Piece, part: Part, bars: list[_Bar], step: float, draw: Draw) -> Iterator[_Note]:
    """Play phrases of four bars: a motif, its answer, the motif again, and a long last note."""
    centre = 12 * (part.octave + 1) + 4
    scale = _scale(piece, pentatonic=piece.style.pentatonic)
    # A motif is how far each note goes, so that it fits over every chord.
    motifs = [[draw.weighted((-2, -1, 1, 2), (1, 3, 3, 1)) for _ in range(16)] for _ in range(3)]
    pitch = centre
    for bar in bars:
        if bar.section not in part.sections:
            continue
        phrase = (0, 1, 0, 2)[bar.place % 4]
        pattern = part.patterns[phrase % len(part.patterns)]
        is_end = bar.place % 4 == 3 or bar.is_last_of_section
        if bar.section == "o" or is_end:
            pattern = "x" + "." * (len(pattern) - 1)
        motif = motifs[phrase]
        if bar.place % 4 in (0, 2):
            pitch = centre
        tones = {tone % 12 for tone in bar.chord}
        # A half step beside a note of the chord would rub.
        passing = {p for p in scale if not {(p + 1) % 12, (p - 1) % 12} & tones} | tones
        for place, symbol in enumerate(pattern):
            strength = _strength(symbol)
            if not strength:
                continue
            target = pitch + 2 * motif[place % len(motif)]
            # Back towards the middle, and onto the chord where the ear expects it.
            target += (centre - target) // 6
            allowed = tones if place % 8 == 0 or is_end or bar.section == "o" else passing
            pitch = min(
                (p for p in range(target - 7, target + 8) if p % 12 in allowed and p != pitch),
                key=lambda p: (abs(p - target), p),
            )
            held = _held(pattern, place, ends="xo", step=step)
            yield bar, place, note(part.sound, pitch, held), strength * (0.85 + 0.15 * draw.share())


def _drums(piece: Piece, part: Part, bars: list[_Bar], step: float, draw: Draw) -> Iterator[_Note]:
    for bar, pattern in _playing(part, bars):
        if bar.section == "o":
            continue
        is_fill = piece.style.fills and bar.is_last_of_section and bar.section != "i"
        for place, symbol in enumerate(pattern):
            strength = _strength(symbol)
            # The fill has the last beat for itself.
            if strength and not (is_fill and place >= len(pattern) - 4):
                yield bar, place, stroke(part.sound), strength
        if is_fill and "snare" in part.sound:
            for place, drum in enumerate(("snare", "snare", "tom", "tom"), len(pattern) - 4):
                yield bar, place, stroke(drum), 0.6 + 0.1 * (place % 4)


def _add(track: Samples, at: int, sound: Samples, level: float) -> None:
    end = min(len(track), at + len(sound))
    if at < end:
        track[at:end] += np.float32(level) * sound[: end - at]


def _pumping(length: int, beat: float, depth: float) -> Samples:
    """Return the gain of a mix that ducks under a kick on every beat."""
    seconds = (np.arange(length) % beat) / RATE
    return (1.0 - depth * np.exp(-seconds / 0.11)).astype(np.float32)


def _crackle(length: int, level: float) -> Samples:
    """Return the hiss and the scratches of an old record."""
    rng = np.random.default_rng(33)
    hiss = rng.normal(scale=0.0015, size=length)
    scratches = np.zeros(length)
    places = rng.integers(0, length, size=int(length / RATE * 9))
    scratches[places] = rng.normal(scale=0.03, size=len(places))
    noise = level * np.convolve(hiss + scratches, [0.25, 0.5, 0.25], mode="same")
    return np.repeat(noise[:, None], 2, axis=1).astype(np.float32)


def write(folder: Path, piece: Piece) -> Path:
    """Write a piece into ``folder`` as MP3 with tags; return its path. A file that exists stays."""
    import soundfile

    path = folder / piece.path
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path, suffix=path.suffix) as temporary:
            soundfile.write(temporary, render(piece), RATE, format="MP3")
            _tag(temporary, piece)
    return path


def _tag(path: Path, piece: Piece) -> None:
    """Write title, artist, album, genre, year and track; tempo and key are to be measured."""
    from mutagen import id3

    tags = id3.ID3()
    values = (piece.title, piece.artist, piece.album, piece.style.genre, piece.year, piece.track)
    kinds = (id3.TIT2, id3.TPE1, id3.TALB, id3.TCON, id3.TDRC, id3.TRCK)
    for frame, value in zip(kinds, values, strict=True):
        tags.add(frame(encoding=3, text=[str(value)]))
    tags.save(path)


def main() -> None:
    """Write all pieces into the folder named on the command line."""
    parser = argparse.ArgumentParser(
        "python -m songrec.demo.music", description="Write the 96 pieces of the demo music."
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="made if it is missing")
    folder = parser.parse_args().folder
    pieces = plan()
    for piece in pieces:
        write(folder, piece)
    print(f"{len(pieces)} pieces in {folder}.")


if __name__ == "__main__":
    main()
