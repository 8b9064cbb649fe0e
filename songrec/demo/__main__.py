"""``python -m songrec.demo PATH`` writes the demo catalogue."""

from __future__ import annotations

import argparse
from pathlib import Path

from songrec.demo.catalogue import as_csv


def main() -> None:
    """Write the catalogue to the path named on the command line."""
    parser = argparse.ArgumentParser(
        "python -m songrec.demo", description="Write the demo catalogue."
    )
    parser.add_argument("path", metavar="PATH", type=Path, help="the CSV file to write")
    parser.parse_args().path.write_bytes(as_csv().encode("utf-8"))


if __name__ == "__main__":
    main()
