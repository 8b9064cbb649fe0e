from __future__ import annotations

from datetime import date

import pytest

from songrec.catalogue_files.release_years import DateOrder, detect_date_order, parse_year

THIS_YEAR = date.today().year


@pytest.mark.parametrize(
    ("cell", "year"),
    [
        ("2019", 2019),
        ("2019-06-14", 2019),
        ("2019\u201306\u201314", 2019),
        ("14.06.2019", 2019),
        ("6/14/2019 0:00", 2019),
        ("6/14/19", 2019),
        ("14.6.84", 1984),
        ("6/14/84 0:00", 1984),
        ("20190614", 2019),
        ("14062019", 2019),
        ("20190614000000", 2019),
        ("201906", 2019),
        ("2019年6月14日", 2019),
        ("２０１９", 2019),
        ("'84", 1984),
        ("84", 1984),
        ("\u201984", 1984),
        ("14-Jun-19", 2019),
        ("Jun 14, '84", 1984),
        ("Jun-19", 2019),
        ("Juin-84", 1984),
        ("Fri Jun 14 00:00:00 +0000 2019", 2019),
        ("1969-12-31T23:59:59Z", 1969),
        ("43630", 2019),
        ("43630.0", 2019),
        ("1560470400", 2019),
        ("1560470400000", 2019),
        ("2,019", 2019),
        ("2.019", 2019),
        ("2 019", 2019),
        ("2.019E+03", 2019),
        ("c. 1984", 1984),
        ("1984/85", 1984),
    ],
)
def test_years_are_read_from_dates_of_all_kinds(cell, year):
    assert parse_year(cell) == year


@pytest.mark.parametrize(
    "cell",
    [
        "0",
        "0000",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "00.00.0000",
        "1/0/1900",
        "1900-01-00",
        "0001-01-01",
    ],
)
def test_dates_that_are_not_set_have_no_year(cell):
    assert parse_year(cell) is None


@pytest.mark.parametrize(
    "cell",
    [
        "06/07/08",
        "19-06-14",
        "########",
        "spring",
        "19 June",
        "18061",
        "20191614",
        "5",
        "40/40/40",
        "200306",
        "9999",
        "June 19",
    ],
)
def test_a_year_that_is_not_certain_is_not_guessed(cell):
    with pytest.raises(ValueError, match=r"year|date|days|place"):
        parse_year(cell)


def test_two_digits_are_a_year_of_this_century_unless_that_is_to_come():
    assert parse_year(f"1/2/{THIS_YEAR % 100:02}", DateOrder("last")) == THIS_YEAR
    later = (THIS_YEAR + 2) % 100
    assert parse_year(f"1/2/{later:02}", DateOrder("last")) == THIS_YEAR + 2 - 100


def test_the_column_tells_where_short_dates_have_their_year():
    assert detect_date_order(["06-07-08", "31-12-99"]) == DateOrder("last")
    assert detect_date_order(["06-07-08", "99-12-31"]) == DateOrder("first")
    assert detect_date_order(["06-07-08"]) == DateOrder(None)
    assert detect_date_order(["31-12-99", "99-12-31"]) == DateOrder(None)
    assert detect_date_order(["06/07/08"]) == DateOrder("last")
    assert detect_date_order(["06.07.08"]) == DateOrder("last")
    assert parse_year("06-07-08", DateOrder("first")) == 2006
    assert parse_year("06-07-08", DateOrder("last")) == 2008
