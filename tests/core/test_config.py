"""The settings, and the folder that they make."""

from __future__ import annotations

import stat
from pathlib import Path

from songrec.core import config


def test_the_instance_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "below" / "instance"
    loaded = config.load(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    assert config.load(folder)["SECRET_KEY"] == loaded["SECRET_KEY"]
