"""Detection of the notation of each column from a sample of its cells.

A single cell cannot tell whether a comma is a decimal comma, which unit a duration has, or where a
short date has its year; the column as a whole can. Each decision that the file does not state is an
``Assumption`` for the report.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from songrec.catalogue_files import cell_values
from songrec.catalogue_files.cell_values import CellFormat
from songrec.catalogue_files.column_names import parse_column_name
from songrec.catalogue_files.durations import UNIT_NAMES, detect_format
from songrec.catalogue_files.musical_keys import is_german_key
from songrec.catalogue_files.numerals import (
    PLAIN,
    NumberFormat,
    comma_evidence,
    detect_number_format,
)
from songrec.catalogue_files.reading_notes import Assumption
from songrec.catalogue_files.rejects import format_value
from songrec.catalogue_files.release_years import (
    detect_date_order,
    is_day_number,
    is_short_date,
    parse_year,
)
from songrec.core.attributes import BY_NAME

_DURATIONS = ("duration", "duration_ms")
_UNIT_CONCEPTS = {"ms": "ms", "seconds": "s", "minutes": "min"}
# Written only by programs for a missing text; an artist may be called "None" or "Null".
_NO_NAMES = frozenset({"nan", "NaN", "<NA>", "#N/A", "N/A"})
_MAX_LISTED = 4
_FEWEST_FOR_SCALE = 20


@dataclass(frozen=True, slots=True)
class _Sample:
    """The distinct cells of one column in the sample.

    ``numbers`` are the values of plain numbers, ``pointed`` the plain numbers' cells with a point,
    ``texts`` all other cells.
    """

    field: str
    header: str
    texts: tuple[str, ...]
    numbers: tuple[float, ...]
    pointed: tuple[str, ...]

    @property
    def has_comma(self) -> bool:
        return any("," in text for text in self.texts)


@dataclass(frozen=True)
class ColumnFormats:
    """The formats of a file's columns, by field."""

    by_field: Mapping[str, CellFormat] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()


def detect_column_formats(
    columns: Mapping[str, tuple[str, Sequence[Any]]], *, decimal_comma: bool, percent: bool
) -> ColumnFormats:
    """Detect the notation of columns.

    Parameters
    ----------
    columns
        Header and sampled cells of the columns by field, for fields with a converter in
        ``cell_values.FORMATTED``.
    decimal_comma
        Whether an ambiguous comma is a decimal comma rather than a thousands separator.
    percent
        Whether shares range to 100.
    """
    samples = [_sample(name, header, cells) for name, (header, cells) in columns.items()]
    numbers = _number_formats([one for one in samples if one.field != "year"], decimal_comma)
    assumptions = _about_numbers(samples, numbers)
    formats: dict[str, CellFormat] = {}
    for sample in samples:
        form = CellFormat(numbers[sample.field]) if sample.field in numbers else CellFormat()
        if percent:
            form = replace(form, percent=1.0)
            assumptions += _about_scale(sample)
        if sample.field == "year":
            form = replace(form, dates=detect_date_order(sample.texts))
            assumptions += _about_years(sample, form)
        elif sample.field in _DURATIONS:
            form = _with_duration_unit(sample, form, assumptions)
        elif sample.field == "key" and (german := next(filter(is_german_key, sample.texts), None)):
            form = replace(form, has_german_keys=True)
            text = f"keys have German names: {german!r} is B, and B is B flat"
            assumptions.append(Assumption(sample.header, text))
        formats[sample.field] = form
    return ColumnFormats(formats, tuple(assumptions))


def detect_null_words(
    names: Mapping[str, Sequence[Any]], others: Iterable[Sequence[Any]]
) -> tuple[frozenset[str], list[Assumption]]:
    """Return the words for an empty cell in columns of names.

    Parameters
    ----------
    names
        Sampled cells of columns of artists and albums, by header.
    others
        Sampled cells of columns of numbers. A word for an empty cell there ("NULL") also means one
        among names.
    """
    words = {word for cells in others for word in _words_for_nothing(cells)}
    words |= _NO_NAMES
    if any(_is_python_list(cell) for cells in names.values() for cell in cells):
        words.add("None")
    assumptions = []
    for header, cells in names.items():
        present = [cell for cell in cells if isinstance(cell, str) and cell.strip() in words]
        present = [cell for cell in present if cell.strip()]
        if present:
            listed = ", ".join(repr(word) for word in sorted({cell.strip() for cell in present}))
            text = f"cells with {listed} are empty ({len(present):,} of {len(cells):,} sampled)"
            assumptions.append(Assumption(header, text))
    return frozenset(words), assumptions


def _sample(name: str, header: str, cells: Sequence[Any]) -> _Sample:
    texts: list[str] = []
    numbers: list[float] = []
    pointed: list[str] = []
    for cell in _distinct(cells):
        try:
            value = float(cell)
        except (TypeError, ValueError, OverflowError):
            if isinstance(cell, str) and not cell_values.is_missing(cell):
                texts.append(cell)
            continue
        if math.isfinite(value):
            numbers.append(value)
            if isinstance(cell, str) and "." in cell:
                pointed.append(cell)
    return _Sample(name, header, tuple(sorted(texts)), tuple(numbers), tuple(pointed))


def _distinct(cells: Sequence[Any]) -> Collection[Any]:
    try:
        return set(cells)
    except TypeError:  # lists from a Parquet file
        return cells


