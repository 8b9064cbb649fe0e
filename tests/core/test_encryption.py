from pathlib import Path

import pytest

from songrec.core.encryption import Cipher, instance_cipher
from songrec.core.errors import NotReady


def test_a_text_comes_back_and_never_stands_in_the_result() -> None:
    cipher = Cipher("key")
    encrypted = cipher.encrypt("pässword ♫")
    assert cipher.decrypt(encrypted) == "pässword ♫"
    assert "ssword" not in encrypted
    assert encrypted.isascii()


def test_the_same_text_looks_different_each_time() -> None:
    cipher = Cipher("key")
    assert cipher.encrypt("a") != cipher.encrypt("a")


def test_another_key_is_one_line_that_says_what_to_do() -> None:
    _is_refused_in_one_line(Cipher("another").encrypt("a"))


@pytest.mark.parametrize("stored", ["", "rubbish"])
def test_what_was_never_encrypted_is_one_line(stored: str) -> None:
    _is_refused_in_one_line(stored)


def _is_refused_in_one_line(stored: str) -> None:
    with pytest.raises(NotReady, match="enter it again") as error:
        Cipher("key").decrypt(stored)
    assert "\n" not in str(error.value)


def test_an_instance_has_one_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    encrypted = instance_cipher(tmp_path, None).encrypt("a")
    assert instance_cipher(tmp_path, None).decrypt(encrypted) == "a"
    assert [path.name for path in tmp_path.iterdir()] == ["encryption_key"]
    assert (tmp_path / "encryption_key").stat().st_mode & 0o077 == 0


def test_a_key_in_the_settings_writes_no_file(tmp_path: Path) -> None:
    encrypted = instance_cipher(tmp_path, "from the settings").encrypt("a")
    assert Cipher("from the settings").decrypt(encrypted) == "a"
    assert list(tmp_path.iterdir()) == []
