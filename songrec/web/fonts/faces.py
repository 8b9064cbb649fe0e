"""The faces that pages use, and how their files are made from installed packages."""

from __future__ import annotations

import importlib.metadata
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SUBSET_VERSION = 1
"""Raised when the files change without their package."""
LATIN = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    0x192,
    0x2C6,
    0x2DA,
    0x2DC,
    *range(0x2010, 0x2028),
    *range(0x2030, 0x203B),
    0x2044,
    0x20AC,
    0x2122,
    *range(0x2190, 0x2194),
    0x2212,
    0x2215,
    0x2248,
    0x2260,
    0x2264,
    0x2265,
    0x266D,
    0x266F,
)
"""Characters of the languages of Western and Central Europe, and what the pages themselves use."""
FEATURES = ("kern", "liga", "calt", "ccmp", "locl", "mark", "mkmk", "tnum", "lnum", "pnum")


@dataclass(frozen=True, slots=True)
class Face:
    """A file: the package it comes from, the axes it keeps or fixes, and its characters.

    ``rest``: of those that the package has, what is not ``LATIN``; browsers fetch it when a name
    needs it.
    """

    package: str
    axes: Mapping[str, float | tuple[float, float]] = field(default_factory=dict)
    rest: bool = False


_SANS = ("fontpkg-hanken-grotesk", {"wght": (400.0, 700.0)})
_SERIF = ("fontpkg-source-serif-4", {"wght": 600.0, "opsz": 28.0})
FACES: dict[str, Face] = {
    "hanken-grotesk": Face(*_SANS),
    "hanken-grotesk-rest": Face(*_SANS, rest=True),
    "source-serif": Face(*_SERIF),
    "source-serif-rest": Face(*_SERIF, rest=True),
}


INSTALLED = Path(sys.prefix) / "share" / "songrec" / "fonts"
"""Where an installation makes the files: beside the packages that they come from."""


def file_name(name: str) -> str | None:
    """Return the name of a face's file, another for each version; None without its package."""
    try:
        return f"{name}-{importlib.metadata.version(FACES[name].package)}-{SUBSET_VERSION}.woff2"
    except importlib.metadata.PackageNotFoundError:
        return None


def make_face(name: str) -> dict[str, Any]:
    """Return a face as WOFF2."""
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    face = FACES[name]
    font = TTFont(source_of(face.package))
    characters = set(font.getBestCmap())
    kept = characters - set(LATIN) if face.rest else characters & set(LATIN)
    options = subset.Options()
    options.flavor = "woff2"
    options.layout_features = list(FEATURES)
    options.name_IDs = [0, 1, 2, 13, 14]  # with copyright and licence
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=kept)
    cutter.subset(font)
    if "fvar" in font:
        axes = {axis.axisTag for axis in font["fvar"].axes}
        limits = {tag: limit for tag, limit in face.axes.items() if tag in axes}
        font = instancer.instantiateVariableFont(font, limits)
    content = io.BytesIO()
    font.flavor = "woff2"
    font.save(content)
    return {"arrays": {"font": np.frombuffer(content.getvalue(), dtype=np.uint8)}}


def source_of(package: str) -> Path:
    """Return the upright variable font of a package, or its regular one."""
    files = [
        Path(str(file.locate()))
        for file in importlib.metadata.files(package) or ()
        if file.suffix.lower() in (".ttf", ".otf", ".woff2") and "italic" not in file.name.lower()
    ]
    if not files:
        raise FileNotFoundError(f"{package} has no font.")
    return max(files, key=lambda path: (_is_variable(path), path.suffix != ".woff2"))


def _is_variable(path: Path) -> bool:
    return "[" in path.name or "variable" in path.name.lower()
