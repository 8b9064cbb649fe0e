"""Whether a file's perceptual columns count from 0 to 1 or from 0 to 100."""

from __future__ import annotations

from songrec.catalogue_files import cell_values
from songrec.catalogue_files.dialect_detection import locate
from songrec.catalogue_files.dialects import Dialect
from songrec.catalogue_files.reading import Batch, Table

_SAMPLED = ("energy", "danceability", "positiveness")


def find_scale(dialect: Dialect, table: Table, sample: Batch, asked: str = "auto") -> str:
    """``unit`` or ``percent``: as asked, as the dialect says, or as the first rows look.

    Percent where more than half of the finite energy, danceability and positiveness values are
    above 1: on a scale of 0 to 1 none is, on one of 0 to 100 nearly all are.
    """
    wanted = asked if asked != "auto" else dialect.scale
    if wanted != "auto":
        return wanted
    places = locate(dialect, table.header)
    above = finite = 0
    for name in _SAMPLED:
        if name not in places:
            continue
        for row in sample.rows:
            try:
                value = cell_values.number(row[places[name]], decimal_comma=table.decimal_comma)
            except ValueError:
                continue
            if value is not None:
                finite += 1
                above += value > 1.0
    return "percent" if above * 2 > finite else "unit"
