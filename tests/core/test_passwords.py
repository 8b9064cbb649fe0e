"""Passwords that are tried first are refused; those of people who think are not."""

from __future__ import annotations

import pytest

from songrec.core.errors import BadInput
from songrec.core.passwords import weakness
from songrec.store.listeners import users

WEAK = (
    "aaaaaaaaaa", "abababababab", "abcdefabcdef", "xyz12xyz12", "1234567890", "0987654321",
    "qwertyuiop", "poiuytrewq", "1q2w3e4r5t6y", "password123", "P@ssw0rd1234", "mypassword!!",
    "Passwort2024!", "iloveyou12", "letmein1234", "admin12345!", "MotDePasse1", "annaanna1234",
    "пароль12345", "Welcome2026",
)  # fmt: skip
STRONG = (
    "correct horse battery", "gravel-otter-89", "Tr0ub4dor&3xk", "кит плывёт домой",
    "夜空に星が流れていく", "not the password", "anna likes owls",
)  # fmt: skip


@pytest.mark.parametrize("password", WEAK)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(BadInput, match=r"easy to guess: it .*\. Use several unrelated words\."):
        users.check_password(password, "Anna")


@pytest.mark.parametrize("password", STRONG)
def test_other_passwords_pass(password: str) -> None:
    users.check_password(password, "Anna")


def test_generated_passwords_pass() -> None:
    assert [p for p in (users.generate_password() for _ in range(300)) if weakness(p)] == []
