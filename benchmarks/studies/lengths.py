"""Lengths of sound files: as stated, as measured without decoding all, and as decoded.

Every file below ``audio/`` that can be decoded is compared. A file whose measured and decoded
lengths differ by more than 50 ms, or that is said to be shorter than it claims, is marked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import table
from songrec.audio_files.containers import Damage, frames, opened
from songrec.audio_files.decoding import differs_from_statement
from songrec.audio_files.stream_length import measure, stated_length
from songrec.core.errors import BadInput

NEEDS = ("audio",)
TOLERANCE_S = 0.05


@dataclass(frozen=True)
class Lengths:
    """Lengths of a file in seconds; None where there is none without decoding everything."""

    name: str
    stated: float | None
    measured: float | None
    decoded: float

    def remark(self) -> str:
        """Say what is not as it should be."""
        remarks = []
        if self.measured is None:
            remarks.append("decoded to be measured")
        elif abs(self.measured - self.decoded) > TOLERANCE_S:
            remarks.append("measured wrongly")
        if differs_from_statement(self.stated, self.decoded):
            remarks.append("states another length")
        return ", ".join(remarks)


def study(data: Path, seed: int = 0) -> list[str]:
    """Build a table with a row for each file, and one line of totals."""
    files = list(lengths(data / "audio"))
    wrong = sum("measured wrongly" in file.remark() for file in files)
    rows = [
        (file.name, *map(_seconds, (file.stated, file.measured, file.decoded)), file.remark())
        for file in files
    ]
    return [
        *table(("file", "stated, s", "measured, s", "decoded, s", "remark"), rows),
        "",
        f"{len(files)} files, {wrong} measured wrongly by more than {TOLERANCE_S * 1000:.0f} ms.",
    ]


def lengths(folder: Path) -> Iterator[Lengths]:
    """Yield the lengths of every file that something is decoded of."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            with opened(path) as (container, stream):
                stated = stated_length(path, container, stream)
                measured = measure(container, stream).seconds
            with opened(path) as (container, stream):
                decoded = sum(
                    frame.samples / frame.sample_rate
                    for _, _, frame in frames(container, stream, Damage())
                )
        except BadInput:
            continue
        if decoded:
            yield Lengths(str(path.relative_to(folder)), stated, measured, decoded)


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
