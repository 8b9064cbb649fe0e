"""Excel workbooks (XLSX), used by Deezer's export: each sheet is read as a table."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element, ParseError, iterparse

from songrec.core.errors import BadInput
from songrec.services.listeners.list_formats import tables
from songrec.services.listeners.list_formats.entries import SongList

MARK = "[Content_Types].xml"
"""Name of the file that identifies an archive as an Office document."""
MOST_CELLS = 4_000_000
MOST_COLUMNS = 200
_PIECE = 2**16
_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml")
_DATE_FORMATS = frozenset({*range(14, 23), *range(45, 48)})
_EPOCH = datetime(1899, 12, 30)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_NO_LISTS = (
    "This Excel workbook has no sheet of songs: its sheets need a line that names the columns."
)


def read_workbook(archive: zipfile.ZipFile, most_bytes: int) -> SongList:
    """Read the sheets that are lists of songs; ``most_bytes`` bounds what is unpacked."""
    if sum(one.file_size for one in archive.infolist()) > most_bytes:
        raise BadInput("This workbook unpacks to too much; save its sheets as CSV one by one.")
    try:
        return _read(archive)
    except (ParseError, KeyError, ValueError, IndexError):
        raise BadInput("This Excel workbook is damaged; save the sheet as CSV.") from None


def _read(archive: zipfile.ZipFile) -> SongList:
    texts = _shared_texts(archive)
    dates = _date_styles(archive)
    result = SongList("Excel workbook")
    formats: dict[str, None] = {}
    others: list[str] = []
    for name, path in _sheets(archive):
        table = _as_csv(_rows(archive, path, texts, dates))
        try:
            # Deezer numbers its sheets: "8_favoriteSong".
            part = tables.read_table(table, re.sub(r"^\d+_", "", name))
        except BadInput:
            others.append(name)
            continue
        formats.setdefault(part.format)
        result.append(part)
    if not formats:
        raise BadInput(_NO_LISTS)
    result.format = f"Excel workbook: {', '.join(formats)}"
    if others:
        result.note(f"Sheets that are not lists of songs: {', '.join(others[:8])}.")
    return result


def _elements(archive: zipfile.ZipFile, path: str) -> Iterator[Element]:
    """Yield the elements of a part as they end."""
    _refuse_declarations(archive, path)
    with archive.open(path) as file:
        for _, element in iterparse(file):  # noqa: S314 - entities are refused above
            yield element


def _refuse_declarations(archive: zipfile.ZipFile, path: str) -> None:
    """Raise ``BadInput`` for a part that may declare entities, wherever it does so."""
    rest = b""
    with archive.open(path) as file:
        while piece := file.read(_PIECE):
            # Without the zero bytes of UTF-16.
            text = rest + piece.replace(b"\0", b"")
            if b"<!DOCTYPE" in text:
                raise BadInput("This Excel workbook declares entities; it is not read.")
            rest = text[-len(b"<!DOCTYPE") :]


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    texts = []
    for element in _elements(archive, "xl/sharedStrings.xml"):
        if _local(element) == "si":
            texts.append(_text_of(element))
            element.clear()
    return texts


def _text_of(element: Element) -> str:
    """Return the text of a string without its phonetic reading (``rPh``)."""
    pronounced = {id(t) for one in element if _local(one) == "rPh" for t in one.iter()}
    return "".join(
        t.text or "" for t in element.iter() if _local(t) == "t" and id(t) not in pronounced
    )


def _date_styles(archive: zipfile.ZipFile) -> set[int]:
    """Return the cell styles that format numbers as dates or times."""
    if "xl/styles.xml" not in archive.namelist():
        return set()
    own: dict[int, str] = {}
    styles: list[int] = []
    for element in _elements(archive, "xl/styles.xml"):
        if _local(element) == "numFmt":
            own[int(element.get("numFmtId", 0))] = element.get("formatCode", "")
        elif _local(element) == "cellXfs":
            styles = [int(one.get("numFmtId", 0)) for one in element]
    texts = {number: re.sub(r"\"[^\"]*\"|\[[^\]]*\]", "", code) for number, code in own.items()}
    dates = {number for number, code in texts.items() if re.search(r"[ydh]", code, re.IGNORECASE)}
    return {at for at, number in enumerate(styles) if number in _DATE_FORMATS | dates}


def _sheets(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return the name and the part of each sheet, in order."""
    targets = {}
    if "xl/_rels/workbook.xml.rels" in archive.namelist():
        for element in _elements(archive, "xl/_rels/workbook.xml.rels"):
            if _local(element) == "Relationship":
                target = element.get("Target", "").lstrip("/")
                path = target if target.startswith("xl/") else f"xl/{target}"
                targets[element.get("Id")] = path
    sheets = [
        (element.get("name", ""), targets.get(element.get(_RELATION), ""))
        for element in _elements(archive, "xl/workbook.xml")
        if _local(element) == "sheet"
    ]
    present = set(archive.namelist())
    return [(name, path) for name, path in sheets if _SHEET.fullmatch(path) and path in present]


def _rows(
    archive: zipfile.ZipFile, path: str, texts: list[str], dates: set[int]
) -> Iterator[list[str]]:
    number = 0
    for element in _elements(archive, path):
        if _local(element) != "row":
            continue
        row: list[str] = []
        for cell in element:
            at = _column(cell.get("r", ""), len(row))
            if at < MOST_COLUMNS:
                row += [""] * (at + 1 - len(row))
                row[at] = _cell(cell, texts, dates)
        number += len(row)
        if number > MOST_CELLS:
            raise BadInput("A sheet of this workbook is too long; save it as CSV in parts.")
        yield row
        element.clear()


def _column(reference: str, following: int) -> int:
    """Return the number of a column: ``C7`` is in column 2."""
    letters = re.match(r"[A-Z]{1,3}", reference)
    if letters is None:
        return following
    at = 0
    for letter in letters[0]:
        at = 26 * at + ord(letter) - 64
    return at - 1


def _cell(cell: Element, texts: list[str], dates: set[int]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _text_of(cell)
    value = next((one.text or "" for one in cell if _local(one) == "v"), "")
    if kind == "s" and value:
        return texts[int(value)]
    if kind == "n" and value and int(cell.get("s", 0)) in dates:
        moment = _EPOCH + timedelta(days=float(value))
        return moment.isoformat(sep=" ", timespec="seconds")
    return value


def _as_csv(rows: Iterator[list[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        if any(row):
            writer.writerow(" ".join(cell.split()) for cell in row)
    return text.getvalue()