def _is_python_list(cell: Any) -> bool:
    return isinstance(cell, str) and cell.startswith(("['", '["'))


def _words_for_nothing(cells: Sequence[Any]) -> Iterator[str]:
    for cell in _distinct(cells):
        if isinstance(cell, str) and cell.isascii() and cell.strip(" #</>").isalpha():
            word = cell.strip()
            if word.casefold() in cell_values.NO_NAME:
                yield word


def _number_formats(samples: Sequence[_Sample], decimal_comma: bool) -> dict[str, NumberFormat]:
    if not any(sample.has_comma for sample in samples):
        return {}
    evidence = {comma_evidence((*sample.texts, *sample.pointed)) for sample in samples} - {None}
    # Contradicting columns are no evidence for the remaining ones.
    file_comma = evidence.pop() if len(evidence) == 1 else None
    default = "decimal" if decimal_comma else "thousands"
    return {
        sample.field: detect_number_format(
            (*sample.texts, *sample.pointed),
            is_plausible=functools.partial(_is_plausible, sample.field),
            default_comma=default,
            file_comma=file_comma,
        )
        for sample in samples
    }


def _is_plausible(name: str, value: float) -> bool:
    if name in BY_NAME:
        attribute = BY_NAME[name]
        return attribute.low <= value <= (100.0 if attribute.is_share else attribute.high)
    if name == "duration_ms":
        return 1_000 <= value <= 1e8
    return name == "duration" or value <= 64


def _about_numbers(
    samples: Sequence[_Sample], formats: Mapping[str, NumberFormat]
) -> list[Assumption]:
    """Describe the meaning of commas and points: decimal sign or thousands separator."""
    assumptions = []
    for sign, meaning, text in (
        (",", "decimal", "a comma is the decimal sign"),
        (",", "thousands", "a comma separates thousands"),
        (".", "thousands", "a point separates thousands"),
    ):
        examples = {}
        for sample in samples:
            form = formats.get(sample.field)
            if form is None or (form.comma if sign == "," else form.point) != meaning:
                continue
            cell = next((c for c in (*sample.texts, *sample.pointed) if sign in c), None)
            value = None if cell is None else _value(cell, form)
            if value is not None:
                examples[sample.header] = f"'{format_value(cell)}' is {value:.10g}"
        if examples:
            header, example = next(iter(examples.items()))
            names = _list([name for name in examples if name != header])
            more = f"; so in {names}" if names else ""
            assumptions.append(Assumption(header, f"{text}, {example}{more}"))
    return assumptions


def _value(cell: str, form: NumberFormat) -> float | None:
    for read in (cell_values.number, cell_values.decibels, cell_values.tempo, cell_values.points):
        try:
            return read(cell, CellFormat(form))
        except ValueError:
            continue
    return None


def _about_scale(sample: _Sample) -> list[Assumption]:
    """Describe a column that seems to range to 1 in a file of percent values."""
    attribute = BY_NAME.get(sample.field)
    if attribute is None or not attribute.is_share or len(sample.numbers) < _FEWEST_FOR_SCALE:
        return []
    highest = max(sample.numbers)
    if highest > 1:
        return []
    text = f"values up to {highest:g} were read as per cent, because other columns count to 100"
    return [Assumption(sample.header, text)]


def _about_years(sample: _Sample, form: CellFormat) -> list[Assumption]:
    notes = []
    for is_one, text in (
        (is_short_date, "years have two digits"),
        (is_day_number, "dates are stored as numbers"),
    ):
        cells = (*sample.texts, *(f"{value:.0f}" for value in sample.numbers))
        for cell in filter(is_one, cells):
            try:
                year = parse_year(cell, form.dates)
            except ValueError:
                continue
            notes.append(Assumption(sample.header, f"{text}, {cell!r} is in {year}"))
            break
    return notes


def _with_duration_unit(
    sample: _Sample, form: CellFormat, assumptions: list[Assumption]
) -> CellFormat:
    values = [value for value in sample.numbers if value > 0]
    if form.numbers != PLAIN:
        values = []
        for cell in (*sample.texts, *sample.pointed):
            value = _value(cell, form.numbers)
            if value is not None and value > 0:
                values.append(value)
    declared = _declared_unit(sample)
    durations = detect_format(values, declared, sample.texts)
    if values and not durations.is_declared:
        median = f"plain numbers, such as {statistics.median_high(values):.10g},"
        if durations.unit is None:
            text = f"{median} were not read, because their unit is not certain"
        else:
            text = f"{median} are {UNIT_NAMES[durations.unit]}"
        if declared and declared != durations.unit:
            text += f", not {UNIT_NAMES[declared]} as the name says"
        assumptions.append(Assumption(sample.header, text))
    if durations.is_shifted:
        text = f"clock times without seconds, such as {sample.texts[0]!r}, are minutes and seconds"
        assumptions.append(Assumption(sample.header, text))
    return replace(form, durations=durations)


def _declared_unit(sample: _Sample) -> str | None:
    if sample.field == "duration_ms":
        return "ms"
    concepts = parse_column_name(sample.header).concepts
    units = [unit for name, unit in _UNIT_CONCEPTS.items() if name in concepts]
    return units[0] if len(units) == 1 else None


def _list(names: Sequence[str]) -> str:
    listed = ", ".join(map(format_value, names[:_MAX_LISTED]))
    return f"{listed} and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else listed
