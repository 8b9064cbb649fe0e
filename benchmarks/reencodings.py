"""Are copies of a recording found, and other recordings not: each clip encoded anew, several ways.

    python -m benchmarks.reencodings --data DIR [--clips N] [--json]

DIR holds ``clips.csv`` with the columns clip and track (in it or in DIR/audio/clips) and the files:
two clips of one track are other excerpts of it, which are no copies. Every pair of files is judged
as ``flask duplicates`` judges it: by Chromaprint's fingerprint where fpcalc is installed, and by
features, at the thresholds of ``services.catalogue.duplicate_search``.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import table
from songrec.audio_files.decoding import decode
from songrec.core.errors import BadInput
from songrec.features import near_duplicates
from songrec.features.audio import chromaprint
from songrec.features.extraction import extract_all, make_extractors
from songrec.services.catalogue.duplicate_search import (
    FEATURES_THRESHOLD,
    FINGERPRINT_THRESHOLD,
    SOUND_SETS,
)


@dataclass(frozen=True)
class Encoding:
    """An encoding: ``rate`` in Hz, ``bits`` per second (None: lossless)."""

    name: str
    codec: str
    ending: str
    rate: int
    bits: int | None = None


ENCODINGS = (
    Encoding("FLAC", "flac", ".flac", 44_100),
    Encoding("MP3, 128 kbit/s", "libmp3lame", ".mp3", 44_100, 128_000),
    Encoding("MP3, 64 kbit/s, 22,050 Hz", "libmp3lame", ".mp3", 22_050, 64_000),
    Encoding("AAC, 96 kbit/s", "aac", ".m4a", 44_100, 96_000),
    Encoding("Opus, 48 kbit/s", "libopus", ".opus", 48_000, 48_000),
)
ORIGINAL = "as it is"


@dataclass(frozen=True)
class Heard:
    """A file: which clip of which track it is, how it is encoded, and what is compared of it."""

    clip: str
    track: str
    encoding: str
    seconds: float
    print: chromaprint.Words
    values: NDArray[np.float32]


def reencode(source: Path, target: Path, to: Encoding) -> None:
    """Encode ``source`` as ``target`` with the same channels."""
    with av.open(str(source)) as read, av.open(str(target), "w") as write:
        layout = "mono" if read.streams.audio[0].channels == 1 else "stereo"
        stream = write.add_stream(to.codec, rate=to.rate, layout=layout)
        if to.bits:
            stream.bit_rate = to.bits
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout=layout,
            rate=to.rate,
            frame_size=stream.codec_context.frame_size or None,
        )
        for frame in [*read.decode(audio=0), None]:
            for piece in resampler.resample(frame):
                piece.pts = None
                write.mux(stream.encode(piece))
        write.mux(stream.encode(None))


def listen(path: Path, clip: str, track: str, encoding: str) -> Heard:
    """Return what the duplicate search compares of a file."""
    sound = decode(path)
    made = extract_all(sound.audio, make_extractors(SOUND_SETS))
    known = chromaprint.missing() is None
    return Heard(
        clip,
        track,
        encoding,
        sound.seconds,
        chromaprint.fingerprint(path) if known else np.empty(0, dtype=np.uint32),
        np.concatenate([made[name] for name in SOUND_SETS]),
    )


def amounts() -> NDArray[np.int64]:
    """Return the compared columns, without the key, which is categorical."""
    made = make_extractors(SOUND_SETS)
    names = [f"{name}:{column}" for name in SOUND_SETS for column in made[name].names()]
    return np.array([at for at, name in enumerate(names) if name != "statistical:key"])


Pairs = set[tuple[int, int]]


def by_fingerprint(files: Sequence[Heard]) -> Pairs:
    """Return pairs of files that have matching fingerprints."""
    prints = [file.print for file in files]
    pairs = chromaprint.candidates([chromaprint.sketch(one) for one in prints]).tolist()
    return {
        (one, other)
        for one, other in pairs
        if _as_long(files[one].seconds, files[other].seconds)
        and chromaprint.similarity(prints[one], prints[other]) >= FINGERPRINT_THRESHOLD
    }


def by_features(files: Sequence[Heard]) -> Pairs:
    """Return pairs of files that have matching features."""
    values = np.array([file.values for file in files])[:, amounts()]
    lengths = np.array([file.seconds for file in files])
    pairs, _ = near_duplicates.near_pairs(values, lengths, FEATURES_THRESHOLD)
    return {(int(one), int(other)) for one, other in pairs}


def _as_long(one: float, other: float) -> bool:
    return abs(one - other) <= near_duplicates.LENGTH_SLACK * max(one, other)


def kind(one: Heard, other: Heard) -> str:
    """Return the relation of two files."""
    if one.clip == other.clip:
        return "copy"
    return "excerpt" if one.track == other.track else "other"


def figures(files: Sequence[Heard]) -> dict[str, Any]:
    """Pairs of each kind, how many are found, per encoding against the clip as it is."""
    ways: dict[str, Pairs] = {"features": by_features(files)}
    if all(len(file.print) for file in files):
        ways = {"fingerprint": by_fingerprint(files), **ways}
    kinds: dict[str, Pairs] = {"copy": set(), "excerpt": set(), "other": set()}
    for pair in combinations(range(len(files)), 2):
        kinds[kind(files[pair[0]], files[pair[1]])].add(pair)
    result: dict[str, Any] = {
        "clips": len({file.clip for file in files}),
        "thresholds": {"fingerprint": FINGERPRINT_THRESHOLD, "features": FEATURES_THRESHOLD},
        "pairs": {name: len(pairs) for name, pairs in kinds.items()},
        "found": {
            way: {name: len(pairs & found) for name, pairs in kinds.items()}
            for way, found in ways.items()
        },
        "encodings": {},
    }
    for encoding in ENCODINGS:
        pairs = {
            pair
            for pair in kinds["copy"]
            if {files[at].encoding for at in pair} == {ORIGINAL, encoding.name}
        }
        result["encodings"][encoding.name] = {
            "pairs": len(pairs),
            **{way: len(pairs & found) for way, found in ways.items()},
        }
    result["values"] = _values(files, kinds, "fingerprint" in ways)
    return result


def _values(
    files: Sequence[Heard], kinds: dict[str, Pairs], prints: bool
) -> dict[str, dict[str, float]]:
    """The least value of a copy and the most of what is none, of every pair there is."""
    unit = near_duplicates.unit_rows(np.array([file.values for file in files])[:, amounts()])
    cosines = unit @ unit.T
    told = {"features": {}}
    told["features"]["least copy"] = float(min(cosines[pair] for pair in kinds["copy"]))
    others = kinds["excerpt"] | kinds["other"]
    told["features"]["most other"] = float(max(cosines[pair] for pair in others))
    if prints:
        alike = {
            pair: chromaprint.similarity(files[pair[0]].print, files[pair[1]].print)
            for pairs in kinds.values()
            for pair in pairs
        }
        told["fingerprint"] = {
            "least copy": min(alike[pair] for pair in kinds["copy"]),
            "most other": max(alike[pair] for pair in others),
        }
    return {way: {name: round(v, 3) for name, v in found.items()} for way, found in told.items()}


def measure(folder: Path, most: int | None = None) -> dict[str, Any]:
    """Encode the first ``most`` clips of the list in ``folder`` anew and compare all files.

    Raises ``BadInput`` where there is no list.
    """
    try:
        with (folder / "clips.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))[:most]
    except FileNotFoundError:
        raise BadInput(f"There is no clips.csv in {folder}.") from None
    heard = []
    with tempfile.TemporaryDirectory() as temporary:
        for row in rows:
            source = folder / row["clip"]
            heard.append(listen(source, row["clip"], row["track"], ORIGINAL))
            for number, encoding in enumerate(ENCODINGS):
                target = Path(temporary) / f"{number}{encoding.ending}"
                reencode(source, target, encoding)
                heard.append(listen(target, row["clip"], row["track"], encoding.name))
    return figures(heard)


def page(result: dict[str, Any]) -> list[str]:
    """Return the results as Markdown."""
    ways = list(result["found"])
    names = {
        "copy": "re-encoded copies: found",
        "excerpt": "another excerpt of the same recording: taken for a copy",
        "other": "another recording: taken for a copy",
    }
    header = [f"{way} ≥ {result['thresholds'][way]:.2f}" for way in ways]
    kinds = (
        (said, f"{result['pairs'][name]:,}", *(f"{result['found'][way][name]:,}" for way in ways))
        for name, said in names.items()
    )
    least = ", ".join(
        f"by {way} {v['least copy']} and {v['most other']}" for way, v in result["values"].items()
    )
    return [
        *table(("", "pairs", *header), kinds),
        *table(
            ("against the clip as it is", "pairs", *ways),
            (
                (name, r["pairs"], *(r[way] for way in ways))
                for name, r in result["encodings"].items()
            ),
        ),
        f"{result['clips']} clips. The least of the copies and the most of the others: {least}.",
    ]


def main() -> None:
    """Run the benchmark and print its results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--clips", type=int, metavar="N", help="the first N of the list only")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    asked = parser.parse_args()
    inside = asked.data / "audio" / "clips"
    try:
        result = measure(inside if inside.is_dir() else asked.data, asked.clips)
    except BadInput as error:
        parser.error(str(error))
    print(json.dumps(result, indent=2) if asked.json else "\n".join(page(result)))


if __name__ == "__main__":
    main()
