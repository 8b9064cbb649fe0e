"""Names of files and folders that hold no songs: trash, system folders, unfinished downloads."""

from __future__ import annotations

import re

HIDDEN = "hidden"
SYSTEM = "trash and system"
UNFINISHED = "unfinished downloads"
OWN = "songrec's own folders"
LINKED_AGAIN = "links to folders that are read already"

_SYSTEM_FOLDERS = re.compile(
    r"""[#@]recycle | \$recycle\.bin | recycle[rd] | recycle\.bin | [#@]snapshot
    | @recently-snapshot | @eadir | @tmp | @__thumb | lost\+found | __macosx | found\.\d{3}
    | system\ volume\ information | network\ trash\ folder | temporary\ items""",
    re.VERBOSE,
)
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
_UNFINISHED = re.compile(
    r""".*\.(?: part(?:ial)? | part-frag\d+ | filepart | crdownload | download | opdownload
    | tmp | temp | aria2 | ytdl | !ut | !qb | !bt | bc! ) | ~syncthing~.*""",
    re.VERBOSE | re.DOTALL,
)
# Safari downloads into a folder that is named after the file.
_UNFINISHED_FOLDERS = re.compile(r".*\.\w{2,4}\.download", re.DOTALL)


def ignored_as(name: str, *, is_folder: bool) -> str | None:
    """Return the reason to ignore a file or folder by its name; None to scan it.

    The reason is one of ``HIDDEN``, ``SYSTEM`` and ``UNFINISHED``.
    """
    lower = name.casefold()
    if name.startswith("."):
        return HIDDEN
    if is_folder:
        if _SYSTEM_FOLDERS.fullmatch(lower):
            return SYSTEM
        return UNFINISHED if _UNFINISHED_FOLDERS.fullmatch(lower) else None
    if lower in _SYSTEM_FILES:
        return SYSTEM
    return UNFINISHED if _UNFINISHED.fullmatch(lower) else None
