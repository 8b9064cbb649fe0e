"""Makes the typefaces' files beside the installed packages: ``python -m songrec.web.fonts``.

Part of the installation. Where it is left out, the web server makes them when they are needed.
"""

from __future__ import annotations

import sys

from songrec.core.files import write_bytes
from songrec.web.fonts.faces import FACES, INSTALLED, file_name, make_face


def main() -> int:
    """Make the files that are not there; typefaces are no reason to fail an installation."""
    for name in FACES:
        file = file_name(name)
        if file is None or (INSTALLED / file).is_file():
            continue
        try:
            INSTALLED.mkdir(parents=True, exist_ok=True)
            write_bytes(INSTALLED / file, make_face(name)["arrays"]["font"].tobytes())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a font or the disk
            print(f"songrec: the typeface {name} was not made ({error}).", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
