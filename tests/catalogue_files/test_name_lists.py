from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songrec.catalogue_files.name_lists import is_number_list, parse_name_list


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("['A', 'B']", ["A", "B"]),
        ("['A', \"B's\"]", ["A", "B's"]),
        ("['A' 'B']", ["A", "B"]),
        ('["A", "B"]', ["A", "B"]),
        ('["Beyonc\\u00e9", "AC\\/DC"]', ["Beyoncé", "AC/DC"]),
        ('["\\ud83d\\ude00"]', ["😀"]),
        ("[u'A', u'B']", ["A", "B"]),
        ("('A', 'B')", ["A", "B"]),
        ("('A',)", ["A"]),
        ("{'A','B'}", ["A", "B"]),
        ('{A,"B C"}', ["A", "B C"]),
        ("[{'name': 'A', 'id': 'x'}, {'name': \"B's\"}]", ["A", "B's"]),
        ('[{"name": "A", "label": {"name": "X"}}]', ["A"]),
        ('[{"name": "A"}, {"name": null}]', ["A"]),
        ("{'name': 'A'}", ["A"]),
        (r"[{'name': 'AC\DC'}]", [r"AC\DC"]),
        ("[{'genre_id': '21', 'genre_title': 'Hip-Hop'}]", ["Hip-Hop"]),
        ("['A', None, nan]", ["A"]),
        ("['Guns N' Roses', 'Tool']", ["Guns N' Roses", "Tool"]),
        ("[]", []),
        ("{}", []),
        ("['']", [""]),
    ],
)
def test_lists_are_read_as_programs_write_them(text, names):
    assert parse_name_list(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "A & B",
        "(G)I-DLE",
        "(Live)",
        "{A}",
        "[Unquoted]",
        "[Rock 'n' Roll]",
        "()",
        "",
        "[",
        "['A', B",
    ],
)
def test_brackets_alone_make_no_list(text):
    assert parse_name_list(text) is None


def test_entries_without_names_say_so():
    with pytest.raises(ValueError, match="without names"):
        parse_name_list("[{'id': 1}]")


def test_a_deeply_nested_cell_is_a_text():
    assert parse_name_list("[" * 9000 + "{" + "]" * 9000) is None


def test_lists_of_numbers_are_told_apart():
    assert is_number_list("[21, 45]")
    assert not is_number_list("['21']")
    assert not is_number_list("21")


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4)
)
def test_what_python_and_json_write_comes_back(names):
    assert parse_name_list(json.dumps(names)) == names
    assert parse_name_list(json.dumps(names, ensure_ascii=False)) == names
    assert parse_name_list(repr(names)) == names
    assert parse_name_list(repr([{"id": 1, "name": name} for name in names])) == names
