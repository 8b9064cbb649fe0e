"""Text whose encoding is wrong or unknown: mended where certain, guessed where asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songrec.audio_files.text_encoding import decode_bytes, likely_code_page, mend


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("BeyoncÃ©", "Beyoncé"),
        ("DÃ©jÃ\xa0 vu", "Déjà vu"),
        ("Donâ€™t", "Don’t"),
        ("BJÃ–RK", "BJÖRK"),
        ("MichaÅ‚", "Michał"),
        ("Ð\x9aÐ¸Ð½Ð¾", "Кино"),
        ("SÃƒÂ³lo", "Sólo"),  # twice
        ("Don\x92t", "Don’t"),
        ("\x93Heroes\x94", "“Heroes”"),
    ],
)
def test_text_read_by_the_wrong_encoding_is_mended(read: str, meant: str) -> None:
    assert mend(read).text == meant


@pytest.mark.parametrize(
    "text", ["Beyoncé", "OLÉ…", "ÉTÉ’", "CAFÉ”", "Ænima", "MANHÃ", "ÄÖÜ", "Кино", "東京", "Don’t"]
)
def test_text_that_is_right_stays(text: str) -> None:
    assert mend(text).text == text
    assert mend(text).how is None


@given(st.text(st.characters(min_codepoint=0xA0, max_codepoint=0x2FFF), min_size=2, max_size=20))
def test_utf8_bytes_are_recognised_whatever_they_say(text: str) -> None:
    if mend(text).text == text and len({c for c in text if c.isalpha()}) > 1:
        assert decode_bytes(text.encode()).text == text


@given(st.binary(max_size=40), st.sampled_from([None, "cp1251", "gbk", "cp932", "cp1250"]))
def test_any_bytes_are_some_text(data: bytes, page: str | None) -> None:
    assert isinstance(decode_bytes(data, page).text, str)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("cp1251", "Сплин / Выхода нет"),
        ("koi8-r", "Аквариум / Город золотой"),
        ("cp866", "Наутилус / Крылья"),
        ("cp1253", "Γιώργος Νταλάρας / Σαν τον μετανάστη"),
        ("cp1255", "אריק איינשטיין / אני ואתה נשנה את העולם"),
        ("cp1256", "أم كلثوم / أنت عمري"),
        ("cp874", "คาราบาว / เมดอินไทยแลนด์"),
        ("cp932", "宇多田ヒカル / オートマチック"),
        ("gbk", "崔健 / 一无所有"),
        ("cp949", "조용필 / 돌아와요 부산항에"),
    ],
)
def test_a_foreign_code_page_is_guessed_and_read_when_configured(page: str, text: str) -> None:
    data = text.encode(page)
    shown = decode_bytes(data).text
    assert likely_code_page(shown.split(" / ")) == (page, text)
    assert decode_bytes(data, page).text == text
    assert mend(shown, page).text == text


@pytest.mark.parametrize(
    "text", ["Björk / Jóga", "ÆØÅ", "Sigur Rós / Ágætis byrjun", "Ça va / L’été", "Motörhead"]
)
def test_western_text_makes_nobody_suspicious_and_no_setting_changes_it(text: str) -> None:
    assert likely_code_page(text.split(" / ")) is None
    for page in ("cp1251", "koi8-r", "gbk", "big5", "cp932", "cp949"):
        assert mend(text, page).text == text


def test_a_setting_reads_only_what_it_can_mean() -> None:
    assert decode_bytes("Beyoncé".encode("cp1252"), "cp1251").text == "Beyoncé"
    assert decode_bytes("Dvořák".encode("cp1250"), "cp1250").text == "Dvořák"
    assert decode_bytes("Кино".encode(), "cp1251").text == "Кино"
    assert decode_bytes("Tシャツ".encode("cp932"), "cp932").text == "Tシャツ"
