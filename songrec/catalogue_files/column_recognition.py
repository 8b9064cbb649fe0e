"""Recognition of columns by their names and contents, with a report.

The name suggests fields (``column_names``), the cells confirm or refute them (``column_contents``)
and decide between two candidates for one field. Nothing depends on lists of known headers. The
mapped columns, the unused ones and the warnings are one value, ``ColumnMapping``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from songrec.catalogue_files.column_contents import (
    SAMPLE_ROWS,
    ColumnContent,
    sample_rows,
    summarise_column,
)
from songrec.catalogue_files.column_names import ColumnName, parse_column_name
from songrec.catalogue_files.dialects import FIELDS
from songrec.catalogue_files.rejects import format_value
from songrec.core.attributes import ATTRIBUTE_NAMES, BY_NAME, SHARES

CORE_FIELDS = ("title", "artists", "external_id")
"""Fields whose absence is worth a warning if a column may hold them."""
FIELD_LABELS = {
    "external_id": "id",
    "artists": "artists",
    "positiveness": "happiness (valence)",
    "duration_ms": "duration in milliseconds",
    "playlist_id": "id of the playlist",
    "playlist_name": "name of the playlist",
    "time_signature": "time signature",
}
_ENOUGH = 0.5
_ID_KINDS = ("spotify track", "id22", "mbid", "isrc")
_FOREIGN_KINDS = ("spotify artist", "spotify album", "spotify playlist", "spotify user")
_NAME_FIELDS = ("title", "artists", "album", "playlist_name")
_MANY = 10
_MIN_ROWS = 50
_MAX_CELLS = 200_000
_SHOWN = 40
_ARTIST_AND_TITLE = re.compile(r"\S +[-–—] +\S")


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """A column that is read as ``field``.

    ``evidence`` is ``request`` (chosen by the importing person), ``format`` (a name of the file's
    format), ``name`` or ``content``. ``note`` mentions alternatives.
    """

    field: str
    at: int
    header: str
    evidence: str
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json`` and the job."""
        row = {"field": self.field, "column": self.header, "evidence": self.evidence}
        return {**row, "note": self.note}


@dataclass(frozen=True, slots=True)
class PassedOverColumn:
    """A column that is not read; ``note`` describes its content or the reason."""

    at: int
    header: str
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json`` and the job."""
        return {"column": self.header, "note": self.note}


@dataclass(frozen=True, slots=True)
class ColumnWarning:
    """A warning about the columns.

    ``choice`` is the option that maps the columns otherwise (``title=song_name``), "" without a
    better mapping.
    """

    text: str
    choice: str = ""

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json`` and the job."""
        return {"text": self.text, "choice": self.choice}


