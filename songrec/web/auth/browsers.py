"""The browser of a request: its display name, and the accounts that signed in with it before.

A signed-out browser keeps a mark of these accounts, so that an attacker who guesses passwords from
many addresses cannot lock out their owners (``sign_in_limits``).
"""

from __future__ import annotations

import hashlib
import re
import secrets

from flask import request
from flask import session as cookie

from songrec.store.tables import User

FIELD = "browser"
"""The cookie's field: an id of the browser, then marks of accounts, newest first."""
MAX_ACCOUNTS = 5

# The first match counts: Edge and Opera also contain Chrome's name, and Chrome contains Safari's.
_BROWSERS = (
    (r"Edg(e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrome/|Chromium/|CriOS/", "Chrome"),
    (r"Safari/", "Safari"),
)
_SYSTEMS = (
    (r"iPhone", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"CrOS", "ChromeOS"),
    (r"Linux|X11", "Linux"),
)


def device_name() -> str:
    """Return browser and system of this request, such as “Firefox on Linux”."""
    agent = request.user_agent.string[:500]
    browser = next((name for sign, name in _BROWSERS if re.search(sign, agent)), "Another browser")
    system = next((name for sign, name in _SYSTEMS if re.search(sign, agent)), None)
    return f"{browser} on {system}" if system else browser


def remember(user: User) -> None:
    """Mark in the cookie that ``user`` signed in with this browser."""
    entries = _known()
    mark = _mark(user)
    others = [one for one in entries[1:] if one != mark][: MAX_ACCOUNTS - 1]
    cookie[FIELD] = [entries[0] if entries else secrets.token_urlsafe(9), mark, *others]


def known_browser(user: User | None) -> str | None:
    """Return the browser's id if ``user`` has signed in with it since the password was set."""
    entries = _known()
    return entries[0] if user is not None and _mark(user) in entries[1:] else None


def forget_all_but_marks() -> None:
    """Empty the cookie but for the marks of accounts."""
    entries = cookie.get(FIELD)
    cookie.clear()
    if entries:
        cookie[FIELD] = entries
        cookie.permanent = True


def _known() -> list[str]:
    return list(cookie.get(FIELD) or ())


def _mark(user: User) -> str:
    # The key changes with the password, which invalidates marks. Cookies are signed, so
    # marks cannot be forged.
    return hashlib.sha256(f"browser:{user.session_key}".encode()).hexdigest()[:16]
