"""``python -m songrec.demo PATH`` writes the demo catalogue."""

from __future__ import annotations

import sys
from pathlib import Path

from songrec.demo.catalogue import as_csv


def main() -> None:
    """Write the catalogue to the path named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m songrec.demo PATH")
    Path(sys.argv[1]).write_bytes(as_csv().encode("utf-8"))


if __name__ == "__main__":
    main()
