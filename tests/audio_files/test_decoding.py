"""Decoding: known samples in, known samples out, and a reason for what cannot be used."""

from __future__ import annotations

import resource
import struct
from pathlib import Path

import numpy as np
import pytest

from songrec.audio_files.decoding import SHORTEST_S, decode
from songrec.audio_files.resampling import Resampler
from songrec.core.errors import BadInput
from songrec.core.isolation import IsolatedProcess, Limits
from tests.audio_files.sounds import tone, write, write_wav

LAME = 0.95
"""LAME itself makes what it encodes at 128 kbit/s this much quieter."""


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))


def frequency(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / rate)[spectrum.argmax()])


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_loudness_and_pitch_are_kept_at_every_rate_and_width(
    tmp_path: Path, rate: int, width: int
) -> None:
    path = write_wav(tmp_path / "a.wav", tone(2.0, rate), rate, width)
    decoded = decode(path)
    middle = decoded.audio.samples[2205:-2205]
    assert rms(middle) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)
    assert frequency(middle, 22_050) == pytest.approx(440, abs=1)
    assert decoded.audio.duration_s == pytest.approx(2.0, abs=0.01)
    assert (decoded.source_rate, decoded.channels) == (rate, 1)


@pytest.mark.parametrize(
    ("name", "codec", "layout", "channels"),
    [
        ("a.flac", "flac", "stereo", 2),
        ("a.mp3", "libmp3lame", "stereo", 2),
        ("a.ogg", "vorbis", "stereo", 2),
        ("a.opus", "libopus", "stereo", 2),
        ("a.m4a", "aac", "stereo", 2),
        ("a.flac", "flac", "5.1", 6),
        ("a.wav", "pcm_f32le", "5.1", 6),
    ],
)
def test_equal_channels_are_as_loud_as_one_of_them_in_every_format(
    tmp_path: Path, name: str, codec: str, layout: str, channels: int
) -> None:
    planes = np.tile(tone(3.0, 48_000), (channels, 1))
    path = write(tmp_path / name, planes, 48_000, codec, layout=layout)
    decoded = decode(path)
    level = 0.5 / np.sqrt(2) * (LAME if codec == "libmp3lame" else 1)
    assert rms(decoded.audio.samples[6000:-6000]) == pytest.approx(level, rel=0.01)
    assert decoded.channels == channels
    assert decoded.seconds == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("channels", range(1, 9))
def test_one_to_eight_channels_are_read(tmp_path: Path, channels: int) -> None:
    path = write_wav(tmp_path / "a.wav", np.tile(tone(1.0)[:, None], channels))
    decoded = decode(path)
    assert decoded.channels == channels
    np.testing.assert_allclose(decoded.audio.samples, tone(1.0), atol=1e-4)


def test_samples_at_the_wanted_rate_are_not_touched(tmp_path: Path) -> None:
    samples = tone(1.0)
    path = write(tmp_path / "a.wav", samples, 22_050, "pcm_f32le")
    np.testing.assert_array_equal(decode(path).audio.samples, samples)


def test_channels_are_averaged(tmp_path: Path) -> None:
    both = np.stack([tone(1.0), np.zeros(22_050, np.float32)])
    path = write(tmp_path / "a.wav", both, 22_050, "pcm_f32le", layout="stereo")
    np.testing.assert_allclose(decode(path).audio.samples, both[0] / 2, atol=1e-6)