@dataclass(frozen=True)
class ColumnMapping:
    """Mapped columns, unused columns and warnings.

    ``id_columns`` are the numbers of all columns of track ids, the strongest first; the first one
    is read.
    """

    mapped: tuple[MappedColumn, ...] = ()
    passed_over: tuple[PassedOverColumn, ...] = ()
    warnings: tuple[ColumnWarning, ...] = ()
    id_columns: tuple[int, ...] = ()

    @property
    def places(self) -> dict[str, int]:
        """Column numbers by field."""
        return {column.field: column.at for column in self.mapped}

    @property
    def unknown_attributes(self) -> list[str]:
        """Attributes without a column."""
        return [name for name in ATTRIBUTE_NAMES if name not in self.places]

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json`` and the job."""
        return {
            "mapped": [column.to_json() for column in self.mapped],
            "passed_over": [column.to_json() for column in self.passed_over],
            "warnings": [warning.to_json() for warning in self.warnings],
            "unknown_attributes": self.unknown_attributes,
        }


@dataclass(frozen=True)
class _Column:
    at: int
    header: str
    name: ColumnName
    content: ColumnContent


@dataclass
class _Candidate:
    column: _Column
    field: str
    score: float
    evidence: str
    reasons: list[str] = field(default_factory=list)


def recognise_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    fields: Collection[str] = FIELDS,
    fixed: Sequence[MappedColumn] = (),
    preferred: Mapping[str, int] = MappingProxyType({}),
    any_id: bool = True,
) -> ColumnMapping:
    """Map the columns of a table to fields.

    Parameters
    ----------
    header
        Names of the columns.
    rows
        Rows of the table, of which at most a thousand, spread evenly, are examined. A row may be
        shorter than the header.
    fields
        Fields to look for.
    fixed
        Columns with a certain field; only the other fields are looked for.
    preferred
        Columns by field that are chosen unless another one is clearly better.
    any_id
        Whether ids may be of any kind ("7", "fx0042") or must be Spotify's.
    """
    sample = sample_rows(rows, min(SAMPLE_ROWS, max(_MIN_ROWS, _MAX_CELLS // max(len(header), 1))))
    columns = [
        _Column(
            at,
            format_value(name),
            parse_column_name(name),
            summarise_column([row[at] if at < len(row) else None for row in sample]),
        )
        for at, name in enumerate(header)
    ]
    assigned = {column.at: column.field for column in fixed}
    open_fields = [name for name in fields if name not in assigned.values()]
    candidates = [
        candidate
        for column in columns
        if column.at not in assigned
        for candidate in _candidates(column, open_fields)
    ]
    if not any_id:
        candidates = [one for one in candidates if _is_acceptable_id(one, preferred)]
    _prefer(candidates, preferred)
    _compare_titles(candidates, columns)
    chosen = _assign(candidates)
    chosen += _remaining(columns, preferred, chosen)
    mapped = [*fixed, *(_mapped(one, candidates) for one in chosen)]
    order = list(dict.fromkeys((*CORE_FIELDS, "album", *FIELDS)))
    mapped.sort(key=lambda column: order.index(column.field))
    ids = _id_columns(columns, mapped)
    warnings = _warnings(columns, mapped, candidates, fields)
    return ColumnMapping(
        tuple(mapped),
        tuple(_passed_over(columns, mapped, candidates, ids)),
        tuple(warnings),
        tuple(ids),
    )


def _candidates(column: _Column, fields: Sequence[str]) -> list[_Candidate]:
    candidates: list[_Candidate] = []
    for meaning in column.name.meanings:
        if meaning.field not in fields:
            continue
        fit = _fit(meaning.field, column)
        if fit is not None and meaning.strength + fit >= _ENOUGH:
            candidates.append(_Candidate(column, meaning.field, meaning.strength + fit, "name"))
    if "external_id" in fields and not any(one.field == "external_id" for one in candidates):
        score = _id_by_content(column)
        if score:
            candidates.append(_Candidate(column, "external_id", score, "content"))
    return candidates


def _is_acceptable_id(one: _Candidate, preferred: Mapping[str, int]) -> bool:
    if one.field != "external_id" or one.column.at == preferred.get("external_id"):
        return True
    return one.column.content.share("spotify track", "id22") >= 0.5


def _prefer(candidates: Sequence[_Candidate], preferred: Mapping[str, int]) -> None:
    for one in candidates:
        if preferred.get(one.field) == one.column.at:
            one.score += 0.06
            one.evidence = "format"


def _remaining(
    columns: Sequence[_Column], preferred: Mapping[str, int], chosen: Sequence[_Candidate]
) -> list[_Candidate]:
    """Return the preferred columns of fields without a better candidate."""
    fields = {one.field for one in chosen}
    used = {one.column.at for one in chosen}
    return [
        _Candidate(columns[at], name, 0.0, "format")
        for name, at in preferred.items()
        if name not in fields
        and at not in used
        and columns[at].content.share(*_FOREIGN_KINDS) < 0.5
    ]


def _fit(name: str, column: _Column) -> float | None:
    """Return the content's contribution to the evidence for a field; None if it refutes it."""
    content = column.content
    if not content.filled:
        return -0.2
    if name in BY_NAME:
        return _attribute_fit(name, column)
    if name in _NAME_FIELDS:
        return _text_fit(name, column)
    match name:
        case "external_id":
            return _id_fit(column)
        case "year":
            dates = content.share("date")
            years = sum(1000 <= value <= 2200 for value in content.numbers) / content.filled
            texts = content.share("text") if _holds_years(content) else 0.0
            return 0.0 if dates + years + texts >= 0.5 else None
        case "duration_ms":
            return 0.0 if content.share("number") >= 0.5 else None
        case "duration":
            return 0.0 if content.share("number", "clock", "text") >= 0.5 else None
        case "key" | "mode" | "time_signature":
            if content.share("number") >= 0.5:
                return 0.0 if all(-1 <= v <= 64 for v in content.numbers) else None
            return 0.0 if content.share("text", "date") >= 0.5 and _is_short(content) else None
        case "genre" | "subgenre" | "emotion":
            return 0.0 if content.share("text", "mixed") >= 0.5 else None
        case "lyrics":
            return 0.0 if content.share("text") >= 0.5 else None
    return 0.0


