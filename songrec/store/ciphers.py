"""The cipher of stored passwords and keys of apps and other servers."""

from __future__ import annotations

from flask import current_app

from songrec.core.encryption import Cipher, instance_cipher
from songrec.store.instance import Instance, current_instance


def cipher_of(instance: Instance) -> Cipher:
    """Return the cipher of the passwords and keys of ``instance``."""
    return instance_cipher(instance.folder, current_app.config["ENCRYPTION_KEY"])


def current_cipher() -> Cipher:
    """Return the cipher of the current Flask application's instance."""
    return cipher_of(current_instance())
