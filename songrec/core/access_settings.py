"""Access to sign-up, playback and catalogue on an address that others can reach.

On loopback everything is open, because every client is the person at the machine. Elsewhere each of
these needs a decision; without it a careful default holds, which the start reports.
"""

from __future__ import annotations

import os

from songrec.core.settings import read_choice

SIGN_UP = ("open", "invitation", "closed")
READERS = ("everyone", "accounts")


def load(*, exposed: bool) -> dict[str, str]:
    """Return ``SIGN_UP``, ``CATALOGUE`` and ``LISTENING``; ``BadInput`` for an invalid value.

    ``exposed`` says whether others than the person at this machine may come. Where the catalogue is
    for accounts, listening for everyone means whoever has the link of a shared playlist.
    """
    sign_up = read_choice("SONGREC_SIGN_UP", SIGN_UP, "closed" if exposed else "open")
    catalogue = read_choice("SONGREC_CATALOGUE", READERS)
    listening = read_choice("SONGREC_LISTENING", READERS, "accounts" if exposed else catalogue)
    return {"SIGN_UP": sign_up, "CATALOGUE": catalogue, "LISTENING": listening}


def undecided(*, exposed: bool) -> list[str]:
    """Return one line for each decision that is still to be made, with the default in use."""
    if not exposed:
        return []
    chosen = load(exposed=exposed)
    lines = {
        "SONGREC_SIGN_UP": f"sign-up is {chosen['SIGN_UP']}; decide: open, invitation or closed.",
        "SONGREC_LISTENING": f"songs play for {chosen['LISTENING']}; decide: everyone or accounts.",
        "SONGREC_CATALOGUE": (
            f"the catalogue is open to {chosen['CATALOGUE']}; decide: everyone or accounts."
        ),
        "SONGREC_HOSTS": (
            "any host name is answered to; decide: the names it is reached by, "
            "such as music.example.org."
        ),
        "SONGREC_PROXIES": (
            f"{int(os.environ.get('SONGREC_HTTPS', '0') == '1')} proxies are believed; "
            "decide: how many stand before it, 0 for none."
        ),
    }
    return [
        f"{name} is not set: {text}" for name, text in lines.items() if not os.environ.get(name)
    ]
