"""Files that the upload form offers to choose. Light: pages import it."""

from __future__ import annotations

from typing import Final

from songrec.audio_files.formats import SOUND

ACCEPT: Final = ",".join(["audio/*", *(f".{extension}" for extension in sorted(SOUND))])
"""Value of ``accept``: few systems know a media type for all of these extensions."""
