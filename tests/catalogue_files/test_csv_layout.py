"""How CSV files write their rows, and where their columns are."""

from __future__ import annotations

import gzip

import pytest

from songrec.catalogue_files.reading import TextTable, open_text
from songrec.catalogue_files.rejects import Reject
from songrec.core.errors import BadInput


def opened(text: str | bytes, **options) -> tuple[TextTable, list, list]:
    content = text.encode() if isinstance(text, str) else text
    table = open_text(content, "songs.csv")
    rows, rejects = [], []
    for _, cells in table.rows(**options):
        (rejects if isinstance(cells, Reject) else rows).append(cells)
    return table, rows, [(reject.row, reject.reason) for reject in rejects]


@pytest.mark.parametrize(
    ("first", "delimiter"),
    [("sep=;", ";"), ('"sep=|"', "|"), ("SEP=,", ","), ("sep=\t", "\t"), ("sep=\\t", "\t")],
)
def test_a_line_that_names_the_delimiter_is_no_header(first, delimiter):
    text = f"{first}\r\ntitle,artist\r\nOne,Ada\r\n".replace(",a", f"{delimiter}a").replace(
        ",A", f"{delimiter}A"
    )
    table, rows, _ = opened(text)
    assert table.delimiter == delimiter
    assert table.header == ["title", "artist"]
    assert rows == [["One", "Ada"]]


def test_a_delimiter_that_the_file_does_not_have_is_not_believed():
    assert opened("sep=,\ntitle;artist\nOne;Ada\n")[0].delimiter == ";"


def test_backslashes_before_delimiters_are_no_text():
    text = "title\tartist\nOne\\\tTwo\tAda\nThree\tAC\\\\DC\n"
    assert opened(text)[1] == [["One\tTwo", "Ada"], ["Three", "AC\\DC"]]
    # Only where the row is too wide without.
    assert opened("title,artist\nC:\\,Ada\n")[1] == [["C:\\", "Ada"]]


def test_lines_are_counted_from_the_top_of_the_file():
    table, _, rejects = opened("sep=;\n\ntitle;artist\nOne;Ada\nTwo\n")
    assert table.header == ["title", "artist"]
    assert rejects == [(5, "has 1 cell, the header has 2")]


def test_a_title_above_the_header_is_passed_over():
    table, rows, _ = opened("My songs\nexported today\nartist,title\nAda,One\nBo,Two\n")
    assert table.header == ["artist", "title"]
    assert rows == [["Ada", "One"], ["Bo", "Two"]]


def test_comments_above_the_header_are_passed_over():
    table, rows, _ = opened("# by a program, version 1\n#\ntitle,artist,year\nOne,Ada,1\n")
    assert (table.header, rows) == (["title", "artist", "year"], [["One", "Ada", "1"]])
    assert opened("#,title\n1,One\n")[0].header == ["#", "title"]


def test_a_single_column_with_commas_in_its_cells_stays_one_column():
    table, rows, _ = opened("title\nOne, Two\nBuckle, My Shoe\n")
    assert table.header == ["title"]
    assert rows == [["One, Two"], ["Buckle, My Shoe"]]


def test_quotes_after_a_blank_open_cells():
    table, rows, _ = opened(
        'title, artist, year\n"One, Two", "Ada", 2001\n"Three", "Bo, Cy", 2002\n'
    )
    assert table.header == ["title", "artist", "year"]
    assert rows == [["One, Two", "Ada", "2001"], ["Three", "Bo, Cy", "2002"]]


def test_backslashes_before_quotes_are_no_text():
    text = 'title,artist\n"Say \\"No\\", Ada","C:\\\\"\n"\\"Stay\\"",Bo\nPlain,\\N\n'
    _, rows, _ = opened(text)
    assert rows == [['Say "No", Ada', "C:\\"], ['"Stay"', "Bo"], ["Plain", "\\N"]]


def test_a_backslash_before_a_closing_quote_is_text_where_quotes_are_doubled():
    _, rows, _ = opened('title,artist\n"C:\\",Ada\n"a ""b\\""",Bo\n')
    assert rows == [["C:\\", "Ada"], ['a "b\\"', "Bo"]]


def test_one_row_with_backslashes_among_doubled_quotes_is_read():
    _, rows, _ = opened('title,artist\n"a ""b""",Ada\n"\\"c\\", d",Bo\n"e, f",Cy\n')
    assert rows == [['a "b"', "Ada"], ['"c", d', "Bo"], ["e, f", "Cy"]]


def test_quotes_inside_a_quoted_cell_that_nobody_doubled_are_text():
    _, rows, _ = opened('title,artist\n"The "Best" Song",Ada\n"7" mix, long",Bo\n"x",Cy\n')
    assert rows == [['The "Best" Song', "Ada"], ['7" mix, long', "Bo"], ["x", "Cy"]]


def test_apostrophes_around_every_cell_are_quotes():
    table, rows, _ = opened("'title','artist'\n'One, Two','Ada'\n'Don''t','Bo'\n")
    assert table.header == ["title", "artist"]
    assert rows == [["One, Two", "Ada"], ["Don't", "Bo"]]


