"""Sound formats that are read: FFmpeg's demuxers, file name extensions and signatures."""

from __future__ import annotations

from typing import Final

# Without playlists, streaming manifests and image sequences, which make FFmpeg open other files and
# URLs that an uploaded file names.
_DEMUXERS = {
    "aac": "aac adts",
    "ac3": "ac3",
    "adp": "adp dtk",
    "adx": "adx",
    "aea": "aea",
    "afc": "afc",
    "aiff": "aif aifc aiff",
    "amr": "amr awb",
    "amrnb": "",
    "amrwb": "",
    "ape": "ape",
    "asf": "asf wma",
    "au": "au snd",
    "avi": "",
    "bonk": "bonk",
    "caf": "caf caff",
    "dsf": "dsf",
    "dss": "dss",
    "dts": "dts",
    "dtshd": "dtshd",
    "eac3": "eac3 ec3",
    "flac": "flac fla",
    "flv": "f4a",
    "gsm": "gsm",
    "iff": "dff dsdiff 8svx",
    "ircam": "ircam",
    "loas": "latm loas",
    "matroska": "mka weba webm",
    "mlp": "mlp",
    "mov": "3g2 3ga 3gp 3gpp m4a m4b m4p m4r mp4",
    "mp3": "m2a mp1 mp2 mp3 mpa mpga",
    "mpc": "mpc mp+ mpp",
    "mpc8": "",
    "mpeg": "",
    "mpegts": "",
    "nistsphere": "nist sph",
    "ogg": "oga ogg ogx opus spx",
    "oma": "aa3 oma omg",
    "osq": "osq",
    "paf": "fap paf",
    "pvf": "pvf",
    "qcp": "qcp",
    "qoa": "qoa",
    "rka": "rka",
    "rm": "ra rm",
    "rso": "rso",
    "shn": "shn",
    "sox": "sox",
    "spdif": "spdif",
    "tak": "tak",
    "truehd": "thd truehd",
    "tta": "tta",
    "voc": "voc",
    "vqf": "vqe vqf vql",
    "w64": "w64",
    "wav": "at3 at9 bwf bw64 rf64 wav wave",
    "wavarc": "",
    "wsd": "wsd",
    "wv": "wv",
    "xwma": "xwma",
}

DEMUXERS: Final = tuple(_DEMUXERS)
"""FFmpeg's names of the container formats that are opened; all others are rejected."""
SOUND: Final = frozenset(" ".join(_DEMUXERS.values()).split())
"""Extensions of files that are analysed or rejected with a reason, never ignored.

Extensions of films (``mkv``, ``avi``, ``mov``, …) and ambiguous ones (``mac``, ``sf``, ``ts``, …)
are left out, although FFmpeg reads them; such files are recognised by content.
"""

# Offsets and signatures in a file's first bytes.
_SIGNATURES: tuple[tuple[int, bytes], ...] = (
    (0, b"ID3"),
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"MAC "),
    (0, b"wvpk"),
    (0, b"MPCK"),
    (0, b"MP+"),
    (0, b".snd"),
    (0, b"DSD "),
    (12, b"DSD "),  # DSDIFF: "FRM8", 8 bytes of size
    (0, b"caff"),
    (0, b"TTA1"),
    (0, b"tBaK"),
    (0, b"qoaf"),
    (0, b"OSQ "),
    (0, b"TWIN97012000"),
    (0, b"Creative Voice File\x1a"),
    (0, b"#!AMR"),
    (0, b".ra\xfd"),
    (0, bytes.fromhex("7ffe8001")),  # DTS
    (8, b"WAVE"),
    (8, b"AIFF"),
    (8, b"AIFC"),
    (8, b"8SVX"),
    (4, b"ftypM4A"),
    (4, b"ftypM4B"),
    (0, bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")),  # ASF: WMA
    (0, bytes.fromhex("726966662e91cf11a5d628db04c10000")),  # Wave64
)
# The signature of MPEG audio is only 11 set bits, with which UTF-16 text begins, too.
_MPEG_HEADERS = frozenset(
    {0xFA, 0xFB, 0xF2, 0xF3, 0xE2, 0xE3, 0xFC, 0xFD, 0xF4, 0xF5, 0xF6, 0xF7, 0xF0, 0xF1, 0xF8, 0xF9}
)
HEAD_BYTES: Final = 64
"""Number of bytes at the start of a file that ``is_sound`` needs."""


def is_sound(head: bytes) -> bool:
    """Return whether a file that begins with ``head`` has the signature of a sound format."""
    if any(head[at : at + len(mark)] == mark for at, mark in _SIGNATURES):
        return True
    return len(head) > 3 and head[0] == 0xFF and head[1] in _MPEG_HEADERS and head[2] >> 4 != 15
