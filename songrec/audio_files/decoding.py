"""Decoding of audio files to mono samples at one rate, streamed with bounded memory.

Call it in a child process (``isolated``): a hostile file can block a native decoder for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from songrec.audio_files.containers import Damage, JoinedFrames, frames, opened
from songrec.audio_files.excerpts import Where, choose, may_hold_silence
from songrec.audio_files.mixing import (
    BLOCK_S,
    LEAST_POWER,
    AlignedMix,
    BlockMeter,
    Blocks,
    mono,
    opposing_channels,
    samples_of,
)
from songrec.audio_files.resampling import Resampler
from songrec.audio_files.stream_length import measure, stated_length
from songrec.audio_files.truncation import is_cut_off
from songrec.core.errors import BadInput
from songrec.core.types import Audio, Floats

DECODER_VERSION = 2
"""Increase when decoding yields other samples, or accepts other files, than before."""
SAMPLE_RATE = 22_050
SECONDS = 30.0
SHORTEST_S = 0.5
LONGEST_S = 3600.0
"""Decoding without a limit of seconds stops here: 300 MiB of samples at 22,050 Hz."""
SCAN_STEP_S = 600.0
"""Step of the search for sound in a file whose first hour is silent."""
SILENCE = 1e-4
"""Peak (-80 dB relative to full scale) below which a file is silent."""
LOUDEST = 64.0
"""Largest accepted float sample, 36 dB over full scale; files beyond it are rejected."""
PREROLL_S = 1.0
"""Decoded and dropped before the excerpt, because lossy codecs depend on earlier packets."""
SHARED_S = 120.0
"""Longest excerpt decoded once for all rates; longer ones are decoded per rate to bound memory."""
CHUNK_S = 0.25
"""Frames are joined into chunks of this length before they are mixed, measured and resampled."""
LONG_CHUNK_S = 1.0
"""The same for whole files, where it does not matter that the last chunk may reach further."""


@dataclass(frozen=True)
class DecodedAudio:
    """Decoded excerpt with properties of the file.

    ``audio`` holds the start of the excerpt and the length of the file, ``metadata`` the
    container's own tags. ``notes`` describe anomalies: damaged packets, a false length, an unusual
    choice of excerpt. ``since`` is the first ``DECODER_VERSION`` with these samples.
    """

    audio: Audio
    channels: int
    source_rate: int
    codec: str
    container: str
    metadata: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    since: int = DECODER_VERSION

    @property
    def seconds(self) -> float:
        """Length of the excerpt."""
        return len(self.audio.samples) / self.audio.sample_rate


def decode(
    path: Path,
    *,
    sample_rate: int = SAMPLE_RATE,
    seconds: float | None = SECONDS,
    where: Where = "middle",
    longest_s: float = LONGEST_S,
) -> DecodedAudio:
    """Decode ``path`` once; see ``SoundFile.decode``."""
    return SoundFile(path).decode(
        sample_rate=sample_rate, seconds=seconds, where=where, longest_s=longest_s
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """Part of a file, in seconds.

    With ``skip``, packets before ``start_s`` are skipped undecoded and ``start_s`` is the sum of
    the packets' stated lengths; otherwise it is that of the decoded frames. ``position_s`` is the
    start by decoded frames, if known.
    """

    start_s: float
    seconds: float
    skip: bool = False
    position_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """Samples of a span, their start and the properties observed while decoding them."""

    samples: Floats
    start_s: float
    channels: int
    source_rate: int
    rates: frozenset[int]
    damage: Damage
    blocks: Blocks


@dataclass(frozen=True, slots=True)
class _Plan:
    """Rate-independent decoding of an excerpt: its span, and the mix if channels cancel."""

    span: _Span
    is_moved: bool = False
    opposing: tuple[Blocks, Floats] | None = None

    def mix(self) -> AlignedMix | None:
        return None if self.opposing is None else AlignedMix(*self.opposing)


class _Resampled:
    """Samples of a span resampled to one rate, up to ``seconds``."""

    def __init__(self, rate: int, seconds: float) -> None:
        self._resampler = Resampler(rate)
        self._room = round(seconds * rate)
        self._pieces: list[Floats] = []

    @property
    def is_full(self) -> bool:
        """Whether further samples would be dropped."""
        return self._room == 0

    def push(self, samples: Floats, rate: int) -> None:
        """Resample the next samples of the span."""
        if not self.is_full:
            self._keep(self._resampler.push(samples, rate))

    def finish(self) -> Floats:
        """Return all samples."""
        if not self.is_full:
            self._keep(self._resampler.finish())
        return np.concatenate(self._pieces) if self._pieces else np.empty(0, dtype=np.float32)

    def _keep(self, pieces: list[Floats]) -> None:
        for piece in pieces:
            self._pieces.append(piece[: self._room])
            self._room -= len(self._pieces[-1])


class SoundFile:
    """A sound file that is decoded at one or several rates.

    The length, the excerpt and the channel mix are determined once. Raises ``BadInput`` for a file
    that cannot be opened.

    Parameters
    ----------
    rates
        Rates of the ``decode`` calls to come: an excerpt is then decoded once and resampled to all
        of them, with the same samples as separate decoding.
    """

    def __init__(self, path: Path, rates: Sequence[int] = ()) -> None:
        self._path = path
        self._rates = rates
        self._further: dict[tuple[_Span, bool, int], _Part] = {}
        self._plans: dict[tuple[float | None, Where, float], _Plan] = {}
        self._counted_s: float | None = None
        self._is_cut_off = is_cut_off(path)
        with opened(path) as (container, stream):
            self._codec = stream.codec_context.name
            self._format = container.format.name
            self._metadata = {**container.metadata, **stream.metadata}
            self._channels = stream.codec_context.channels or 0
            self._source_rate = stream.codec_context.sample_rate or 0
            self._stated_s = stated_length(path, container, stream)
            self._stream = 1 + list(container.streams.audio).index(stream)
            self._streams = len(container.streams.audio)
            self._length = measure(container, stream)

    def decode(
        self,
        *,
        sample_rate: int = SAMPLE_RATE,
        seconds: float | None = SECONDS,
        where: Where = "middle",
        longest_s: float = LONGEST_S,
    ) -> DecodedAudio:
        """Decode to mono float32 at ``sample_rate`` Hz.

        Loudness is unchanged: channels are averaged (``mixing``), nothing is normalised. The length
        comes from decoding (``stream_length``), not from the header.

        Parameters
        ----------
        seconds
            Greatest length of the excerpt; None decodes the whole file.
        where
            Position of the excerpt. The excerpt moves if it would hold a long silence
            (``excerpts``).
        longest_s
            Greatest length of a whole file.

        Raises
        ------
        BadInput
            With the reason in one line: no audio stream, nothing decodable, silent, shorter than
            ``SHORTEST_S``, longer than ``longest_s``, non-finite samples.
        """
        plan = self._plans.get((seconds, where, longest_s))
        if plan is not None:
            key = plan.span, plan.opposing is not None, sample_rate
            resampled = self._further.pop(key, None)
            part = resampled or self._decode(plan.span, sample_rate, plan.mix())
        elif seconds is None:
            part, plan = self._decode_all(sample_rate, longest_s)
        else:
            part, plan = self._decode_excerpt(sample_rate, seconds, where)
        _check(part.samples, sample_rate)
        self._plans[seconds, where, longest_s] = plan
        is_whole = not part.start_s and len(part.samples) < round(plan.span.seconds * sample_rate)
        length = len(part.samples) / sample_rate if is_whole else self._seconds
        return DecodedAudio(
            Audio(part.samples, sample_rate, round(part.start_s, 3), round(length, 3)),
            channels=part.channels,
            source_rate=part.source_rate,
            codec=self._codec,
            container=self._format,
            metadata=self._metadata,
            notes=self._notes(part, plan, length),
            # Version 1 took the mean of the first stream's channels, whatever the excerpt held.
            since=2 if plan.is_moved or plan.opposing or self._stream > 1 else 1,
        )

    @property
    def _seconds(self) -> float:
        """Length of the file, by decoding everything if packets and timestamps are unreliable."""
        if self._counted_s is not None:
            return self._counted_s
        return self._count() if self._length.seconds is None else self._length.seconds

    def _count(self) -> float:
        """Decode everything and return the length in seconds."""
        if self._counted_s is None:
            with opened(self._path) as (container, stream):
                self._counted_s = sum(
                    frame.samples / frame.sample_rate
                    for _, _, frame in frames(container, stream, Damage())
                )
        return self._counted_s

    def _decode_all(self, rate: int, longest_s: float) -> tuple[_Part, _Plan]:
        length = self._length.seconds
        if length is None or length <= longest_s:
            plan = _Plan(_Span(0.0, longest_s))
            part = self._decode(plan.span, rate)
            if length is not None or len(part.samples) < round(longest_s * rate):
                return self._aligned(part, plan, rate)
        minutes = self._seconds / 60
        raise BadInput(f"lasts {minutes:.0f} minutes; at most {longest_s / 60:.0f} are taken")

    def _decode_excerpt(self, rate: int, seconds: float, where: Where) -> tuple[_Part, _Plan]:
        # The clock of the packets places the excerpt, although it is not exact: a better one would
        # move the excerpts of all libraries by a little, and with them every vector of features.
        length = self._length.packets_s
        if length is None:
            length = self._count()
        span = _Span(_start(where, length, seconds), seconds, skip=True)
        part = self._decode(span, rate)
        if len(part.samples) < 0.9 * rate * min(seconds, length):
            # Packets with wrong lengths or undecodable ones: count the decoded samples instead.
            length = self._count()
            span = _Span(_start(where, length, seconds), seconds)
            part = self._decode(span, rate)
        _check_values(part.samples)
        plan = _Plan(span)
        if len(part.samples) and may_hold_silence(part.blocks.powers):
            moved = self._moved(part, seconds, where)
            if moved is not None:
                plan = _Plan(moved, is_moved=True)
                part = self._decode(moved, rate)
        return self._aligned(part, plan, rate)

    def _moved(self, part: _Part, seconds: float, where: Where) -> _Span | None:
        """Return a span with sound, None to keep ``part``."""
        blocks, packet_clock = self._scan()
        chosen = choose(blocks.powers, part.blocks.powers, round(seconds / BLOCK_S), where)
        if chosen is None:
            return None
        position = float(blocks.starts_s[chosen.start])
        length = min(seconds, (chosen.stop - chosen.start) * BLOCK_S)
        if self._length.packets_s is None:
            return _Span(position, length, position_s=position)
        return _Span(float(packet_clock[chosen.start]), length, skip=True, position_s=position)

    def _scan(self) -> tuple[Blocks, Floats]:
        """Measure the first hour of the file, and further steps as long as all of it is silent.

        Returns the blocks, without covariances, and their starts on the packets' clock.
        """
        meter, until = BlockMeter(covariances=False), LONGEST_S
        decoded_s: list[float] = []
        packets_s: list[float] = []
        with opened(self._path) as (container, stream):
            for at, packet_at, frame in frames(container, stream, Damage()):
                if at > until:
                    if meter.loudest > LEAST_POWER:
                        break
                    until += SCAN_STEP_S
                decoded_s.append(at)
                packets_s.append(packet_at)
                values, full_scale, _ = samples_of(frame)
                meter.add(at, values, full_scale, frame.sample_rate)
            else:
                self._counted_s = at + frame.samples / frame.sample_rate if decoded_s else 0.0
        blocks = meter.finish()
        return blocks, np.interp(blocks.starts_s, decoded_s, packets_s)

    def _aligned(self, part: _Part, plan: _Plan, rate: int) -> tuple[_Part, _Plan]:
        """Decode the span again with aligned channels if its channels cancel each other."""
        signs = opposing_channels(part.blocks)
        if signs is None:
            return part, plan
        mix = AlignedMix(part.blocks, signs)
        aligned = self._decode(plan.span, rate, mix)
        if mix.explained_by_delay:
            return part, plan
        return aligned, replace(plan, opposing=(part.blocks, signs))

    def _decode(self, span: _Span, rate: int, mix: AlignedMix | None = None) -> _Part:
        """Decode a span, with the mean of the channels or with ``mix``, and measure its blocks."""
        damage, rates = Damage(), set()
        joined = JoinedFrames()
        chunk_s = CHUNK_S if span.seconds <= SHARED_S else LONG_CHUNK_S
        collected: list[Floats] = []
        shared = self._rates if span.seconds <= SHARED_S else ()
        samples = {each: _Resampled(each, span.seconds) for each in dict.fromkeys((rate, *shared))}
        meter = BlockMeter()
        start_s, relative_s = None, 0.0
        channels, source_rate = self._channels, self._source_rate

        def collect(drop: int = 0) -> None:
            nonlocal relative_s
            frame = joined.take()
            if frame is None:
                return
            values, full_scale, precision = samples_of(frame)
            values = values[:, drop:]
            if mix is not None:
                collected.append(mix.mono(relative_s, values, full_scale, frame.sample_rate))
            else:
                if not samples[rate].is_full:
                    meter.add(relative_s, values, full_scale, frame.sample_rate)
                collected.append(mono(values, full_scale, precision))
            relative_s += values.shape[1] / frame.sample_rate

        def resample(source_rate: int) -> None:
            collect()
            if collected:
                chunk = np.concatenate(collected)
                for one in samples.values():
                    one.push(chunk, source_rate)
                collected.clear()

        with opened(self._path) as (container, stream):
            skip_s = max(0.0, span.start_s - PREROLL_S) if span.skip else 0.0
            pending, pending_rate = 0.0, 0
            for at, _, frame in frames(container, stream, damage, skip_s=skip_s):
                frame_rate = frame.sample_rate
                drop = max(0, round((span.start_s - at) * frame_rate))
                if drop >= frame.samples:
                    continue
                if start_s is None:
                    start_s = self._position(span, at, frame, drop, skipped=skip_s > 0)
                    channels, source_rate = len(frame.layout.channels), frame_rate
                rates.add(frame_rate)
                if frame_rate != pending_rate:
                    resample(pending_rate)
                    pending, pending_rate = 0.0, frame_rate
                if not joined.add(frame):
                    collect()
                    joined.add(frame)
                if drop or mix is not None:
                    # The polarity of channels may change from frame to frame.
                    collect(drop)
                pending += (frame.samples - drop) / frame_rate
                if pending >= chunk_s:
                    resample(frame_rate)
                    pending = 0.0
                    if all(one.is_full for one in samples.values()):
                        break
            resample(pending_rate)
        part = _Part(
            samples.pop(rate).finish(),
            start_s or 0.0,
            channels,
            source_rate,
            frozenset(rates),
            damage,
            meter.finish(),
        )
        for each, one in samples.items():
            further = replace(part, samples=one.finish())
            self._further[span, mix is not None, each] = further
        return part

    def _position(self, span: _Span, at: float, frame: Any, drop: int, *, skipped: bool) -> float:
        """Return where the first sample of a span lies in the file, in seconds."""
        if not skipped:
            return max(at, span.start_s)
        if self._length.origin_s is not None and frame.pts is not None:
            stamp = float(frame.pts * frame.time_base) - self._length.origin_s
            return max(0.0, stamp + drop / frame.sample_rate)
        return max(at, span.start_s) if span.position_s is None else span.position_s

    def _notes(self, part: _Part, plan: _Plan, length: float) -> tuple[str, ...]:
        """Describe anomalies of the file and unusual choices of excerpt and mix."""
        notes = []
        damage = part.damage
        if damage.broken:
            notes.append(
                f"{damage.broken:,} of {damage.packets:,} packets could not be decoded "
                "and are left out"
            )
        if damage.stopped:
            notes.append(f"cannot be read beyond {length:,.1f} s ({damage.stopped})")
        if differs_from_statement(self._stated_s, length):
            notes.append(f"claims {self._stated_s:,.1f} s and holds {length:,.1f} s")
        elif self._is_cut_off:
            notes.append("seems to be cut off: its end is missing")
        if len(part.rates) > 1:
            rates = ", ".join(f"{rate:,}" for rate in sorted(part.rates))
            notes.append(f"its sample rate changes on the way: {rates} Hz")
        if self._streams > 1:
            notes.append(f"holds {self._streams} audio streams; number {self._stream} is used")
        if plan.is_moved:
            notes.append(
                f"is silent for long: analysed from {part.start_s:,.1f} s, where it sounds"
            )
        if plan.opposing is not None:
            notes.append("its channels cancel each other: they are mixed with aligned polarity")
        return tuple(notes)


def differs_from_statement(stated_s: float | None, length: float) -> bool:
    """Return whether a file holds noticeably more or less (seconds) than its header states."""
    return bool(stated_s) and abs(stated_s - length) > max(0.25, 0.005 * length)


def _start(where: Where, length: float, seconds: float) -> float:
    return max(0.0, (length - seconds) / 2) if where == "middle" else 0.0


def _check(samples: Floats, rate: int) -> None:
    if not len(samples):
        raise BadInput("holds no sound that can be decoded")
    _check_values(samples)
    if len(samples) < SHORTEST_S * rate:
        count = "one sample" if len(samples) == 1 else f"{len(samples) / rate:.3g} s"
        raise BadInput(f"is too short: {count}; at least {SHORTEST_S:g} s are needed")
    if _peak(samples) < SILENCE:
        raise BadInput("is silent")


def _check_values(samples: Floats) -> None:
    if not np.isfinite(samples).all():
        raise BadInput("holds non-finite samples")
    peak = _peak(samples)
    if peak > LOUDEST:
        raise BadInput(f"holds samples {20 * np.log10(peak):.0f} dB over full scale")


def _peak(samples: Floats) -> float:
    return float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))