def test_lines_that_were_quoted_as_a_whole_are_unwrapped():
    table, rows, _ = opened('"title,artist"\n"One,Ada"\n"""Two, Three"",Bo"\n')
    assert table.header == ["title", "artist"]
    assert rows == [["One", "Ada"], ["Two, Three", "Bo"]]


def test_rows_that_were_quoted_as_a_whole_are_unwrapped_under_a_plain_header():
    table, rows, _ = opened('title,artist\n"""One, Two"",Ada"\n"Three,Bo"\nFour,Cy\n')
    assert table.header == ["title", "artist"]
    assert rows == [["One, Two", "Ada"], ["Three", "Bo"], ["Four", "Cy"]]


@pytest.mark.parametrize(
    "text",
    [
        '"title","artist"\n"1","One","Ada"\n"2","Two","Bo"\n',
        "title,artist\n1,One,Ada\n2,Two,Bo\n",
        '"title","artist"\n"row a","One","Ada"\n"row b","Two","Bo"\n',
        "title\tartist\na\tOne\tAda\nb\tTwo\tBo\n",
    ],
)
def test_names_of_rows_without_a_header_are_passed_over_and_reported(text):
    table, rows, _ = opened(text)
    assert rows == [["One", "Ada"], ["Two", "Bo"]]
    assert "one cell more than the header" in str(table.assumptions[0])


def test_rows_one_cell_too_long_are_not_moved_where_the_first_cells_are_no_names():
    _, rows, rejects = opened("title,artist\nOne,Two,Ada\nOne,Three,Bo\n")
    assert rows == []
    assert [line for line, _ in rejects] == [2, 3]


def test_delimiters_at_the_ends_of_all_rows_are_passed_over():
    assert opened("title,artist\nOne,Ada,\nTwo,Bo,\n")[1] == [["One", "Ada"], ["Two", "Bo"]]
    assert opened("title,artist,\nOne,Ada\nTwo,Bo\n")[1] == [["One", "Ada"], ["Two", "Bo"]]
    table, rows, _ = opened("title,artist,\nOne,Ada,\n")
    assert (table.header, rows) == (["title", "artist", ""], [["One", "Ada", ""]])


def test_a_single_row_with_a_delimiter_too_many_may_be_split_wrongly_and_is_named():
    _, rows, rejects = opened("title,artist,album\n" + "One,Ada,A\n" * 20 + "Two, Three,Bo,\n")
    assert len(rows) == 20
    assert rejects == [(22, "has 4 cells, the header has 3")]


def test_rows_of_delimiters_only_are_blank_lines():
    _, rows, rejects = opened("title;artist\nOne;Ada\n;\n ; \nTwo;Bo\n")
    assert rows == [["One", "Ada"], ["Two", "Bo"]]
    assert rejects == []


def test_a_header_that_occurs_again_is_no_row():
    _, rows, rejects = opened("title,artist\nOne,Ada\ntitle,artist\nTwo,Bo\n")
    assert rows == [["One", "Ada"], ["Two", "Bo"]]
    assert rejects == [(3, "repeats the header")]


def test_a_stray_quote_that_closes_in_a_later_row_costs_its_own_line():
    text = 'title,artist,year\n"One,Ada,1\nTwo,Bo,2\nThree",Cy,3\n"Four, Five",Di,4\n'
    _, rows, rejects = opened(text)
    assert rows == [["Two", "Bo", "2"], ['Three"', "Cy", "3"], ["Four, Five", "Di", "4"]]
    assert rejects == [(2, "opens a quote that is not closed")]


def test_a_row_of_many_lines_with_a_cell_too_few_is_one_reject():
    _, rows, rejects = opened('title,artist,text\nOne,"la\nla\nla"\nTwo,Bo,x\n')
    assert rows == [["Two", "Bo", "x"]]
    assert rejects == [(2, "has 2 cells, the header has 3")]


def test_rows_of_other_widths_are_returned_on_demand():
    _, rows, rejects = opened("title,artist\nOne\nTwo,Bo,x\n", any_width=True)
    assert rows == [["One"], ["Two", "Bo", "x"]]
    assert rejects == []


def test_the_header_decides_between_delimiters_by_the_rows_below():
    table, rows, _ = opened("title;artist, main;year\nOne;Ada;2001\nTwo;Bo;2002\n")
    assert table.header == ["title", "artist, main", "year"]
    assert rows == [["One", "Ada", "2001"], ["Two", "Bo", "2002"]]


def test_content_may_be_zipped_and_is_refused_by_its_name():
    assert opened(gzip.compress(b"title,artist\nOne,Ada\n"))[1] == [["One", "Ada"]]
    with pytest.raises(BadInput, match=r"^songs.csv: the file is empty"):
        open_text(b"", "songs.csv")
    with pytest.raises(BadInput, match="a PDF document, not a CSV file"):
        open_text(b"%PDF-1.7 ...", "songs.csv")
    with pytest.raises(BadInput, match="nothing but blank lines"):
        open_text(b" \n\n", "songs.csv")
