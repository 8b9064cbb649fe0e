"""Chromaprint fingerprints (if fpcalc is installed), to recognise identical recordings.

A fingerprint is a row of 32-bit words, eight a second, each saying how the pitch classes' energies
change (Ke et al., "Computer Vision for Music Identification", CVPR 2005; Lalinsky's Chromaprint).
Encodings of one recording differ in few bits; different recordings in about half.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput, NotReady

Words = NDArray[np.uint32]
SECONDS = 120
"""Length of the beginning of a file that is fingerprinted."""
MOST_SHIFTED = 8
"""Greatest offset in words (one second) at which fingerprints are compared."""
FEWEST_WORDS = 32
SKETCH = 24
_LARGEST_BUCKET = 60
_PATIENCE_S = 120


def missing() -> str | None:
    """Return why fingerprints are unavailable; None if they are available."""
    if shutil.which(_program()) is None:
        return "fpcalc is not installed (Debian: apt install libchromaprint-tools)"
    return None


def fingerprint(path: Path) -> Words:
    """Compute the fingerprint of a file's first two minutes; ``BadInput`` if fpcalc cannot read it.

    Uses pyacoustid if installed. That fails whenever fpcalc exits with a status, and fpcalc 1.5
    with FFmpeg 5 exits with 3 at every end of a file: then, and without pyacoustid, fpcalc is
    called directly. Raises ``NotReady`` without fpcalc.
    """
    reason = missing()
    if reason:
        raise NotReady(f"Fingerprints are not available: {reason}.")
    path = path.resolve()
    packed = _by_pyacoustid(path)
    return unpack(packed if packed is not None else _by_fpcalc(path))


def _by_pyacoustid(path: Path) -> bytes | None:
    if importlib.util.find_spec("acoustid") is None:
        return None
    acoustid = importlib.import_module("acoustid")
    try:
        packed: bytes = acoustid.fingerprint_file(str(path), SECONDS, force_fpcalc=True)[1]
    except acoustid.FingerprintGenerationError:
        return None
    return packed


def _by_fpcalc(path: Path) -> bytes:
    command = [_program(), "-ignore-errors", "-length", str(SECONDS), str(path)]
    try:
        done = subprocess.run(  # noqa: S603 -- a whole path, never an option, and no shell
            command, capture_output=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"{path}: no fingerprint ({error}).") from None
    for line in done.stdout.splitlines():
        if line.startswith(b"FINGERPRINT="):
            return line.removeprefix(b"FINGERPRINT=")
    message = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
    raise BadInput(f"{path}: no fingerprint ({message[-1]}).")


def _program() -> str:
    return os.environ.get("FPCALC", "fpcalc")  # pyacoustid's name for it


def unpack(packed: bytes | str) -> Words:
    """Decode a fingerprint as printed by fpcalc: URL-safe base64 of Chromaprint's compression.

    A header of four bytes holds the algorithm and the number of words. Each word is the exclusive
    or with its predecessor, as distances between its set bits in three bits each; a distance of
    seven or more continues in five bits at the end. ``BadInput`` for anything else.
    """
    text = packed.encode() if isinstance(packed, str) else packed
    try:
        raw = np.frombuffer(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)), np.uint8)
    except ValueError:
        raise BadInput("Invalid fingerprint: not base64.") from None
    if len(raw) < 4:
        raise BadInput("Invalid fingerprint: too short.")
    count = int(raw[1]) << 16 | int(raw[2]) << 8 | int(raw[3])
    bits = np.unpackbits(raw[4:], bitorder="little")
    steps = _numbers(bits, 3)
    ends = np.flatnonzero(steps == 0)[:count]
    if len(ends) < count:
        raise BadInput("Invalid fingerprint: cut off.")
    steps = steps[: ends[-1] + 1 if count else 0].astype(np.int64)
    large = np.flatnonzero(steps == 7)
    start = (3 * len(steps) + 7) // 8 * 8
    more = _numbers(bits[start:], 5)
    if len(more) < len(large):
        raise BadInput("Invalid fingerprint: cut off.")
    steps[large] += more[: len(large)]
    words = np.zeros(count, dtype=np.uint32)
    before = 0
    for at, end in enumerate(ends):
        places = np.cumsum(steps[before:end]) - 1
        words[at] = np.bitwise_or.reduce(np.uint32(1) << places.astype(np.uint32), initial=0)
        before = end + 1
    return np.bitwise_xor.accumulate(words) if count else words


def _numbers(bits: NDArray[np.uint8], width: int) -> NDArray[np.int64]:
    whole = len(bits) // width
    return bits[: whole * width].reshape(whole, width) @ (1 << np.arange(width))


def similarity(one: Words, other: Words) -> float:
    """Return the share of equal bits, 0 to 1, at the best offset; 0 if the overlap is too short.

    At least nine tenths of the longer fingerprint have to overlap, so an excerpt does not match.
    """
    best = 0.0
    enough = max(FEWEST_WORDS, round(0.9 * max(len(one), len(other))))
    for shift in range(-MOST_SHIFTED, MOST_SHIFTED + 1):
        a, b = one[max(0, shift) :], other[max(0, -shift) :]
        length = min(len(a), len(b))
        if length >= enough:
            different = np.bitwise_count(a[:length] ^ b[:length]).sum(dtype=np.int64)
            best = max(best, 1 - int(different) / (32 * length))
    return best


def sketch(words: Words) -> Words | None:
    """Compute a MinHash sketch, ``(SKETCH,)``, to find candidates; None for a short fingerprint.

    The smallest word under each of ``SKETCH`` hashes (Broder 1997). Encodings of one recording
    share a third of their words or more and so almost surely agree in some hashes.
    """
    if len(words) < FEWEST_WORDS:
        return None
    multipliers = np.random.default_rng(0).integers(1, 2**32, SKETCH, dtype=np.uint64) | 1
    hashed = (np.unique(words).astype(np.uint64)[:, None] * multipliers) & np.uint64(0xFFFFFFFF)
    return hashed.min(axis=0).astype(np.uint32)


def candidates(sketches: Sequence[Words | None]) -> NDArray[np.int64]:
    """Return pairs of rows whose sketches share a value, ``(k, 2)``, first below second, each once.

    A value that very many sketches share (silence) is ignored.
    """
    empty = np.empty((0, 2), dtype=np.int64)
    rows = [(at, one) for at, one in enumerate(sketches) if one is not None]
    if len(rows) < 2:
        return empty
    named = np.array([at for at, _ in rows], dtype=np.int64)
    pairs = [empty]
    for column in np.array([one for _, one in rows]).T:
        order = np.argsort(column, kind="stable")
        starts = np.flatnonzero(np.diff(column[order], prepend=np.int64(-1)))
        sizes = np.diff(np.append(starts, len(order)))
        for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
            if size <= _LARGEST_BUCKET:
                bucket = named[np.sort(order[start : start + size])]
                first, second = np.triu_indices(int(size), 1)
                pairs.append(np.column_stack([bucket[first], bucket[second]]))
    return np.unique(np.concatenate(pairs), axis=0)
