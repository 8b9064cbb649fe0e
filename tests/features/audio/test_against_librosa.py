"""Each value that librosa defines is the value that librosa gives when called plainly."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from scipy import ndimage
from scipy.signal import resample_poly

from songrec.features.audio import filterbanks, mfcc, rhythm, spectral, tonal, vibenet
from songrec.features.audio.stft import Frames
from songrec.features.extraction import extract_all, make_extractors
from tests.features.audio.sounds import RATE, audio, clicks, mixture, tone

REAL = Path(os.environ.get("SONGREC_REAL_DATA") or Path(__file__).parents[4] / "shared" / "data")
CLIPS = sorted((REAL / "audio" / "clips").glob("*.ogg"))[::13]

MADE: dict[str, Callable[[], np.ndarray]] = {
    "mixture": mixture,
    "tone then silence": lambda: np.concatenate([tone(330.0, 2.0), np.zeros(RATE, np.float32)]),
    "clicks": lambda: clicks(97.0, 4.0),
    "detuned": lambda: tone(440.0 * 2 ** (0.3 / 12), 2.0),
    "shorter than a window": lambda: tone(500.0, 0.5)[:1500],
}


def _load(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    shared = math.gcd(rate, RATE)
    mono = resample_poly(samples.mean(axis=1), RATE // shared, rate // shared)
    return mono.astype(np.float32)


@pytest.fixture(
    scope="module",
    params=[
        *MADE,
        *(pytest.param(path, id=path.stem[:40], marks=pytest.mark.realdata) for path in CLIPS),
        *(
            []
            if CLIPS
            else [pytest.param(None, marks=pytest.mark.skip("no clips in SONGREC_REAL_DATA"))]
        ),
    ],
)
def samples(request: pytest.FixtureRequest) -> np.ndarray:
    if isinstance(request.param, str):
        # Without a little noise, what lies between the partials is rounding, not sound.
        found = MADE[request.param]()
        found = found + np.random.default_rng(5).normal(0.0, 1e-4, len(found)).astype(np.float32)
    else:
        found = _load(request.param)
    found.setflags(write=False)
    return found


pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning")


@pytest.fixture(scope="module")
def frames(samples: np.ndarray) -> Frames:
    return Frames(audio(samples))


def _agree(ours: np.ndarray, theirs: np.ndarray, tolerance: float, share: float = 1.0) -> None:
    """Within ``tolerance`` of the values' range, in ``share`` of all places."""
    theirs = np.asarray(theirs, dtype=np.float64)
    assert ours.shape == theirs.shape
    assert np.isfinite(ours).all(), "ours"
    assert np.isfinite(theirs).all(), "theirs"
    scale = max(float(np.abs(theirs).max()), 1e-9)
    near = np.abs(ours - theirs) <= tolerance * scale
    assert near.mean() >= share, f"{near.mean():.4f} agree; worst {np.abs(ours - theirs).max()}"


def test_the_spectrum_is_librosas(samples, frames) -> None:
    _agree(frames.magnitudes(0, frames.count).T, np.abs(librosa.stft(samples)), 1e-5)


def test_the_mel_bands_are_librosas(samples, frames) -> None:
    _agree(frames.mel(128).T, librosa.feature.melspectrogram(y=samples, sr=RATE), 1e-4)
    theirs = librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=RATE, n_mels=96))
    _agree(frames.log_mel(96).T, theirs, 1e-3)


def test_the_coefficients_and_their_differences_are_librosas(samples, frames) -> None:
    ours = mfcc.coefficients(frames, 13, 128)
    theirs = librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=13)
    _agree(ours.T, theirs, 1e-3)
    if frames.count >= 9:
        _agree(mfcc.delta(ours, 1).T, librosa.feature.delta(theirs), 1e-3)
        _agree(mfcc.delta(ours, 2).T, librosa.feature.delta(theirs, order=2), 1e-3)


@pytest.mark.parametrize(
    ("column", "call"),
    [
        (0, lambda y: librosa.feature.spectral_centroid(y=y, sr=RATE)),
        (1, lambda y: librosa.feature.spectral_bandwidth(y=y, sr=RATE)),
        (2, lambda y: librosa.feature.spectral_rolloff(y=y, sr=RATE, roll_percent=0.85)),
        (3, lambda y: librosa.feature.spectral_flatness(y=y)),
    ],
    ids=spectral.SHAPE[:4],
)
def test_the_shape_of_the_spectrum_is_librosas(samples, frames, column, call) -> None:
    # A roll-off may fall into the next bin where the sum meets the share within rounding.
    _agree(spectral.shape(frames)[:, column], call(samples)[0], 1e-4, share=0.995)


def test_the_contrast_is_librosas(samples, frames) -> None:
    theirs = librosa.feature.spectral_contrast(y=samples, sr=RATE)
    _agree(spectral.contrast(frames).T, theirs, 1e-4)


