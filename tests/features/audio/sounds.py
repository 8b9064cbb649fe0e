"""Made signals whose properties are known."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Audio

RATE = 22_050


def audio(samples: np.ndarray, rate: int = RATE) -> Audio:
    return Audio(np.asarray(samples, dtype=np.float32), rate, 0.0, len(samples) / rate)


def tone(hertz: float, seconds: float = 3.0, partials: int = 8, rate: int = RATE) -> np.ndarray:
    """A harmonic tone whose partials fall as 1/k."""
    t = np.arange(int(seconds * rate)) / rate
    kept = [k for k in range(1, partials + 1) if k * hertz < 0.45 * rate]
    wave = sum(np.sin(2 * np.pi * k * hertz * t + k) / k for k in kept)
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


def sine(hertz: float, seconds: float = 3.0, level: float = 0.5, rate: int = RATE) -> np.ndarray:
    t = np.arange(int(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def clicks(bpm: float, seconds: float = 12.0, rate: int = RATE) -> np.ndarray:
    """A short burst of noise on each beat."""
    rng = np.random.default_rng(0)
    samples = np.zeros(int(seconds * rate), dtype=np.float32)
    burst = rng.normal(size=800) * np.exp(-np.arange(800) / 150.0)
    for beat in np.arange(0.1, seconds - 0.1, 60.0 / bpm):
        at = int(beat * rate)
        samples[at : at + 800] += 0.3 * burst[: len(samples) - at]
    return samples


def mixture(seconds: float = 6.0) -> np.ndarray:
    """Tones that begin and end, over noise and clicks: something of everything."""
    rng = np.random.default_rng(1)
    samples = clicks(100.0, seconds) + 0.01 * rng.normal(size=int(seconds * RATE))
    for step, hertz in enumerate((220.0, 277.2, 329.6, 440.0, 554.4, 659.3)):
        part = tone(hertz, 1.0)
        fade = np.minimum(1.0, np.arange(len(part)) / 500.0) * np.linspace(1.0, 0.1, len(part))
        begin = int(step * RATE * seconds / 6.0)
        samples[begin : begin + len(part)] += (part * fade)[: len(samples) - begin]
    return samples.astype(np.float32)
