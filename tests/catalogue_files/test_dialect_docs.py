"""The example of docs/adding-a-dialect.md works as the page says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from songrec.catalogue_files import dialects
from songrec.catalogue_files.dialect_detection import detect_dialect
from songrec.catalogue_files.reading import open_table
from songrec.catalogue_files.row_parser import RowParser


@pytest.fixture
def page(request: pytest.FixtureRequest) -> str:
    path = request.config.rootpath / "docs" / "adding-a-dialect.md"
    return path.read_text(encoding="utf-8")


def test_the_documented_dialect_reads_the_documented_file(page: str, tmp_path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (content,) = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    namespace: dict[str, Any] = {"Dialect": dialects.Dialect}
    exec(code, namespace)
    path = tmp_path / "archive.csv"
    path.write_text(content, encoding="utf-8")
    table = open_table(path)
    dialect = detect_dialect(table.header, None, (*dialects.DIALECTS, namespace["RADIO_ARCHIVE"]))
    assert dialect.name == "radio-archive"
    (batch,) = table.batches()
    rows, rejects, _ = RowParser(dialect, table, scale="unit", source="archive").parse(batch)
    assert [row.fields["title"] for row in rows] == ["Morning", "Noon"]
    assert [row.fields["duration_ms"] for row in rows] == [185_000, 178_000]
    energy = dialects.ATTRIBUTE_NAMES.index("energy")
    assert [row.attributes[energy] for row in rows] == [0.2, 0.8]
    assert [str(reject) for reject in rejects] == ["row 4: Power 'unknown' holds no value"]


def test_the_page_lists_every_field_and_every_attribute_of_a_dialect(page: str) -> None:
    for name in dialects.FIELDS[len(dialects.ATTRIBUTE_NAMES) :]:
        assert f"`{name}`" in page
    for name in dialects.Dialect.__dataclass_fields__:
        assert f"| `{name}` |" in page
