"""Limits of simultaneous conversions and streams, of this process and of each person."""

from __future__ import annotations

import threading
from collections import Counter

from songrec.core.errors import NotReady


class Busy(NotReady):
    """Raised if a limit of simultaneous conversions or streams is reached."""


class ConversionSlots:
    """At most ``total`` conversions at once, of which ``each`` may belong to one owner.

    An owner is a key of an account, or of a network where nobody is signed in. ``doing`` is what
    happens to the songs, for the message of ``Busy``.
    """

    def __init__(self, total: int, each: int, doing: str = "converted") -> None:
        self.total, self.each, self._doing = total, each, doing
        self._of_owner: Counter[str] = Counter()
        self._changed = threading.Condition()

    def acquire(self, owner: str, timeout_s: float = 0.0) -> None:
        """Take a slot, waiting for at most ``timeout_s``; ``Busy`` says which limit is reached."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free(owner), timeout_s):
                if self._of_owner[owner] >= self.each:
                    raise Busy(
                        f"{self.each} songs are being {self._doing} for you already. Stop one of "
                        "them, or try again in a moment."
                    )
                raise Busy(f"Other songs are being {self._doing}. Try again in a moment.")
            self._of_owner[owner] += 1

    def release(self, owner: str) -> None:
        """Release a slot."""
        with self._changed:
            self._of_owner[owner] -= 1
            self._of_owner += Counter()  # drops those at 0
            self._changed.notify_all()

    def _is_free(self, owner: str) -> bool:
        return self._of_owner.total() < self.total and self._of_owner[owner] < self.each
