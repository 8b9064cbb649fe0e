"""Instruments and drums of the demo music, synthesised from sines and noise.

Each note is rendered once, as long as it rings, and cut to its length when it is played.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from songrec.demo.clips_sounds import RATE, Samples

HIGHEST_HZ = 9_000.0
"""Partials above this are left out: they would be harsh."""


@dataclass(frozen=True)
class Instrument:
    """A pitched instrument, by its partials and its envelope; times in seconds.

    Parameters
    ----------
    partials, fall, odd
        Number of partials, the exponent by which they get weaker, whether only odd ones sound.
    attack, ring, release
        Time to full strength, to lose 60 dB (0: held as long as the note) and after the end.
    dull
        How much sooner each higher partial fades.
    stretch
        Inharmonicity of a string.
    vibrato, voices
        Depth in semitones; copies that are out of tune by ``spread`` cents, as in an ensemble.
    noise, breath
        The click of a hammer or a finger at the beginning, and air for as long as it sounds.
    drive
        Strength of the distortion.
    fm
        Ratio, index and decay of a frequency modulation that takes the place of the partials.
    """

    partials: int = 10
    fall: float = 1.3
    odd: bool = False
    attack: float = 0.004
    ring: float = 0.0
    release: float = 0.08
    dull: float = 0.0
    stretch: float = 0.0
    vibrato: float = 0.0
    voices: int = 1
    spread: float = 9.0
    noise: float = 0.0
    breath: float = 0.0
    drive: float = 0.0
    fm: tuple[float, float, float] | None = None


INSTRUMENTS: dict[str, Instrument] = {
    "piano": Instrument(12, 1.35, attack=0.003, ring=4.0, release=0.18, dull=0.45,
                        stretch=0.0003, voices=2, spread=1.5, noise=0.06),
    "felt piano": Instrument(7, 1.9, attack=0.008, ring=3.5, release=0.25, dull=0.7,
                             stretch=0.0002, noise=0.1),
    "electric piano": Instrument(attack=0.003, ring=3.0, release=0.2, fm=(1.0, 1.1, 0.5)),
    "clavinet": Instrument(16, 0.9, attack=0.001, ring=0.9, release=0.03, dull=0.15, noise=0.05),
    "nylon guitar": Instrument(9, 1.4, attack=0.002, ring=2.0, release=0.2, dull=0.6, noise=0.05),
    "steel guitar": Instrument(16, 1.05, attack=0.002, ring=2.6, release=0.15, dull=0.4,
                               stretch=0.0001, noise=0.05),
    "lap steel": Instrument(9, 1.3, attack=0.05, ring=4.0, release=0.15, vibrato=0.12),
    "electric guitar": Instrument(12, 1.1, attack=0.004, ring=5.0, release=0.04, dull=0.15,
                                  voices=2, spread=6.0),
    "muted guitar": Instrument(12, 1.1, attack=0.002, ring=0.35, release=0.02, dull=0.3),
    "lead guitar": Instrument(14, 1.0, attack=0.01, ring=0.0, release=0.08, vibrato=0.18),
    "organ": Instrument(6, 0.8, attack=0.008, release=0.04, vibrato=0.08, voices=2, spread=4.0),
    "strings": Instrument(12, 1.25, attack=0.09, release=0.25, vibrato=0.08, voices=3),
    "violin": Instrument(12, 1.15, attack=0.06, release=0.12, vibrato=0.18, breath=0.01),
    "flute": Instrument(4, 2.0, attack=0.05, release=0.09, vibrato=0.14, breath=0.05),
    "clarinet": Instrument(7, 1.25, odd=True, attack=0.03, release=0.07, breath=0.01),
    "muted trumpet": Instrument(14, 0.85, attack=0.025, release=0.06, vibrato=0.08),
    "brass": Instrument(10, 1.1, attack=0.03, release=0.08, voices=2, spread=7.0),
    "vibraphone": Instrument(attack=0.002, ring=3.0, release=0.4, fm=(4.0, 0.5, 0.15)),
    "bell": Instrument(attack=0.002, ring=4.5, release=0.8, fm=(3.5, 1.2, 0.9)),
    "pad": Instrument(9, 1.6, attack=0.6, release=1.2, voices=3, spread=11.0),
    "warm pad": Instrument(5, 1.9, attack=0.35, release=0.8, voices=3, spread=8.0),
    "choir": Instrument(6, 1.5, attack=0.25, release=0.6, vibrato=0.12, voices=3, breath=0.012),
    "saw stab": Instrument(16, 1.0, attack=0.003, ring=0.8, release=0.06, dull=0.25, voices=2),
    "saw lead": Instrument(14, 1.1, attack=0.01, release=0.1, vibrato=0.1, voices=2, spread=8.0),
    "square": Instrument(9, 1.0, odd=True, attack=0.003, ring=0.7, release=0.04, dull=0.1),
    "pluck": Instrument(10, 1.2, attack=0.002, ring=0.9, release=0.1, dull=0.5, voices=2),
    "soft lead": Instrument(5, 1.7, attack=0.03, release=0.12, vibrato=0.12),
    "double bass": Instrument(6, 1.5, attack=0.008, ring=1.8, release=0.08, dull=0.5, noise=0.06),
    "finger bass": Instrument(7, 1.45, attack=0.005, ring=2.2, release=0.05, dull=0.4, noise=0.03),
    "pick bass": Instrument(10, 1.2, attack=0.003, ring=2.2, release=0.04, dull=0.35, drive=1.2),
    "slap bass": Instrument(12, 1.05, attack=0.001, ring=1.0, release=0.03, dull=0.3, noise=0.1),
    "sub bass": Instrument(3, 2.2, attack=0.01, release=0.06),
    "synth bass": Instrument(12, 1.1, attack=0.003, ring=0.9, release=0.04, dull=0.35),
}  # fmt: skip

AMPLIFIED = {"electric guitar": 7.0, "muted guitar": 9.0, "lead guitar": 5.0}
"""Instruments that play through an overdriven amplifier, with its gain: a chord distorts as one."""
_HELD_S = 6.0


@lru_cache(maxsize=160)
def tone(name: str, pitch: int) -> Samples:
    """Render MIDI note ``pitch`` for as long as it rings, or six seconds; its peak is 1."""
    sound = INSTRUMENTS[name]
    seconds = min(sound.ring, 4.5) if sound.ring else _HELD_S
    t = np.arange(int(seconds * RATE), dtype=np.float32) / np.float32(RATE)
    hertz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    # Each note draws its own noise and phases, the same ones every time.
    rng = np.random.default_rng([pitch, *name.encode()])
    wave = np.zeros(len(t), dtype=np.float32)
    for number in range(sound.voices):
        cents = sound.spread * (number - (sound.voices - 1) / 2.0)
        wave += _voice(sound, t, hertz * 2.0 ** (cents / 1200.0), rng)
    if sound.drive:
        wave = np.tanh(sound.drive * wave / np.abs(wave).max())
    if sound.ring:
        # The lowest notes ring longest, as on every string.
        wave *= np.exp(-6.9 * t / (sound.ring * 2.0 ** ((55 - pitch) / 36.0)))
    if sound.noise:
        wave += _click(sound.noise * float(np.abs(wave).max()), len(t), rng)
    if sound.breath:
        air = _band(rng.normal(size=len(t)), hertz, min(4.0 * hertz, 0.45 * RATE))
        wave += sound.breath * float(np.abs(wave).max()) * air
    rise = np.clip(t / sound.attack, 0.0, 1.0)
    wave *= 0.5 - 0.5 * np.cos(np.pi * rise)
    wave /= np.float32(max(float(np.abs(wave).max()), 1e-9))
    wave = wave.astype(np.float32)
    wave.setflags(write=False)
    return wave


def _voice(sound: Instrument, t: Samples, hertz: float, rng: np.random.Generator) -> Samples:
    phase = 2.0 * np.pi * hertz * t.astype(np.float64)
    if sound.vibrato:
        depth = sound.vibrato * hertz * np.log(2.0) / 12.0
        # It sets in late, as players do.
        onset = np.clip((t - 0.15) / 0.35, 0.0, 1.0)
        phase += depth / 5.3 * onset * (1.0 - np.cos(2.0 * np.pi * 5.3 * t))
    if sound.fm is not None:
        ratio, index, decay = sound.fm
        inner = index * np.exp(-t / decay) * np.sin(ratio * phase)
        return np.sin(phase + inner).astype(np.float32)
    wave = np.zeros(len(t), dtype=np.float32)
    for number in range(1, sound.partials + 1):
        order = 2 * number - 1 if sound.odd else number
        factor = order * np.sqrt(1.0 + sound.stretch * order**2)
        if hertz * factor > HIGHEST_HZ:
            break
        part = np.sin((factor * phase + rng.uniform(0.0, 2.0 * np.pi)).astype(np.float32))
        part *= np.float32(order**-sound.fall)
        if sound.ring and sound.dull and number > 1:
            part *= np.exp(-6.9 * sound.dull * (number - 1) * t / sound.ring)
        wave += part
    return wave


def _click(level: float, length: int, rng: np.random.Generator) -> Samples:
    t = np.arange(length) / RATE
    return (level * _band(rng.normal(size=length), 800.0, 5_000.0) * np.exp(-t / 0.008)).astype(
        np.float32
    )


def _band(noise: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return noise between two frequencies, with a standard deviation of 1."""
    from scipy.signal import butter, sosfilt

    filtered = sosfilt(butter(2, [low, high], "bandpass", fs=RATE, output="sos"), noise)
    return filtered / max(float(filtered.std()), 1e-9)


