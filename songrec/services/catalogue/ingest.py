"""Import of a catalogue file into the database."""

from __future__ import annotations

import gc
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from songrec.catalogue_files.batches import Batch
from songrec.catalogue_files.column_recognition import ColumnMapping
from songrec.catalogue_files.dialect_detection import map_columns
from songrec.catalogue_files.dialects import DIALECTS, SCALES
from songrec.catalogue_files.reading import open_table
from songrec.catalogue_files.reading_notes import Assumption, LostCells, count_lost_cells
from songrec.catalogue_files.rejects import Reject, RejectsFile, format_value
from songrec.catalogue_files.row_parser import ParsedBatch, RowParser
from songrec.catalogue_files.unit_detection import detect_scale
from songrec.core.errors import BadInput
from songrec.core.track_identity import CATALOGUE_ID, key_kind
from songrec.core.types import Progress, no_progress
from songrec.services.catalogue.source_identity import (
    check_nameless,
    identify_source,
    ids_are_shared,
)
from songrec.store.bulk import bulk_writing
from songrec.store.catalogue.row_matching import Contradiction
from songrec.store.catalogue.writer import CatalogueWriter, DryCounter

MAX_SOURCE_LENGTH = 100
REPORTED_REJECTS = 100
"""Limit of rejects in the report; the rejects file has all."""


