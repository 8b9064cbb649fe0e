"""Encryption at rest of the passwords and keys that songrec has to send or check in the clear.

Authenticated encryption by Fernet (AES-128-CBC with HMAC-SHA-256) from ``cryptography``. The key
lies in a file of its own beside the database and is no part of a backup, so that whoever reads the
database or a backup reads no password.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from songrec.core import key_files
from songrec.core.errors import NotReady
from songrec.core.instance_contents import ENCRYPTION_KEY


class Cipher:
    """Encrypts and decrypts short texts with one key; ``key`` is any text."""

    def __init__(self, key: str) -> None:
        from cryptography.fernet import Fernet  # takes memory that few processes need

        digest = hashlib.sha256(b"songrec passwords at rest\0" + key.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def encrypt(self, text: str) -> str:
        """Return ``text`` encrypted, as ASCII; the same text gives another result each time."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Return the clear text.

        ``NotReady`` if it was encrypted with another key, as after a backup was restored without
        its key.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            raise NotReady(
                "This password was encrypted with another key: enter it again, or put back the "
                "file encryption_key (or SONGREC_ENCRYPTION_KEY) that it was stored with."
            ) from None


def instance_cipher(folder: Path, key: str | None) -> Cipher:
    """Return the cipher of an instance: with ``key`` (a setting), else with its file's.

    The file ``encryption_key`` in ``folder`` is created when it is first needed. ``BadInput`` if it
    cannot be written or read.
    """
    return Cipher(
        key
        or key_files.read_or_create(
            folder / ENCRYPTION_KEY, "passwords of servers and of apps have to be entered again"
        )
    )
