"""A cache of text vectors on disk, by content: what was embedded once is read the next time.

One SQLite file, ``embeddings.sqlite``, in the folder that is given. A vector is filed under the
text's digest and its model's name, which covers everything that the vector depends on: weights,
parameters, version. Deleting the file costs nothing but the time to embed again.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.errors import NotReady
from songrec.core.types import Floats

FILE = "embeddings.sqlite"
KEPT = 4
"""Models of a kind that are kept: those used last."""
ROWS_PER_LOOK = 500
ROWS_PER_WRITE = 256
"""Texts that are lost at most when a long embedding is stopped."""
WAIT_SECONDS = 60.0
_TABLES = """
CREATE TABLE IF NOT EXISTS model (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, used REAL NOT NULL, arrays BLOB);
CREATE TABLE IF NOT EXISTS embedding (
    model INTEGER NOT NULL, text BLOB NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (model, text)) WITHOUT ROWID;
"""

Embed = Callable[[list[str]], Floats]


def digest_of(*parts: str | bytes) -> str:
    """Return a digest of ``parts``, 32 hexadecimal digits, for the names of models."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode(errors="surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


class TextCache:
    """Vectors in ``folder / FILE``; several processes may read and write at once.

    A model's name begins with its kind and a hyphen (``sentences-4f…``); of each kind the
    ``KEPT`` models used last are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def vectors(self, model: str, size: int, texts: Sequence[str | None], embed: Embed) -> Floats:
        """Return the vectors of ``texts``, float32 ``(n, size)``; zeros for None and empty ones.

        ``embed`` is called with the texts that are not cached, each once. Raises ``NotReady`` if
        the file is damaged.
        """
        result = np.zeros((len(texts), size), dtype=np.float32)
        rows: dict[bytes, list[int]] = {}
        for at, text in enumerate(texts):
            if text:
                rows.setdefault(bytes.fromhex(digest_of(text)), []).append(at)
        if not rows:
            return result
        with self._opened() as connection:
            number = self._number(connection, model)
            missing = dict(rows)
            for digest, vector in _known(connection, number, list(rows), size):
                result[missing.pop(digest)] = vector
        digests = list(missing)
        for first in range(0, len(digests), ROWS_PER_WRITE):
            part = digests[first : first + ROWS_PER_WRITE]
            embedded = np.asarray(embed([texts[rows[key][0]] or "" for key in part]), np.float32)
            for digest, vector in zip(part, embedded, strict=True):
                result[rows[digest]] = vector
            # Opened for the writing alone: embedding takes long, and other processes write, too.
            with self._opened() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO embedding VALUES (?, ?, ?)",
                    [
                        (self._number(connection, model), digest, vector.tobytes())
                        for digest, vector in zip(part, embedded, strict=True)
                    ],
                )
        return result

    def arrays(self, model: str, learn: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the arrays of ``model``, cached or from ``learn``, whose result is then cached."""
        with self._opened() as connection:
            query = "SELECT arrays FROM model WHERE id = ?"
            row = connection.execute(query, (self._number(connection, model),)).fetchone()
        if row[0] is not None:
            with np.load(io.BytesIO(row[0]), allow_pickle=False) as stored:
                return dict(stored)
        arrays = learn()
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        with self._opened() as connection:
            parameters = buffer.getvalue(), self._number(connection, model)
            connection.execute("UPDATE model SET arrays = ? WHERE id = ?", parameters)
        return arrays

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file, creating it if needed; changes are committed at the end."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT_SECONDS)) as connection:
                connection.executescript(_TABLES)
                with connection:
                    yield connection
        except sqlite3.OperationalError as error:
            raise NotReady(f"{self.path} cannot be used ({error}): try again.") from None
        except sqlite3.DatabaseError as error:
            raise NotReady(
                f"{self.path} is damaged ({error}): delete it, nothing but time is lost."
            ) from None

    @staticmethod
    def _number(connection: sqlite3.Connection, model: str) -> int:
        """Return the model's number, creating one if needed; the oldest of its kind are deleted."""
        parameters = (model, time.time())
        connection.execute(
            "INSERT INTO model (name, used) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET used = excluded.used",
            parameters,
        )
        kind = f"{model.partition('-')[0]}-%"
        query = "SELECT id, name FROM model WHERE name LIKE ? ORDER BY used DESC, id DESC"
        numbers = connection.execute(query, (kind,)).fetchall()
        for number, _ in numbers[KEPT:]:
            connection.execute("DELETE FROM embedding WHERE model = ?", (number,))
            connection.execute("DELETE FROM model WHERE id = ?", (number,))
        return next(number for number, name in numbers if name == model)


def _known(
    connection: sqlite3.Connection, model: int, digests: list[bytes], size: int
) -> Iterator[tuple[bytes, Floats]]:
    for first in range(0, len(digests), ROWS_PER_LOOK):
        part = digests[first : first + ROWS_PER_LOOK]
        query = (
            "SELECT text, vector FROM embedding WHERE model = ? AND text IN "
            f"({', '.join('?' * len(part))})"
        )
        for digest, vector in connection.execute(query, (model, *part)):
            if len(vector) == 4 * size:
                yield digest, np.frombuffer(vector, dtype=np.float32)
