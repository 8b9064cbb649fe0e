"""Small files whose tags unpack to gigabytes, made on the spot."""

from __future__ import annotations

import struct
import zlib

_STEP = 2**24


def zeros_compressed(gibibytes: float) -> bytes:
    """Return a zlib stream of this many GiB of zeros (1 MB a GiB) without compressing them all."""
    count = round(gibibytes * 2**30 / _STEP)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    step = compressor.compress(bytes(_STEP)) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = (count * _STEP % 65521) << 16 | 1
    return b"\x78\xda" + step * count + compressor.flush() + struct.pack(">I", checksum)


def id3_bomb(gibibytes: float, frame: bytes = b"TIT2") -> bytes:
    """Return an ID3v2.4 tag with one compressed frame of this many GiB of zeros."""
    packed = zeros_compressed(gibibytes)
    body = frame + _synchsafe(len(packed) + 4) + b"\0\x09" + _synchsafe(2**27) + packed
    return b"ID3\x04\0\0" + _synchsafe(len(body)) + body


def _synchsafe(number: int) -> bytes:
    return bytes((number >> shift) & 127 for shift in (21, 14, 7, 0))
