"""Tables in documents that a benchmark writes, each between two comments that name it."""

from __future__ import annotations

from benchmarks.ingest import ROOT


def replace_section(document: str, name: str, lines: list[str]) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- /name -->`` in docs/``document``."""
    path = ROOT / "docs" / document
    text = path.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if begin not in text or end not in text:
        raise RuntimeError(f"{path} has no section {name}: it begins with {begin}")
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    content = "\n".join([begin, *lines, end])
    path.write_text(f"{before}{content}{after}", encoding="utf-8")
