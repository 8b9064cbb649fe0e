"""Translation of errors in reading a file, gzipped or not, to one line for people."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from songrec.core.errors import BadInput


@contextmanager
def read_errors_as_bad_input(name: str) -> Iterator[None]:
    """Turn errors of reading the file ``name`` into ``BadInput``."""
    try:
        yield
    except EOFError:
        raise BadInput(
            f"{name}: the gzip file ends too early; it was cut off. Copy it again."
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"{name}: the gzip file is damaged ({error}).") from None
    except OSError as error:
        raise BadInput(f"{name}: cannot be read ({error.strerror or error}).") from None