class TestExcerpt:
    """At most so many seconds, from the middle or the start, and the answer says which."""

    @pytest.fixture(params=["a.wav pcm_s16le", "a.mp3 libmp3lame", "a.flac flac"])
    def rising(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        """60 s at 22,050 Hz whose level in each second says which second it is."""
        level = np.repeat(np.arange(1, 61) / 100, 22_050)
        name, codec = request.param.split()
        level = level / LAME if codec == "libmp3lame" else level
        samples = (tone(60.0, level=1.0) * level).astype(np.float32)
        return write(tmp_path / name, samples, 22_050, codec)

    def test_the_middle_is_taken(self, rising: Path) -> None:
        decoded = decode(rising, seconds=10)
        assert decoded.audio.start_s == pytest.approx(25, abs=0.1)
        assert len(decoded.audio.samples) == 10 * 22_050
        assert decoded.audio.duration_s == pytest.approx(60, abs=0.1)
        for second in range(1, 9):  # the 26th second has level 0.26
            part = decoded.audio.samples[second * 22_050 + 4000 : (second + 1) * 22_050 - 4000]
            assert rms(part) * np.sqrt(2) == pytest.approx((26 + second) / 100, abs=0.005)

    def test_the_start_is_taken_when_asked(self, rising: Path) -> None:
        decoded = decode(rising, seconds=3.5, where="start")
        assert decoded.audio.start_s == 0
        assert len(decoded.audio.samples) == round(3.5 * 22_050)
        part = decoded.audio.samples[26_000:40_000]
        assert rms(part) * np.sqrt(2) == pytest.approx(0.02, abs=0.005)

    def test_everything_is_taken_when_asked_and_too_much_refused(self, rising: Path) -> None:
        assert decode(rising, seconds=None).seconds == pytest.approx(60, abs=0.1)
        with pytest.raises(BadInput, match="lasts 1 minutes; at most 0"):
            decode(rising, seconds=None, longest_s=20)


class TestAwkward:
    """Files that lie, and files that are none."""

    def test_a_claim_of_ten_hours_is_not_believed(self, tmp_path: Path) -> None:
        path = write_wav(tmp_path / "a.wav", tone(40.0))
        data = bytearray(path.read_bytes())
        claimed = 10 * 3600 * 22_050 * 2
        at = data.index(b"data")
        data[at + 4 : at + 8] = struct.pack("<I", claimed)
        data[4:8] = struct.pack("<I", claimed + 36)
        path.write_bytes(data)
        decoded = decode(path)
        assert decoded.audio.duration_s == pytest.approx(40, abs=0.1)
        assert decoded.audio.start_s == pytest.approx(5, abs=0.1)

    def test_an_mp3_that_claims_ten_hours_is_measured_by_its_packets(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.mp3", tone(8.0, 44_100), 44_100, "libmp3lame")
        data = bytearray(path.read_bytes())
        at = max(data.find(b"Xing"), data.find(b"Info"))
        assert at > 0
        frames = 10 * 3600 * 44_100 // 1152
        data[at + 8 : at + 12] = struct.pack(">I", frames)
        path.write_bytes(data)
        decoded = decode(path)
        assert decoded.audio.duration_s == pytest.approx(8, abs=0.2)
        assert any("claims 36,000" in note for note in decoded.notes)

    def test_a_truncated_file_gives_what_is_left_of_it(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.flac", tone(10.0), 22_050, "flac")
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        decoded = decode(path)
        assert 3 < decoded.audio.duration_s < 6
        assert decoded.notes

    def test_damage_in_the_middle_is_left_out_and_told(self, tmp_path: Path) -> None:
        noise = np.random.default_rng(1).normal(0, 0.1, 10 * 22_050).astype(np.float32)
        path = write(tmp_path / "a.flac", noise, 22_050, "flac")
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 20_000] = bytes(20_000)
        path.write_bytes(data)
        decoded = decode(path)
        assert decoded.seconds > 5
        assert np.isfinite(decoded.audio.samples).all()
        assert decoded.notes

    def test_a_rate_that_changes_on_the_way_is_followed(self, tmp_path: Path) -> None:
        decoded = decode(self.two_rates(tmp_path, "a.mp3", "libmp3lame"))
        assert any("sample rate changes on the way: 22,050, 44,100 Hz" in n for n in decoded.notes)
        assert decoded.seconds == pytest.approx(8, abs=0.2)
        for second in (1, 6):
            part = decoded.audio.samples[second * 22_050 : (second + 1) * 22_050]
            assert frequency(part, 22_050) == pytest.approx(440, abs=2)

    def test_a_chain_that_cannot_be_followed_is_told(self, tmp_path: Path) -> None:
        # FFmpeg does not read on where a chained Ogg file changes its rate.
        decoded = decode(self.two_rates(tmp_path, "a.ogg", "vorbis"))
        assert decoded.seconds == pytest.approx(4, abs=0.1)
        assert any("cannot be read beyond 4.0 s" in note for note in decoded.notes)

    @staticmethod
    def two_rates(folder: Path, name: str, codec: str) -> Path:
        """One file: four seconds at 44,100 Hz, then four at 22,050 Hz."""
        parts = [
            write(
                folder / f"{rate}-{name}",
                np.tile(tone(4.0, rate), (2, 1)),
                rate,
                codec,
                layout="stereo",
            ).read_bytes()
            for rate in (44_100, 22_050)
        ]
        path = folder / name
        path.write_bytes(b"".join(parts))
        return path

    def test_a_wrong_extension_does_not_matter(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.wav", tone(2.0, 44_100), 44_100, "libmp3lame", container="mp3")
        assert decode(path).codec.startswith("mp3")

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("a.mp3", b"", "is empty"),
            ("a.mp3", b"These are words and no sound. " * 50, "not a readable audio file"),
            ("a.wav", b"RIFF\0\0\0\0WAVE", "not a readable audio file"),
            ("a.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a readable audio file"),
            ("a.mp3", b"ffconcat version 1.0\nfile /etc/passwd\n", "not a readable audio file"),
        ],
    )
    def test_what_is_no_sound_is_refused(
        self, tmp_path: Path, name: str, content: bytes, reason: str
    ) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(BadInput, match=reason) as caught:
            decode(path)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("samples", "reason"),
        [
            (np.zeros(44_100), "is silent"),
            (np.zeros(1) + 0.5, "one sample"),
            (tone(SHORTEST_S / 2), "too short: 0.25 s"),
        ],
    )
    def test_what_cannot_be_heard_is_refused(
        self, tmp_path: Path, samples: np.ndarray, reason: str
    ) -> None:
        with pytest.raises(BadInput, match=reason):
            decode(write_wav(tmp_path / "a.wav", samples))

    @pytest.mark.parametrize(
        ("value", "reason"), [(np.nan, "non-finite"), (np.inf, "non-finite"), (1e6, "120 dB over")]
    )
    def test_floats_that_are_no_sound_are_refused(
        self, tmp_path: Path, value: float, reason: str
    ) -> None:
        samples = tone(1.0)
        samples[5000] = value
        with pytest.raises(BadInput, match=reason):
            decode(write(tmp_path / "a.wav", samples, 22_050, "pcm_f32le"))

    def test_what_cannot_be_opened_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="No such file"):
            decode(tmp_path / "gone.wav")
        with pytest.raises(BadInput, match="is not a file"):
            decode(tmp_path)


