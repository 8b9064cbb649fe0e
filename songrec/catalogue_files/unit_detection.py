"""Range of energy, danceability and the like in a file: unit (0–1) or percent (0–100)."""

from __future__ import annotations

from songrec.catalogue_files import cell_values
from songrec.catalogue_files.column_recognition import ColumnMapping
from songrec.catalogue_files.dialect_detection import locate_columns
from songrec.catalogue_files.dialects import Dialect
from songrec.catalogue_files.numerals import NumberFormat
from songrec.catalogue_files.reading import Batch, Table

# A comma in a share can only be a decimal comma.
_SHARES = cell_values.CellFormat(NumberFormat(comma="decimal"))
_SAMPLED = ("energy", "danceability", "positiveness")


def detect_scale(
    dialect: Dialect,
    table: Table,
    sample: Batch,
    requested: str = "auto",
    columns: ColumnMapping | None = None,
) -> str:
    """Return ``unit`` or ``percent``: as requested, as the dialect declares, or from a sample.

    Percent if more than half of the sampled energy, danceability and positiveness values exceed 1:
    none does on a scale from 0 to 1, nearly all do on one from 0 to 100. Values with a percent sign
    are ignored.
    """
    scale = requested if requested != "auto" else dialect.scale
    if scale != "auto":
        return scale
    positions = columns.places if columns else locate_columns(dialect, table.header)
    above = finite = 0
    for name in _SAMPLED:
        if name not in positions:
            continue
        for row in sample.rows:
            try:
                value = cell_values.number(row[positions[name]], _SHARES)
            except ValueError:
                continue
            if value is not None:
                finite += 1
                above += value > 1.0
    return "percent" if above * 2 > finite else "unit"