def _attribute_fit(name: str, column: _Column) -> float | None:
    content = column.content
    if name == "explicit":
        flags = content.share("flag", "text") + sum(v in (0, 1) for v in content.numbers) / (
            content.filled
        )
        return 0.0 if flags >= 0.5 else None
    if content.share("number") < 0.5:
        return None
    attribute = BY_NAME[name]
    high = 100.0 if name in SHARES else attribute.high
    values = content.numbers
    if sum(attribute.low <= value <= high for value in values) < 0.5 * len(values):
        return None
    if column.name.strength(name) < 0.7 and len(values) >= _MANY and set(values) <= {0.0, 1.0}:
        return None  # "pop", "live": whether it is of that genre or kind
    if name == "loudness" and len(set(values)) > 2 and min(values) >= 0 and max(values) <= 1:
        return None  # rescaled from 0 to 1: no decibels
    return 0.0


def _text_fit(name: str, column: _Column) -> float | None:
    content = column.content
    if content.share("address", *_ID_KINDS, *_FOREIGN_KINDS) >= 0.5:
        return None
    if content.share("number", "flag", "clock") >= 0.9 and content.filled > 2:
        # A number of the track, or songs that are called "1989" and "7".
        return None if content.is_row_number or column.name.strength(name) < 0.87 else -0.35
    fit = -0.5 if content.filled_share < 0.05 else -0.05 * (1.0 - content.filled_share)
    if name == "title" and content.filled > 5 * _MANY and content.distinct < 0.1 * content.filled:
        fit -= 0.3  # names of playlists, shows, albums
    if content.is_constant and content.filled > _MANY and name == "title":
        fit -= 0.3
    return fit


def _id_fit(column: _Column) -> float | None:
    content = column.content
    if content.is_constant or content.share(*_FOREIGN_KINDS) >= 0.5:
        return None
    if content.share("id22") >= 0.9:
        return 0.3
    if content.share("spotify track") >= 0.5:
        return 0.25
    if content.share("spotify track", "id22") >= 0.5:
        return 0.2
    if content.share("mbid") >= 0.5:
        return 0.1
    if content.share("isrc") >= 0.5:
        return 0.05
    if "address" in column.name.concepts or "isrc" in column.name.concepts:
        return None
    if content.share("address", "flag", "clock", "date") >= 0.5:
        return None
    return 0.0


def _id_by_content(column: _Column) -> float:
    """Return the strength of the evidence for track ids from the content alone."""
    name, content = column.name, column.content
    if not content.filled or content.is_constant:
        return 0.0
    if content.share("spotify track") >= 0.9 and not name.concepts & {"other"}:
        return 0.85
    subjects = {"artist", "album", "playlist", "person", "other", "video", "genre"}
    if content.share("id22") >= 0.9 and not name.concepts & subjects:
        return 0.7
    return 0.0


def _compare_titles(candidates: list[_Candidate], columns: Sequence[_Column]) -> None:
    """Lower the score of a title that contains another candidate, as titles of videos do."""
    titles = [one for one in candidates if one.field == "title"]
    if len(titles) < 2:
        return
    about_videos = any("video" in column.name.concepts for column in columns)
    for one in titles:
        for other in titles:
            if one is other:
                continue
            longer = _share_contained(other.column.content, one.column.content)
            if longer >= 0.3:
                one.score -= 0.5
                one.reasons.append(f"it holds the text of {_quote(other.column)} and more")
                break
        else:
            if about_videos and one.column.name.concepts == {"title"}:
                one.score -= 0.2
                one.reasons.append("it may be the title of a video")


def _share_contained(inner: ColumnContent, outer: ColumnContent) -> float:
    """Return the share of rows whose outer text is longer than the inner one and contains it."""
    pairs = [(a, b) for a, b in zip(inner.texts, outer.texts, strict=True) if a and b]
    if not pairs:
        return 0.0
    held = sum(len(a) > 2 and a != b and a.casefold() in b.casefold() for a, b in pairs)
    return held / len(pairs)


