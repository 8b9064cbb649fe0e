"""Sixty synthesised clips of twelve seconds with known tempo, key, chords and instruments.

``python -m songrec.demo.clips FOLDER`` writes them, style by style, as FLAC and WAV with tags, and
``clips.csv`` beside them: tempo, key, mode, metre, chords, bass, drums, timbre of each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songrec.core.csv_output import CsvDictWriter
from songrec.core.files import atomic_file
from songrec.demo.clips_sounds import DRUM_LEVELS, RATE, Samples, note, stroke
from songrec.demo.clips_styles import MAJOR_STEPS, MINOR_STEPS, STYLES, Style
from songrec.demo.draw import Draw
from songrec.demo.naming import Namer

SECONDS = 12.0
PER_STYLE = 5
SEED = 20
_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
_DEGREES = ("i", "ii", "iii", "iv", "v", "vi", "vii")


@dataclass(frozen=True)
class Clip:
    """A clip to be synthesised: its known answers, names and seed.

    ``key`` is a pitch class (C is 0), ``mode`` 1 for major and 0 for minor, ``tempo`` in BPM;
    ``chords`` are semitones above C, one tuple per bar, repeated.
    """

    style: Style
    tempo: int
    key: int
    mode: int
    degrees: tuple[str, ...]
    chords: tuple[tuple[int, ...], ...]
    title: str
    artist: str
    album: str
    year: int
    track: int
    seed: int

    @property
    def chord_names(self) -> str:
        """``"C Am F G"``."""
        return " ".join(
            _NAMES[chord[0] % 12]
            + ("m" if chord[1] - chord[0] == 3 else "")
            + ("7" if len(chord) > 3 else "")
            for chord in self.chords
        )

    @property
    def path(self) -> str:
        """Path within the folder; every third clip is a WAV file."""
        ending = "wav" if self.seed % 3 == 0 else "flac"
        name = f"{self.artist} - {self.title}.{ending}"
        return f"{self.style.genre}/" + "".join(c for c in name if c not in '/\\:*?"<>|')


def plan(seed: int = SEED, per_style: int = PER_STYLE) -> list[Clip]:
    """Return ``per_style`` clips of each style; all 24 keys are used before one repeats."""
    draw = Draw(seed)
    namer = Namer(draw)
    left: dict[int, list[int]] = {0: [], 1: []}
    clips = []
    for style in STYLES:
        artists = [namer.artist(style.naming) for _ in range(2)]
        albums = [namer.album(style.naming) for _ in range(2)]
        years = [1968 + draw.below(56) for _ in range(2)]
        for number in range(per_style):
            mode = int(draw.share() >= style.minor)
            left[mode] = left[mode] or draw.shuffled(range(12))
            key = left[mode].pop()
            degrees = draw.pick(style.major_chords if mode else style.minor_chords)
            low, high = style.tempo
            clips.append(
                Clip(
                    style,
                    low + draw.below(high - low + 1),
                    key,
                    mode,
                    degrees,
                    tuple(_chord(degree, key, mode) for degree in degrees),
                    namer.title(style.naming, artists[number % 2]),
                    artists[number % 2],
                    albums[number % 2],
                    years[number % 2],
                    1 + number // 2,
                    1000 * seed + len(clips),
                )
            )
    return clips


def _chord(degree: str, key: int, mode: int) -> tuple[int, ...]:
    """Return the semitones above C of a Roman numeral (capitals: major; 7: the scale's seventh)."""
    numeral = degree.rstrip("7")
    steps = MAJOR_STEPS if mode else MINOR_STEPS
    place = _DEGREES.index(numeral.lower())
    root = key + steps[place]
    third = 4 if numeral.isupper() else 3
    chord = (root, root + third, root + 7)
    if not degree.endswith("7"):
        return chord
    # A dominant has the minor seventh; otherwise the seventh is the scale's own.
    seventh = 10 if numeral == "V" else (steps[(place + 6) % 7] - steps[place]) % 12
    return (*chord, root + seventh)


def render(clip: Clip) -> Samples:
    """Synthesise the clip: mono float32 at ``RATE``, with the loudness of its style."""
    style = clip.style
    draw = Draw(clip.seed)
    parts = [np.zeros(int(SECONDS * RATE), dtype=np.float32) for _ in style.levels]
    chords, bass, drums, lead = parts
    melody = _Melody(clip, draw)
    for bar, step, at, length in _steps(clip):
        chord = clip.chords[bar % len(clip.chords)]
        for drum, pattern in style.drums.items():
            level = _strength(pattern, step) * DRUM_LEVELS[drum] * (0.9 + 0.2 * draw.share())
            _add(drums, at, stroke(drum), level)
        strength = _strength(style.comp, step)
        if strength:
            held = int(0.95 * length * _until_next(style.comp, step, "xo"))
            for pitch in _voicing(style, chord, step):
                _add(chords, at, note(style.chord, pitch, held), 0.35 * strength)
        degree = style.bass_line[step]
        if degree.isdigit():
            held = int(0.95 * length * _until_next(style.bass_line, step, "1358."))
            pitch = 36 + (chord[0] - 4) % 12 + 4 + _above(chord, degree)
            _add(bass, at, note(style.bass, pitch, held), 0.8)
        strength = _strength(style.lead_rhythm, step)
        if style.lead and strength:
            held = int(0.9 * length * _until_next(style.lead_rhythm, step, "xo"))
            pitch = melody.next(chord, strong=step % 4 == 0)
            _add(lead, at, note(style.lead, pitch, held), 0.7 * strength)
    mixed = sum(level * part for level, part in zip(style.levels, parts, strict=True))
    return _master(mixed, style.decibels)


def _steps(clip: Clip) -> Iterator[tuple[int, int, int, float]]:
    """Yield bar, sixteenth, first sample and length in samples of every step in the clip."""
    length = 60.0 / clip.tempo / 4.0 * RATE
    steps = 4 * clip.style.beats
    for number in range(int(SECONDS * RATE / length)):
        late = clip.style.swing * 2.0 * length if number % 4 == 2 else 0.0
        yield number // steps, number % steps, int(number * length + late), length


def _strength(pattern: str, step: int) -> float:
    return {"x": 1.0, "o": 0.45}.get(pattern[step], 0.0)


def _until_next(pattern: str, step: int, ends: str) -> int:
    """Return the number of steps until the next note, or to the end of the bar."""
    for later in range(step + 1, len(pattern)):
        if pattern[later] in ends:
            return later - step
    return len(pattern) - step


def _above(chord: tuple[int, ...], degree: str) -> int:
    return {"1": 0, "3": chord[1] - chord[0], "5": 7, "8": 12}[degree]


def _voicing(style: Style, chord: tuple[int, ...], step: int) -> list[int]:
    """Return MIDI numbers within the octave from F up, so that voices move little."""
    floor = 12 * (style.octave + 1) - 7
    pitches = sorted(floor + (part - floor) % 12 for part in chord)
    if style.chord == "electric guitar":
        root = floor + (chord[0] - floor) % 12
        return [root, root + chord[1] - chord[0], root + 7, root + 12]
    if style.broken:
        return [(*pitches, pitches[1] + 12)[(step // 2) % (len(pitches) + 1)]]
    return pitches


class _Melody:
    """A melody that wanders through the scale and rests on chord tones."""

    def __init__(self, clip: Clip, draw: Draw) -> None:
        steps = MAJOR_STEPS if clip.mode else MINOR_STEPS
        self._scale = [(clip.key + step) % 12 for step in steps]
        self._draw = draw
        self._at = 72 + (clip.key - 72) % 12

    def next(self, chord: tuple[int, ...], *, strong: bool) -> int:
        """Return the next MIDI number: a chord tone on the beat, else a near scale tone."""
        # Over a major dominant in minor the leading note replaces the seventh.
        tones = {part % 12 for part in chord}
        scale = [pitch for pitch in self._scale if (pitch + 1) % 12 not in tones or pitch in tones]
        allowed = tones if strong else {*scale, *tones}
        near = [
            pitch
            for pitch in range(self._at - 5, self._at + 6)
            if pitch % 12 in allowed and 64 <= pitch <= 86
        ]
        weights = [1.0 / (1.0 + abs(pitch - self._at)) for pitch in near]
        self._at = self._draw.weighted(near, weights) if near else 72 + chord[0] % 12
        return self._at


def _add(track: Samples, at: int, sound: Samples, level: float) -> None:
    if level > 0 and at < len(track):
        end = min(len(track), at + len(sound))
        track[at:end] += level * sound[: end - at]


def _master(mixed: Samples, decibels: float) -> Samples:
    """Set the loudness, limit peaks softly and fade both ends."""
    level = float(np.sqrt(np.mean(np.square(mixed))))
    mixed = mixed * (10.0 ** (decibels / 20.0) / max(level, 1e-9))
    mixed = np.where(
        np.abs(mixed) > 0.7,
        np.sign(mixed) * (0.7 + 0.28 * np.tanh((np.abs(mixed) - 0.7) / 0.28)),
        mixed,
    )
    fade = np.linspace(0.0, 1.0, RATE // 20, dtype=np.float32)
    mixed[-len(fade) :] *= fade[::-1]
    return mixed.astype(np.float32)


COLUMNS = (
    "clip",
    "track",
    "excerpt",
    "title",
    "artist",
    "album",
    "genre",
    "year",
    "style",
    "tempo",
    "key",
    "mode",
    "beats_per_bar",
    "chords",
    "bass",
    "drums",
    "timbre",
    "lead",
    "seconds",
)


def metadata(clip: Clip) -> dict[str, str | int | float]:
    """Return the clip's row of ``clips.csv``."""
    values = (
        clip.path,
        Path(clip.path).stem,
        "a",
        clip.title,
        clip.artist,
        clip.album,
        clip.style.genre,
        clip.year,
        clip.style.name,
        clip.tempo,
        clip.key,
        clip.mode,
        clip.style.beats,
        clip.chord_names,
        clip.style.bass,
        " ".join(clip.style.drums),
        clip.style.chord,
        clip.style.lead or "",
        SECONDS,
    )
    return dict(zip(COLUMNS, values, strict=True))


def write(folder: Path, clips: list[Clip] | None = None) -> list[Path]:
    """Write ``clips`` (default: all) and ``clips.csv`` into ``folder``; return the audio paths.

    Existing audio files are kept: the same seed gives the same sound.
    """
    import soundfile

    clips = plan() if clips is None else clips
    paths = []
    for clip in clips:
        path = folder / clip.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            kind = path.suffix[1:].upper()
            with atomic_file(path, suffix=path.suffix) as temporary:
                soundfile.write(temporary, render(clip), RATE, format=kind, subtype="PCM_16")
                _tag(temporary, clip, kind)
        paths.append(path)
    with (folder / "clips.csv").open("w", encoding="utf-8", newline="") as file:
        rows = CsvDictWriter(file, COLUMNS)
        rows.writeheader()
        rows.writerows(metadata(clip) for clip in clips)
    return paths


def _tag(path: Path, clip: Clip, kind: str) -> None:
    """Write title, artist, album, genre, year and track; tempo and key are to be measured."""
    from mutagen import flac, id3, wave

    if kind == "FLAC":
        tagged = flac.FLAC(path)
        tagged.update(
            title=clip.title,
            artist=clip.artist,
            album=clip.album,
            genre=clip.style.genre,
            date=str(clip.year),
            tracknumber=str(clip.track),
        )
        tagged.save()
        return
    sound = wave.WAVE(path)
    sound.add_tags()
    values = (
        clip.title,
        clip.artist,
        clip.album,
        clip.style.genre,
        str(clip.year),
        str(clip.track),
    )
    kinds = (id3.TIT2, id3.TPE1, id3.TALB, id3.TCON, id3.TDRC, id3.TRCK)
    for frame, value in zip(kinds, values, strict=True):
        sound.tags.add(frame(encoding=3, text=[value]))
    sound.save()


def main() -> None:
    """Write the clips into the folder named on the command line."""
    parser = argparse.ArgumentParser(
        "python -m songrec.demo.clips",
        description="Write 60 clips with known tempo, key and chords.",
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="made if it is missing")
    folder = parser.parse_args().folder
    print(f"{len(write(folder))} clips in {folder}; what is known about them is in clips.csv.")


if __name__ == "__main__":
    main()