@dataclass
class IngestReport:
    """Result of an import. Every row read was inserted, updated, unchanged or rejected.

    ``alike`` counts the inserted tracks with the same name as an earlier track
    (``services.library.after_import``). ``columns`` is the mapping of columns to fields,
    ``assumptions`` are those made in reading them, ``lost_cells`` (by column) are unreadable cells
    of imported rows. ``identified_by`` counts the rows by kind of key, ``contradicting`` rows with
    the id of another song (they are rejected), ``adopted`` updated tracks that got their first such
    id. ``notes`` are sentences on assumptions about ids.
    """

    source: str
    dialect: str
    scale: str
    encoding: str
    dry_run: bool = False
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Reject] = field(default_factory=list)
    rejected_count: int = 0
    rejects_path: Path | None = None
    alike: int = 0
    identified_by: Counter[str] = field(default_factory=Counter)
    contradicting: int = 0
    adopted: int = 0
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    columns: ColumnMapping = field(default_factory=ColumnMapping)
    assumptions: list[Assumption] = field(default_factory=list)
    lost_cells: dict[str, LostCells] = field(default_factory=dict)

    @property
    def stored(self) -> int:
        """Number of good rows."""
        return self.inserted + self.updated + self.unchanged

    @property
    def rows_text(self) -> str:
        """How many rows were read: ``1 row``, ``2,000 rows``."""
        return "1 row" if self.read == 1 else f"{self.read:,} rows"

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``flask ingest --json``.

        ``rejected`` are the first hundred rejects, ``rejected_count`` is their number and
        ``rejects_path`` the file with all rejects and lost cells.
        """
        return {
            "read": self.read,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": [reject.to_json() for reject in self.rejected],
            "rejected_count": self.rejected_count,
            "rejects_path": str(self.rejects_path) if self.rejects_path else None,
            "alike": self.alike,
            "identified_by": dict(self.identified_by),
            "contradicting": self.contradicting,
            "adopted": self.adopted,
            "notes": self.notes,
            "source": self.source,
            "dialect": self.dialect,
            "scale": self.scale,
            "encoding": self.encoding,
            "columns": self.columns.to_json(),
            "assumptions": [assumption.to_json() for assumption in self.assumptions],
            "lost_cells": [cells.to_json() for cells in self.lost_cells.values()],
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
        }


def ingest_file(
    session: Session,
    path: Path,
    *,
    dialect: str | None = None,
    source: str | None = None,
    scale: str = "auto",
    columns: Mapping[str, str] | None = None,
    trust_ids: bool = False,
    dry_run: bool = False,
    file_name: str | None = None,
    rejects_path: Path | None = None,
    on_progress: Progress = no_progress,
) -> IngestReport:
    """Read the catalogue at ``path`` and insert or update its tracks.

    ``dialect`` sets the format, ``scale`` that of the perceptual columns; ``source`` is the name of
    the catalogue, by default the one with the ids and names of the file, else the name of the file
    (``file_name``, if given) without extensions. ``columns`` sets the columns of single fields
    (``{"title": "song_name"}``). A row whose id is stored with clearly different names is rejected,
    unless ``trust_ids``. Rejected rows are written to ``rejects_path``.

    **Commits** after each batch, so that memory does not depend on the file's length and other
    writers are not blocked. An interrupted import can be repeated, because existing rows do not
    change. With ``dry_run`` only a requested ``rejects_path`` is written.

    Raises ``BadInput`` for an unusable file, also if every row is rejected or if the catalogue is
    ambiguous.
    """
    start = time.perf_counter()
    if scale not in SCALES:
        raise BadInput(f"no scale {scale!r}. Known: {', '.join(SCALES)}.")
    table = open_table(path)
    batches = table.batches()
    first = next(batches, None)
    try:
        detected, mapping = map_columns(
            table.header,
            first.rows if first else (),
            dialect,
            requested=columns or {},
            dialects=DIALECTS,
        )
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    if first is None:
        raise BadInput(f"{path}: the file has a header and no rows.")
    used_scale = detect_scale(detected, table, first, scale, mapping)

    def parser_for(name: str, reads_ids: bool) -> RowParser:
        return RowParser(
            detected,
            table,
            scale=used_scale,
            source=name,
            columns=mapping,
            reads_ids=reads_ids,
        )

    name = _checked_name(source) if source else source_name(Path(file_name or path))
    with closing(batches), _less_frequent_gc():
        try:
            parser, parsed, notes = _parse_first(
                session, first, parser_for, name, is_certain=bool(source)
            )
        except BadInput as error:
            raise BadInput(f"{path}: {error}") from None
        name = parser.source
        report = IngestReport(
            name, detected.name, used_scale, table.encoding, dry_run, notes=notes, columns=mapping
        )
        parsed_batches = _parsed(first, parsed, parser, batches)
        del first, parsed  # free the first batch
        _import_batches(
            session, parsed_batches, parser, report, trust_ids, rejects_path, on_progress
        )
    report.seconds = time.perf_counter() - start
    report.assumptions = [*table.assumptions, *parser.assumptions]
    if not report.stored:
        raise BadInput(f"{path}: {_all_rejected(report)}")
    return report


def _import_batches(
    session: Session,
    parsed_batches: Iterator[tuple[Batch, ParsedBatch]],
    parser: RowParser,
    report: IngestReport,
    trust_ids: bool,
    rejects_path: Path | None,
    on_progress: Progress,
) -> None:
    """Write the batches, or only count them in a dry run; commit after each."""
    write: Callable[..., Any]
    if report.dry_run:
        write = DryCounter(session, source=parser.source, trust_ids=trust_ids).write
        context: AbstractContextManager[None] = nullcontext()
    else:
        context = bulk_writing(session)
        write = CatalogueWriter(
            session, source=parser.source, fields=parser.fields, trust_ids=trust_ids
        ).write
    with RejectsFile(rejects_path) as rejects, context:
        for batch, parsed_batch in parsed_batches:
            _import_batch(batch, parsed_batch, write, rejects, report)
            if not report.dry_run:
                session.commit()
            # No lock is held here: the progress callback may write to the database.
            on_progress(
                batch.fraction,
                f"{report.rows_text} read",
                {"read": report.read, "rejected": report.rejected_count},
            )


def _all_rejected(report: IngestReport) -> str:
    where = f" All of them: {report.rejects_path}." if report.rejects_path else ""
    all_rows = "its only row was rejected:"
    if report.read > 1:
        all_rows = f"all {report.read:,} rows were rejected. The first:"
    return f"{all_rows} {report.rejected[0]}.{where}"


def source_name(path: Path) -> str:
    """Return the file name without its extensions (``songs`` for ``songs.csv.gz``), 100 letters."""
    name = re.sub(r"(?i)(\.(csv|tsv|txt|gz|json|jsonl|ndjson|parquet|pq))+$", "", path.name)
    return (name or path.name)[:MAX_SOURCE_LENGTH]


def _checked_name(name: str) -> str:
    if len(name) > MAX_SOURCE_LENGTH:
        raise BadInput(f"A catalogue's name has at most {MAX_SOURCE_LENGTH} characters: {name!r}.")
    return name


def _parse_first(
    session: Session,
    batch: Batch,
    parser_for: Callable[[str, bool], RowParser],
    name: str,
    *,
    is_certain: bool,
) -> tuple[RowParser, ParsedBatch, list[str]]:
    """Parse the first batch, and determine the catalogue of the file from it.

    Returns the parser for the catalogue, the parsed batch, and notes.
    """
    parser = parser_for(name, True)
    parsed = parser.parse(batch)
    notes: list[str] = []
    reads_ids = not ids_are_shared(parsed.rows)
    if not reads_ids:
        notes.append("the ids stand for several songs each, so they are not read as ids of songs")
        parser = parser_for(name, reads_ids)
        parsed = parser.parse(batch)
    if parser.dialect.id_namespace is not None:
        return parser, parsed, notes
    catalogue = identify_source(session, name, parsed.rows, is_certain=is_certain)
    notes += [catalogue.note] if catalogue.note else []
    if catalogue.name != name or not catalogue.reads_ids:
        parser = parser_for(catalogue.name, reads_ids and catalogue.reads_ids)
        parsed = parser.parse(batch)
    if not is_certain:
        check_nameless(session, catalogue.name, parsed.rows)
    return parser, parsed, notes


def _parsed(
    first: Batch, parsed: ParsedBatch, parser: RowParser, batches: Iterator[Batch]
) -> Iterator[tuple[Batch, ParsedBatch]]:
    yield first, parsed
    del first, parsed
    for batch in batches:
        yield batch, parser.parse(batch)


@contextmanager
def _less_frequent_gc() -> Iterator[None]:
    """Run Python's cycle collector less often while many short-lived rows are created.

    None of them is part of a cycle, and collecting takes a quarter of an import's time.
    """
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _import_batch(
    batch: Batch,
    parsed: ParsedBatch,
    write: Callable[..., Any],
    rejects: RejectsFile,
    report: IngestReport,
) -> None:
    rows, refused, lost_cells = parsed
    written = write(rows)
    if written.contradictions:
        places = dict(zip(batch.numbers, batch.places, strict=True))
        refused += [
            _contradiction(one, places[one.row.number], report) for one in written.contradictions
        ]
        refused.sort(key=lambda reject: reject.row)
    for reject in refused:
        rejects.add(reject)
    for cell in lost_cells:
        rejects.add(cell, lost="cell")
    count_lost_cells(report.lost_cells, lost_cells)
    report.read += len(batch)
    report.inserted += written.inserted
    report.updated += written.updated
    report.unchanged += written.unchanged
    report.adopted += written.adopted
    report.contradicting += len(written.contradictions)
    report.identified_by.update(Counter([key_kind(row.source_key) for row in rows]))
    report.rejected += refused[: REPORTED_REJECTS - len(report.rejected)]
    report.rejected_count += len(refused)
    report.rejects_path = rejects.path if rejects.count else None


def _contradiction(one: Contradiction, place: int, report: IngestReport) -> Reject:
    """Return the reject of a row whose id is another song's."""
    stored, read = (
        f"“{format_value(title)}” by {format_value(artists)}"
        for title, artists in (
            (one.title, one.artists),
            (one.row.fields["title"], one.row.fields["artists"]),
        )
    )
    own = one.row.source_key.startswith(f"{CATALOGUE_ID}:")
    advice = f"not the catalogue {report.source!r}? --source OTHER. " if own else ""
    return Reject(
        place,
        "id",
        format_value(one.row.fields["external_id"]),
        f"is {stored}, here it is {read} ({advice}Renamed? --trust-ids)",
    )