def _assign(candidates: list[_Candidate]) -> list[_Candidate]:
    chosen: dict[str, _Candidate] = {}
    used: set[int] = set()
    for one in sorted(candidates, key=lambda one: (-one.score, one.column.at)):
        if one.score < _ENOUGH or one.field in chosen or one.column.at in used:
            continue
        if one.field == "duration" and "duration_ms" in chosen:
            continue
        chosen[one.field] = one
        used.add(one.column.at)
    return list(chosen.values())


def _mapped(one: _Candidate, candidates: Sequence[_Candidate]) -> MappedColumn:
    others = [
        other.column
        for other in candidates
        if other.field == one.field and other is not one and other.column.content.filled
    ]
    note = f"rather than {_list(others)}" if others else ""
    if one.evidence == "content":
        note = "; ".join(filter(None, (one.column.content.label, note)))
    return MappedColumn(one.field, one.column.at, one.column.header, one.evidence, note)


def _id_columns(columns: Sequence[_Column], mapped: Sequence[MappedColumn]) -> list[int]:
    first = [column.at for column in mapped if column.field == "external_id"]
    used = {column.at for column in mapped}
    scored: list[tuple[float, int]] = []
    for column in columns:
        if column.at in used:
            continue
        strength = column.name.strength("external_id")
        fit = _id_fit(column) if strength else None
        score = strength + fit if fit is not None else _id_by_content(column)
        if score >= _ENOUGH and column.content.filled:
            scored.append((-score, column.at))
    return first + [at for _, at in sorted(scored)]


def _passed_over(
    columns: Sequence[_Column],
    mapped: Sequence[MappedColumn],
    candidates: Sequence[_Candidate],
    ids: Sequence[int],
) -> list[PassedOverColumn]:
    used = {column.at for column in mapped}
    by_field = {column.field: column for column in mapped}
    headers: dict[str, int] = {}
    rows: list[PassedOverColumn] = []
    for column in columns:
        first = headers.setdefault(column.header, column.at)
        if column.at in used:
            continue
        rivals = [one for one in candidates if one.column is column and one.field in by_field]
        note = ""
        if first != column.at:
            note = "a second column of this name"
        elif rivals:
            winner = by_field[rivals[0].field]
            reason = f": {rivals[0].reasons[0]}" if rivals[0].reasons else ""
            note = f"could be the {field_label(winner.field)} too, '{winner.header}' was taken"
            note += reason
        elif not column.content.filled and column.content.texts:
            note = "empty"
        elif column.content.share(*_FOREIGN_KINDS, *_ID_KINDS, "address") >= 0.9:
            note = column.content.label
        elif column.name.meanings and column.name.meanings[0].strength >= _ENOUGH:
            meant = column.name.meanings[0].field
            if meant not in by_field and _fit(meant, column) is None:
                note = f"named like the {field_label(meant)}, but holds {_holds(column)}"
        if column.at in ids and column.content.share(*_ID_KINDS) >= 0.5:
            note = "; ".join(filter(None, (note, "its ids are kept beside")))
        rows.append(PassedOverColumn(column.at, column.header, note))
    return rows


def _warnings(
    columns: Sequence[_Column],
    mapped: Sequence[MappedColumn],
    candidates: Sequence[_Candidate],
    fields: Collection[str],
) -> list[ColumnWarning]:
    used = {column.at: column for column in mapped}
    warnings: list[ColumnWarning] = []
    for name in CORE_FIELDS:
        if name not in fields:
            continue
        chosen = next((column for column in mapped if column.field == name), None)
        rest = [column for column in columns if column.at not in used]
        if chosen is None:
            likely = [column for column in rest if _may_be(name, column)]
            if likely:
                warnings.append(
                    ColumnWarning(
                        f"no column was read as the {field_label(name)}, but {_list(likely)} may "
                        f"hold {'them' if name == 'artists' else 'it'}: {_examples(likely[0])}",
                        f"{name}={likely[0].header}",
                    )
                )
            elif name == "artists":
                warnings += _artists_in_titles(columns, mapped)
            continue
        column = columns[chosen.at]
        if chosen.evidence == "request":
            continue
        warnings += _doubts(name, column, rest, candidates)
    return warnings


def _artists_in_titles(
    columns: Sequence[_Column], mapped: Sequence[MappedColumn]
) -> list[ColumnWarning]:
    """Warn of titles such as "Ada - Noon" in a table without artists."""
    title = next((columns[column.at] for column in mapped if column.field == "title"), None)
    if title is None:
        return []
    both = sum(bool(_ARTIST_AND_TITLE.search(text)) for text in title.content.texts)
    if not title.content.filled or both < 0.6 * title.content.filled:
        return []
    text = (
        f"no column was read as the artists, but the title {_quote(title)} seems to hold them too: "
        f"{_examples(title)}. Two columns, artist and title, would be read"
    )
    return [ColumnWarning(text)]