@pytest.mark.parametrize(
    ("rate", "channels", "reason"),
    [
        (384_001, 1, "has 384,001 samples a second; at most 384,000 are read"),
        (2_000_000_000, 2, "has 2,000,000,000 samples a second; at most 384,000 are read"),
        (48_000, 17, "has 17 channels; at most 16 are read"),
        (48_000, 64, "has 64 channels; at most 16 are read"),
    ],
)
def test_formats_beyond_all_recordings_are_refused(
    tmp_path: Path, rate: int, channels: int, reason: str
) -> None:
    path = write_wav(tmp_path / "a.wav", np.ones((3000, 2)) / 2)
    data = bytearray(path.read_bytes())
    data[22:28] = channels.to_bytes(2, "little") + rate.to_bytes(4, "little")
    data[32:34] = (2 * channels).to_bytes(2, "little")
    path.write_bytes(data)
    with pytest.raises(BadInput, match=f"^{reason}$"):
        decode(path)


@pytest.mark.parametrize(("rate", "channels"), [(384_000, 1), (48_000, 16)])
def test_the_highest_formats_are_decoded(tmp_path: Path, rate: int, channels: int) -> None:
    samples = np.repeat(tone(1.0, rate)[:, None], channels, axis=1)
    decoded = decode(write_wav(tmp_path / "a.wav", samples, rate))
    assert (decoded.source_rate, decoded.channels) == (rate, channels)
    assert decoded.seconds == pytest.approx(1.0, abs=0.01)


def test_resampled_pieces_hold_no_more_memory_than_their_samples() -> None:
    """Between FFmpeg's buffers they would take five times as much; measured in a new process."""
    with IsolatedProcess() as process:
        grown = process.call(
            memory_of_resampling, 1000, limits=Limits(seconds=120.0, memory_bytes=2**30)
        )
    kept = 1000 * 2000 * 4
    assert grown < 2 * kept


def memory_of_resampling(n_chunks: int) -> int:
    """Resample chunks of 11,025 samples to 2,000 and return the memory that keeping them takes."""
    resampler, chunk, kept = Resampler(8_000), tone(0.25, 44_100), []
    for _ in range(10):
        resampler.push(chunk, 44_100)
    before = _resident_bytes()
    for _ in range(n_chunks):
        kept += resampler.push(chunk, 44_100)
    return _resident_bytes() - before


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
