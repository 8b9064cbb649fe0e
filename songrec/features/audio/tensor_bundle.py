"""Reading TensorFlow checkpoints (tensor bundles) without TensorFlow.

TensorFlow takes seconds and some 400 MB in each process that imports it, a checkpoint of 10 MB does
not need it. ``<prefix>.index`` is a sorted table as LevelDB's (blocks of keys that share prefixes,
and a footer), whose values are ``BundleEntryProto`` messages: type, shape, offset and size of a
tensor in ``<prefix>.data-00000-of-00001``.

References
----------
tensorflow/core/util/tensor_bundle, tensorflow/core/protobuf/tensor_bundle.proto; LevelDB's
doc/table_format.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from songrec.core.types import Floats

FOOTER_BYTES = 48
MAGIC = bytes.fromhex("57fb808b247547db")
FLOAT32 = 1
UNCOMPRESSED = 0
VARINT, LENGTH = 0, 2
"""Wire types of a message's fields; the others have a fixed width."""
FIXED_BYTES = {1: 8, 5: 4}


def read_float_tensors(prefix: Path) -> dict[str, Floats]:
    """Read the float32 tensors of the checkpoint ``prefix``, by name.

    Raises ``ValueError`` or ``IndexError`` for files that are no checkpoint or are cut off, and
    ``OSError`` where they cannot be read.
    """
    table = Path(f"{prefix}.index").read_bytes()
    data = Path(f"{prefix}.data-00000-of-00001").read_bytes()
    if table[-len(MAGIC) :] != MAGIC:
        raise ValueError("no table of tensors")
    footer = len(table) - FOOTER_BYTES
    _, place = _handle(table, footer)
    index, _ = _handle(table, place)
    tensors = {}
    for _, handle in _entries(table, *index):
        for key, entry in _entries(table, *_handle(handle, 0)[0]):
            if key and (tensor := _tensor(entry, data)) is not None:
                tensors[key.decode()] = tensor
    return tensors


def _tensor(entry: bytes, data: bytes) -> Floats | None:
    """Read the tensor that a ``BundleEntryProto`` describes; None for other types."""
    fields = dict(_fields(entry))
    if fields.get(1) != FLOAT32:
        return None
    shape = []
    for number, dimension in _fields(_as_bytes(fields.get(2, b""))):
        if number == 2:
            shape.append(int(dict(_fields(_as_bytes(dimension))).get(1, 0)))
    offset, size = int(fields.get(4, 0)), int(fields.get(5, 0))
    if len(data) < offset + size:
        raise ValueError("the tensors are cut off")
    return np.frombuffer(data, "<f4", size // 4, offset).reshape(shape)


def _entries(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of the block at ``offset``."""
    block = table[offset : offset + size]
    if table[offset + size] != UNCOMPRESSED:
        raise ValueError("a compressed table of tensors")
    restarts = int.from_bytes(block[-4:], "little")
    end, at, key = size - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = _varint(block, at)
        unshared, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + unshared]
        at += unshared
        yield key, block[at : at + length]
        at += length


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Read where a block is (offset, size); also returns where the handle ends."""
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the numbers and values of a message's fields."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        length = FIXED_BYTES.get(kind)
        if length is None:
            if kind != LENGTH:
                raise ValueError("a damaged entry of a tensor")
            length, at = _varint(message, at)
        yield key >> 3, message[at : at + length]
        at += length


def _as_bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a damaged entry of a tensor")
    return value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