def _doubts(
    name: str, column: _Column, rest: Sequence[_Column], candidates: Sequence[_Candidate]
) -> list[ColumnWarning]:
    """Warn of chosen columns that are empty or odd while another one may hold the field."""
    content = column.content
    if len(content.texts) and content.filled_share < 0.5:
        fuller = [
            other
            for other in rest
            if other.content.filled_share > content.filled_share and _may_be(name, other)
        ]
        if fuller:
            text = (
                f"the {field_label(name)} {_quote(column)} is empty in "
                f"{1 - content.filled_share:.0%} of the rows; {_list(fuller)} may "
                f"hold {'them' if name == 'artists' else 'it'}: "
                f"{_examples(fuller[0])}"
            )
            return [ColumnWarning(text, f"{name}={fuller[0].header}")]
    if name == "external_id" and content.share(*_ID_KINDS) < 0.5:
        stronger = [other for other in rest if other.content.share("spotify track", "id22") >= 0.9]
        stronger = [other for other in stronger if _may_be(name, other)]
        if stronger:
            text = (
                f"the id was read from {_quote(column)} ({_holds(column)}), but "
                f"{_list(stronger)} holds {stronger[0].content.label}"
            )
            return [ColumnWarning(text, f"{name}={stronger[0].header}")]
    if name in ("title", "artists") and content.filled > 2:
        odd = content.share("number", "address", "flag", *_ID_KINDS, *_FOREIGN_KINDS)
        if odd >= 0.9:
            text = (
                f"the {field_label(name)} was read from {_quote(column)}, which holds "
                f"{_holds(column)}: {_examples(column)}"
            )
            return [ColumnWarning(text)]
    reasons = [
        reason
        for one in candidates
        if one.field == name and one.column.at == column.at
        for reason in one.reasons
    ]
    if reasons:
        text = f"the {field_label(name)} was read from {_quote(column)}, but {reasons[0]}"
        return [ColumnWarning(text)]
    return []


def _may_be(name: str, column: _Column) -> bool:
    """Return whether an unused column may hold a field: half of the usual evidence suffices."""
    content, concepts = column.content, column.name.concepts
    if not content.filled or content.is_constant:
        return False
    if name == "external_id":
        if content.share("spotify track") >= 0.5:
            return True
        if concepts & {"artist", "album", "playlist", "person", "genre", "video", "other"}:
            return False
        return content.share("id22", "isrc", "mbid") >= 0.9
    if content.share("text") < 0.5:
        return False
    if name == "artists":
        if "title" in concepts or "track" in concepts:
            return False
        return bool(concepts & {"artist", "person", "name"}) and not concepts & {
            "other",
            "id",
            "address",
            "date",
            "release",
            "playlist",
        }
    if column.name.strength("title"):
        return True
    return bool(concepts & {"title", "track", "name", "video"}) and not concepts & {
        "other",
        "id",
        "address",
        "date",
        "artist",
        "album",
        "playlist",
        "genre",
        "person",
    }


def _holds_years(content: ColumnContent) -> bool:
    texts = [text for text in content.texts if text]
    with_year = sum(any(part.isdigit() and len(part) == 4 for part in t.split()) for t in texts)
    return with_year >= 0.5 * len(texts)


def _is_short(content: ColumnContent) -> bool:
    return all(len(text) <= 12 for text in content.texts)


def field_label(name: str) -> str:
    """Return the name of a field for people."""
    return FIELD_LABELS.get(name, name)


def _holds(column: _Column) -> str:
    return column.content.label or "cells of several kinds"


def _quote(column: _Column) -> str:
    return f"'{_short(column.header)}'"


def _list(columns: Sequence[_Column]) -> str:
    names = [_quote(column) for column in columns[:3]]
    more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
    return ", ".join(names) + more


def _examples(column: _Column) -> str:
    distinct = list(dict.fromkeys(text for text in column.content.texts if text))[:2]
    return ", ".join(f"“{_short(text)}”" for text in distinct)


def _short(text: str) -> str:
    text = format_value(" ".join(text.split()))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
