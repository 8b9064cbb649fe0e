"""Whatever a CSV file holds, its rows come out as they went in, or are named."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.catalogue_files.reading import open_text
from songrec.catalogue_files.rejects import Reject
from songrec.core.errors import BadInput

NAMES = ("title", "artist", "album", "year", "genre")
text_cells = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff")
    | st.sampled_from("\"\\,;\n' \t|"),
    max_size=8,
)
tables = st.integers(2, 5).flatmap(
    lambda width: st.lists(
        st.lists(text_cells, min_size=width, max_size=width), min_size=1, max_size=6
    )
)


def read(text: str) -> tuple[list[list[str]], list[Reject]]:
    rows = [cells for _, cells in open_text(text.encode(), "songs.csv").rows()]
    return (
        [cells for cells in rows if not isinstance(cells, Reject)],
        [cells for cells in rows if isinstance(cells, Reject)],
    )


@settings(max_examples=300, deadline=None)
@given(
    rows=tables,
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_well_formed_rows_come_out_as_they_went_in(rows, delimiter, quoting, end):
    header = list(NAMES[: len(rows[0])])
    out = io.StringIO(newline="")
    # Python leaves a line feed without quotes where lines end with CR alone.
    quoting = csv.QUOTE_ALL if end == "\r" else quoting
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([header, *rows])
    good, rejects = read(out.getvalue())
    assert good == [
        cells for cells in rows if any(cell.strip() for cell in cells) and cells != header
    ]
    assert len(rejects) == sum(cells == header for cells in rows)


words = st.text("abcXYZ 019", min_size=1, max_size=6).filter(str.strip)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.tuples(words, words, words).map(list), min_size=2, max_size=8),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    at=st.data(),
)
def test_a_stray_quote_costs_one_row_at_most(rows, quoting, at):
    header = list(NAMES[:3])
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator="\n").writerows(rows)
    lines = out.getvalue().splitlines()
    damaged = at.draw(st.integers(0, len(lines) - 1))
    place = at.draw(st.integers(0, len(lines[damaged])))
    lines[damaged] = f'{lines[damaged][:place]}"{lines[damaged][place:]}'
    good, rejects = read("\n".join([",".join(header), *lines, ""]))
    others = rows[:damaged] + rows[damaged + 1 :]
    assert len(good) + len(rejects) == len(rows)
    assert [cells for cells in good if cells in others] == others or (
        len(good) == len(rows) and good[:damaged] + good[damaged + 1 :] == others
    )


@settings(max_examples=300, deadline=None)
@given(
    content=st.binary(max_size=300) | st.text("a,;\"\\\n\r\t' =sep#", max_size=80).map(str.encode)
)
def test_any_bytes_are_rows_or_one_line_of_error(content):
    try:
        table = open_text(content, "songs.csv")
    except BadInput as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
    if message:
        return
    for line, cells in table.rows():
        assert line > 1
        assert isinstance(cells, Reject) or len(cells) == len(table.header)