def test_level_and_zero_crossings_are_librosas(samples, frames) -> None:
    ours = spectral.level(frames)
    _agree(ours[:, 0], librosa.feature.rms(y=samples)[0], 1e-5)
    _agree(ours[:, 1], librosa.feature.zero_crossing_rate(samples)[0], 1e-6)


def test_the_chroma_and_their_tuning_are_librosas(samples, frames) -> None:
    power = np.abs(librosa.stft(samples)) ** 2
    tuning = tonal.tuning(frames)
    assert tuning == pytest.approx(librosa.estimate_tuning(S=power, sr=RATE), abs=1e-9)
    _agree(tonal.chroma(frames, tuning).T, librosa.feature.chroma_stft(y=samples, sr=RATE), 1e-3)


def test_the_harmonic_and_percussive_parts_are_librosas(samples, frames) -> None:
    harmonic, percussive = _separated(np.abs(librosa.stft(samples)))
    ours = spectral.harmonic_percussive(frames)
    _agree(ours[0], (harmonic**2).sum(axis=0), 1e-4)
    _agree(ours[1], (percussive**2).sum(axis=0), 1e-4)


def _separated(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What ``librosa.decompose.hpss`` answers, and what it means to for a few frames.

    With fewer frames than half its window, SciPy's ``median_filter(mode="reflect")`` reads memory
    beyond the signal: the medians are then taken by hand.
    """
    reach = 15
    if spectra.shape[1] > reach:
        return librosa.decompose.hpss(spectra)
    edged = np.pad(spectra, reach, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(edged, 2 * reach + 1, axis=1)
    over_time = np.median(windows[reach:-reach], axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(edged, 2 * reach + 1, axis=0)
    over_bins = np.median(windows[:, reach:-reach], axis=-1)
    mask = librosa.util.softmask(over_time, over_bins, power=2.0, split_zeros=True)
    return spectra * mask, spectra * (1.0 - mask)


def test_the_onset_strength_is_librosas(samples, frames) -> None:
    theirs = librosa.onset.onset_strength(y=samples, sr=RATE)
    _agree(rhythm.onset_envelope(frames), theirs, 1e-3)


@pytest.mark.parametrize(("rate", "n_fft", "n_mels"), [(22_050, 2048, 128), (16_000, 512, 96)])
def test_the_filter_banks_are_librosas(rate, n_fft, n_mels) -> None:
    theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels)
    _agree(filterbanks.mel_filters(rate, n_fft, n_mels), theirs, 1e-5)
    for tuning in (0.0, -0.37):
        _agree(
            filterbanks.chroma_filters(rate, n_fft, tuning),
            librosa.filters.chroma(sr=rate, n_fft=n_fft, tuning=tuning),
            1e-5,
        )


def test_the_fast_median_is_the_plain_one() -> None:
    rows = np.abs(np.random.default_rng(3).normal(size=(40, 200))).astype(np.float32)
    edged = np.pad(rows, ((0, 0), (15, 15)), mode="symmetric")
    ours = spectral._running_median(edged)[:, 15:-15]
    np.testing.assert_array_equal(ours, ndimage.median_filter(rows, size=(1, 31), mode="reflect"))


def test_the_vector_sums_up_what_librosa_gives() -> None:
    sound = mixture()
    found = extract_all(audio(sound), make_extractors(["mfcc", "statistical"]))
    names = make_extractors(["statistical"])["statistical"].names()
    centroid = librosa.feature.spectral_centroid(y=sound, sr=RATE)
    at = names.index("spectral_centroid_mean")
    theirs = [
        centroid.mean(),
        centroid.std(),
        centroid.min(),
        centroid.max(),
        *np.percentile(centroid, (50, 25, 75)),
    ]
    np.testing.assert_allclose(found["statistical"][at : at + 7], theirs, rtol=1e-4)
    coefficients = librosa.feature.mfcc(y=sound, sr=RATE, n_mfcc=13)
    np.testing.assert_allclose(found["mfcc"][:1], coefficients[0].mean(), rtol=1e-4)
    np.testing.assert_allclose(
        found["mfcc"][-1],
        np.percentile(librosa.feature.delta(coefficients, order=2)[12], 75),
        rtol=1e-3,
    )


def test_the_spectrogram_of_vibenet_is_that_of_its_parameters() -> None:
    sound = audio(mixture()[: 2 * RATE])
    n_fft, window, rate = vibenet.N_FFT, vibenet.WINDOW, vibenet.SAMPLE_RATE
    # librosa centres a short window in its frame; the network's are padded behind it.
    padded = np.pad(vibenet.at_rate(sound, rate), (n_fft - window) // 2)
    mel = librosa.feature.melspectrogram(
        y=padded,
        sr=rate,
        n_fft=n_fft,
        win_length=window,
        hop_length=vibenet.HOP,
        center=False,
        n_mels=vibenet.BANDS,
        fmin=0.0,
        fmax=8000.0,
    )
    expected = librosa.power_to_db(mel, ref=1.0, top_db=80.0)
    np.testing.assert_allclose(vibenet.log_mel(sound), expected, atol=2e-3)
