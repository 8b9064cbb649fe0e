"""Tags at the end of a file, read tolerantly and as bytes: APEv2 and ID3v1.

MP3, AAC and other files may have them where mutagen only looks for ID3v2, and mutagen drops a whole
APEv2 tag for one damaged item or for text that is not UTF-8.
"""

from __future__ import annotations

import struct
from pathlib import Path

ID3V1_BYTES = 128
_APE_HEADER = struct.Struct("<8sIIII8x")
_MOST_ITEMS = 1_000
_LARGEST_APE = 32 * 2**20
_TEXT = 0


def read_ape(path: Path) -> dict[str, list[bytes]]:
    """Read an APEv2 tag at the end of a file: values by key in lower case; empty without one.

    A picture is one value: description, null byte, data. Reading stops at a damaged item.
    """
    try:
        with path.open("rb") as file:
            length = file.seek(0, 2)
            for end in (length, length - ID3V1_BYTES):
                if end < _APE_HEADER.size:
                    continue
                file.seek(end - _APE_HEADER.size)
                magic, _, size, n_items, _ = _APE_HEADER.unpack(file.read(_APE_HEADER.size))
                if magic == b"APETAGEX" and _APE_HEADER.size <= size <= min(end, _LARGEST_APE):
                    file.seek(end - size)
                    return _items(file.read(size - _APE_HEADER.size), min(n_items, _MOST_ITEMS))
    except OSError:
        pass  # the decoder reports what cannot be read
    return {}


def _items(data: bytes, n_items: int) -> dict[str, list[bytes]]:
    items: dict[str, list[bytes]] = {}
    at = 0
    for _ in range(n_items):
        key_end = data.find(b"\0", at + 8)
        if key_end < 0:
            break
        size, flags = struct.unpack_from("<II", data, at)
        key = data[at + 8 : key_end].decode("latin-1").lower()
        at = key_end + 1 + size
        if at > len(data):
            break
        value = data[key_end + 1 : at]
        is_text = (flags >> 1) & 3 == _TEXT
        items.setdefault(key, []).extend(value.split(b"\0") if is_text else [value])
    return items


def read_id3v1(path: Path) -> dict[str, list[bytes]]:
    """Read an ID3v1 tag: values by the names of ID3v2's frames in lower case; empty without one."""
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) < ID3V1_BYTES:
                return {}
            file.seek(-ID3V1_BYTES, 2)
            data = file.read(ID3V1_BYTES)
    except OSError:
        return {}
    if not data.startswith(b"TAG"):
        return {}
    title, artist, album, year, comment = struct.unpack("30s30s30s4s30s", data[3:127])
    fields = {"tit2": title, "tpe1": artist, "talb": album, "tdrc": year, "comm": comment}
    values = {name: _whole(value) for name, value in fields.items()}
    if comment[28] == 0 and comment[29]:
        values["trck"] = str(comment[29]).encode()
    if data[127] != 0xFF:
        values["tcon"] = str(data[127]).encode()
    return {name: [value] for name, value in values.items() if value}


def _whole(field: bytes) -> bytes:
    """Return the text of a field, without a UTF-8 character that the field's length cut off."""
    text = field.split(b"\0")[0]
    if len(text) == len(field) and not _is_utf8(text):
        for cut in (1, 2, 3):
            rest = text[:-cut]
            if text[-cut] >= 0xC0 and not rest.isascii() and _is_utf8(rest):
                return rest.strip()
    return text.strip()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
