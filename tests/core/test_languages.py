"""Tests of language names: those of langcodes, as folders and tags use them."""

from __future__ import annotations

import pytest

from songrec.core.languages import LANGUAGES, is_language, language_name


def test_names_are_lower_case_and_known_as_labels():
    names = {language_name(code) for code in LANGUAGES}
    assert all(name == name.lower() for name in names)
    assert {name for name in names if not is_language(name)} == {"latin"}  # a genre


@pytest.mark.parametrize(
    ("code", "name"),
    [("en", "english"), ("nn", "norwegian"), ("yue", "chinese"), ("bn", "bengali"), ("zxx", None)],
)
def test_variants_have_the_name_of_their_language(code, name):
    assert language_name(code) == name


@pytest.mark.parametrize("label", ["bangla", "mandarin", "cantonese", "tagalog", "tibetan"])
def test_other_names_of_a_language_are_labels(label):
    assert is_language(label)


@pytest.mark.parametrize(
    "label", ["", "music", "metal", "latin", "adele", "en", "a\0b", "my english"]
)
def test_other_labels_are_no_languages(label):
    assert not is_language(label)
