"""Synthesised instruments from sines and noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
RATE = 32_000
"""Samples a second of the demo's clips."""


@dataclass(frozen=True)
class Timbre:
    """A pitched instrument: amplitudes of its partials and the envelope of a note (seconds).

    ``fall`` is the exponent of the partials' amplitudes, ``odd`` keeps only the odd ones,
    ``fade`` the time to lose 60 dB (0: it is held), ``dull`` how much sooner the high partials
    fade, ``stretch`` how far strings are off the harmonic series, ``vibrato`` in semitones.
    """

    partials: int
    fall: float
    rise: float = 0.005
    fade: float = 0.0
    release: float = 0.05
    odd: bool = False
    dull: float = 0.0
    stretch: float = 0.0
    vibrato: float = 0.0
    drive: float = 0.0


TIMBRES: dict[str, Timbre] = {
    "piano": Timbre(10, 1.3, 0.003, 2.5, 0.12, dull=0.5, stretch=0.0002),
    "electric piano": Timbre(5, 1.8, 0.004, 2.0, 0.15, dull=0.6),
    "acoustic guitar": Timbre(14, 1.1, 0.002, 1.4, 0.15, dull=0.6, stretch=0.0001),
    "electric guitar": Timbre(16, 1.0, 0.004, 3.0, 0.03, dull=0.2, drive=2.5),
    "steel guitar": Timbre(12, 1.2, 0.02, 3.0, 0.1, vibrato=0.15),
    "organ": Timbre(8, 0.9, 0.006, 0.0, 0.03),
    "saw stab": Timbre(18, 1.0, 0.004, 0.9, 0.05, dull=0.4),
    "square": Timbre(12, 1.0, 0.003, 0.5, 0.03, odd=True),
    "pad": Timbre(8, 1.5, 0.25, 0.0, 0.6),
    "strings": Timbre(12, 1.2, 0.05, 0.0, 0.1, vibrato=0.1),
    "bell": Timbre(5, 1.4, 0.002, 2.0, 0.3, odd=True),
    "voice": Timbre(7, 1.6, 0.03, 0.0, 0.08, vibrato=0.15),
    "clarinet": Timbre(9, 1.3, 0.02, 0.0, 0.05, odd=True),
    "brass": Timbre(12, 1.0, 0.025, 0.0, 0.05),
    "pluck bass": Timbre(6, 1.5, 0.004, 1.5, 0.05, dull=0.5),
    "pick bass": Timbre(10, 1.2, 0.003, 1.5, 0.04, dull=0.4),
    "sub bass": Timbre(3, 2.0, 0.006, 0.0, 0.06),
    "saw bass": Timbre(14, 1.1, 0.004, 0.8, 0.03, dull=0.4),
    "double bass": Timbre(7, 1.5, 0.008, 1.6, 0.08, dull=0.5),
}


@lru_cache(maxsize=4096)
def note(timbre: str, pitch: int, length: int) -> Samples:
    """Synthesise MIDI note ``pitch`` held for ``length`` samples, then released; peak about 1."""
    sound = TIMBRES[timbre]
    total = length + int(sound.release * RATE)
    t = np.arange(total) / RATE
    hertz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    phase = 2.0 * np.pi * hertz * t
    if sound.vibrato:
        depth = sound.vibrato * hertz * np.log(2.0) / 12.0
        phase += depth / 5.5 * (1.0 - np.cos(2.0 * np.pi * 5.5 * t)) * np.minimum(1.0, t / 0.3)
    wave = np.zeros(total)
    for number in range(1, sound.partials + 1):
        order = 2 * number - 1 if sound.odd else number
        if hertz * order > 0.45 * RATE:
            break
        off = np.sqrt(1.0 + sound.stretch * order**2)
        part = np.sin(phase * order * off + number) / order**sound.fall
        if sound.fade:
            part *= np.exp(-6.9 * t * (1.0 + sound.dull * (order - 1)) / sound.fade)
        wave += part
    if sound.drive:
        wave = np.tanh(sound.drive * wave)
    shape = np.minimum(1.0, t / sound.rise)
    shape *= np.clip((total - np.arange(total)) / max(1.0, sound.release * RATE), 0.0, 1.0)
    wave *= shape
    tone = (wave / max(float(np.abs(wave).max()), 1e-9)).astype(np.float32)
    tone.setflags(write=False)
    return tone


@lru_cache(maxsize=64)
def stroke(drum: str) -> Samples:
    """Synthesise one stroke of a drum, peak 1."""
    # Each drum draws its own noise, the same one every time.
    noise = np.random.default_rng([7, *drum.encode()]).normal(size=RATE)
    t = np.arange(RATE) / RATE
    bright = np.diff(noise, prepend=0.0)
    match drum:
        case "kick":
            sweep = 50.0 * t + 90.0 / 30.0 * (1.0 - np.exp(-30.0 * t))
            wave = np.sin(2.0 * np.pi * sweep) * np.exp(-t / 0.11) + 0.15 * noise * np.exp(
                -t / 0.003
            )
        case "snare":
            body = np.sin(2.0 * np.pi * 185.0 * t) * np.exp(-t / 0.05)
            wave = 0.6 * body + 0.5 * noise * np.exp(-t / 0.07)
        case "clap":
            bursts = sum(np.exp(-np.abs(t - lag) / 0.006) * (t >= lag) for lag in (0, 0.01, 0.02))
            wave = noise * (bursts + 0.5 * np.exp(-t / 0.08))
        case "hat" | "pedal hat":
            wave = bright * np.exp(-t / 0.02)
        case "open hat":
            wave = bright * np.exp(-t / 0.09)
        case "ride":
            ring = sum(np.sin(2.0 * np.pi * hertz * t) for hertz in (3170, 4230, 5810, 7390))
            wave = (0.15 * ring + 0.4 * bright) * np.exp(-t / 0.25)
        case "crash":
            wave = bright * np.exp(-t / 0.45)
        case _:  # a shaker
            wave = bright * np.minimum(1.0, t / 0.012) * np.exp(-t / 0.03)
    sound = (wave / np.abs(wave).max()).astype(np.float32)
    sound.setflags(write=False)
    return sound


DRUM_LEVELS: dict[str, float] = {
    "kick": 1.0,
    "snare": 0.7,
    "clap": 0.55,
    "hat": 0.22,
    "pedal hat": 0.2,
    "open hat": 0.28,
    "ride": 0.25,
    "crash": 0.35,
    "shaker": 0.25,
}
