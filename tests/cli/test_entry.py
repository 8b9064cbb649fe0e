"""`flask` works in the repository's folder without naming the application."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_flask_finds_the_application_and_its_migrations_by_itself(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "FLASK_APP"}
    answer = subprocess.run(
        [sys.executable, "-m", "flask", "db", "upgrade"],
        cwd=ROOT,
        env={**environment, "SONGREC_INSTANCE": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "songrec.db").exists()