def note(name: str, pitch: int, length: int) -> Samples:
    """Return MIDI note ``pitch`` held for ``length`` samples and released."""
    sound, full = INSTRUMENTS[name], tone(name, pitch)
    release = int(sound.release * RATE)
    total = min(len(full), length + release)
    wave = full[:total].copy()
    fade = min(release, total)
    wave[total - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32) ** 2
    return wave


DRUMS: dict[str, float] = {
    "kick": 1.0, "deep kick": 1.0, "hard kick": 1.0, "snare": 0.75, "big snare": 0.8,
    "brush": 0.35, "rim": 0.4, "clap": 0.6, "hat": 0.22, "open hat": 0.28, "ride": 0.26,
    "crash": 0.35, "shaker": 0.22, "tambourine": 0.25, "tom": 0.7, "conga": 0.5,
}  # fmt: skip
"""The drums with their levels in a mix."""


@lru_cache(maxsize=64)
def stroke(drum: str) -> Samples:
    """Render one stroke of a drum at its level."""
    rng = np.random.default_rng([11, *drum.encode()])
    t = np.arange(int(1.2 * RATE)) / RATE
    noise = rng.normal(size=len(t))
    match drum:
        case "kick":
            wave = _drop(t, 48.0, 110.0, 32.0) * np.exp(-t / 0.13)
            wave += 0.08 * _band(noise, 1_500.0, 4_000.0) * np.exp(-t / 0.004)
        case "deep kick":
            wave = _drop(t, 44.0, 70.0, 22.0) * np.exp(-t / 0.22)
        case "hard kick":
            wave = np.tanh(2.0 * _drop(t, 50.0, 190.0, 42.0) * np.exp(-t / 0.14))
            wave += 0.12 * _band(noise, 2_000.0, 6_000.0) * np.exp(-t / 0.003)
        case "snare":
            wave = 0.8 * _drop(t, 178.0, 60.0, 40.0) * np.exp(-t / 0.06)
            wave += 0.35 * _band(noise, 1_200.0, 9_000.0) * np.exp(-t / 0.09)
        case "big snare":
            wave = 0.8 * _drop(t, 165.0, 70.0, 35.0) * np.exp(-t / 0.08)
            wave += 0.4 * _band(noise, 700.0, 8_000.0) * np.minimum(1.0, np.exp(-(t - 0.16) / 0.03))
        case "brush":
            wave = _band(noise, 1_500.0, 7_000.0) * np.minimum(1.0, t / 0.02) * np.exp(-t / 0.1)
        case "rim":
            wave = np.sin(2.0 * np.pi * 1_650.0 * t) * np.exp(-t / 0.012)
            wave += 0.5 * np.sin(2.0 * np.pi * 520.0 * t) * np.exp(-t / 0.02)
        case "clap":
            bursts = sum(np.exp(-np.abs(t - lag) / 0.005) * (t >= lag) for lag in (0, 0.011, 0.022))
            wave = _band(noise, 900.0, 5_000.0) * (bursts + 0.6 * np.exp(-t / 0.09))
        case "hat":
            wave = _band(noise, 6_500.0, 13_000.0) * np.exp(-t / 0.022)
        case "open hat":
            wave = _band(noise, 6_000.0, 13_000.0) * np.exp(-t / 0.12)
        case "ride":
            ring = sum(np.sin(2.0 * np.pi * hertz * t) for hertz in (3_170, 4_230, 5_810, 7_390))
            wave = (0.12 * ring + 0.35 * _band(noise, 5_000.0, 12_000.0)) * np.exp(-t / 0.3)
        case "crash":
            wave = _band(noise, 3_000.0, 13_000.0) * np.exp(-t / 0.4)
        case "tom":
            wave = _drop(t, 98.0, 40.0, 18.0) * np.exp(-t / 0.2)
        case "conga":
            wave = _drop(t, 205.0, 30.0, 30.0) * np.exp(-t / 0.12)
            wave += 0.06 * _band(noise, 800.0, 3_000.0) * np.exp(-t / 0.01)
        case "tambourine":
            wave = _band(noise, 7_000.0, 14_000.0) * (np.exp(-t / 0.02) + 0.3 * np.exp(-t / 0.12))
        case _:  # a shaker
            wave = _band(noise, 5_000.0, 12_000.0) * np.minimum(1.0, t / 0.015) * np.exp(-t / 0.035)
    end = np.flatnonzero(np.abs(wave) > 1e-3 * np.abs(wave).max())[-1] + 1
    sound = (DRUMS[drum] * wave[:end] / np.abs(wave).max()).astype(np.float32)
    sound[-min(200, end) :] *= np.linspace(1.0, 0.0, min(200, end), dtype=np.float32)
    sound.setflags(write=False)
    return sound


def _drop(t: np.ndarray, hertz: float, above: float, speed: float) -> np.ndarray:
    """Return a sine that falls from ``hertz + above`` to ``hertz``: the skin of a drum."""
    return np.sin(2.0 * np.pi * (hertz * t + above / speed * (1.0 - np.exp(-speed * t))))
