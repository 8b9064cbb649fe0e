"""CSV files without formulas, whose texts the project's own readers give back."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import songrec
from songrec.catalogue_files import cell_values
from songrec.core.csv_output import CsvDictWriter, CsvWriter, defuse_formula, restore_text
from songrec.services.listeners.list_formats.entries import artist_line, one_line

HOSTILE = (
    "=1+1",
    "=HYPERLINK(1)",
    "+44 call",
    "-cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "-1+2",
    "-1e5-2",
    "'=1",
    "''@x",
)
HARMLESS = ("", "Song", "'Til", "1", "-5.3", "+3", "-1,5", "-1e-5", "-.5", "12%", "a=b", None, -1.5)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_is_defused_and_read_back(text: str) -> None:
    out = io.StringIO()
    CsvWriter(out).writerow([text, 1])
    CsvDictWriter(out, ["title", "more"]).writerow({"title": text})
    for cell, _ in csv.reader(io.StringIO(out.getvalue(), newline="")):
        assert cell.startswith("'")
        assert restore_text(cell) == text
        plain = " ".join(text.split())
        assert cell_values.line(cell) == one_line(cell) == artist_line(cell) == plain


@pytest.mark.parametrize("value", HARMLESS)
def test_numbers_and_plain_texts_stay(value: object) -> None:
    assert defuse_formula(value) == value


@given(st.text(alphabet="'=+-@\t\r\n1a", max_size=6))
def test_every_text_comes_back(text: str) -> None:
    assert restore_text(defuse_formula(text)) == text


def test_a_name_that_is_no_column_is_an_error() -> None:
    with pytest.raises(ValueError, match="other"):
        CsvDictWriter(io.StringIO(), ["title"]).writerow({"other": 1})


def test_all_csv_is_written_here() -> None:
    folder = Path(songrec.__file__).parent
    writers = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if re.search(r"csv\.(writer|DictWriter)\(|\.to_csv\([^r]*path", path.read_text())
    }
    # A workbook becomes the text that lists are read from, which nobody opens.
    in_memory = {"services/listeners/list_formats/workbook.py"}
    assert writers == {"core/csv_output.py"} | in_memory
