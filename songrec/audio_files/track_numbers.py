"""Track numbers at the start of file names, as opposed to numbers that belong to the name.

``01 - Yesterday`` begins with a track number, ``3 Doors Down - Kryptonite`` and ``7 Rings`` do not.
A number is a track number only on evidence: the other files of its folder are numbered in the same
way, the file's tag has the same number, or it has a leading zero (``07``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MARK = r"(?P<mark>\s*[-–.)_、．]\s*(?=[^\W\d]|[^\w\s])|\s*[-–.)_、．]\s+(?=\S)|\s+(?=\S))"
_PLAIN = re.compile(rf"(?P<number>\d{{1,3}}){_MARK}")
_DISC = re.compile(rf"(?P<group>\d{{1,2}})[-.](?P<number>\d\d){_MARK}")
_SIDE = re.compile(rf"(?P<group>[A-Ha-h])(?P<number>\d{{1,2}}){_MARK}")
_DOTS = frozenset(".)_、．")
LARGEST_GAP = 10
"""Largest number of missing tracks between two numbered files."""


@dataclass(frozen=True, slots=True)
class LeadingNumber:
    """A number at the start of a name, possibly a track number.

    ``style`` is the kind of number and the mark behind it, the same for all numbered names of a
    folder. ``group`` is the disc or the side, ``rest`` the name without the number.
    """

    style: tuple[str, str]
    group: str
    number: int
    is_padded: bool
    width: int
    rest: str


def leading_number(name: str) -> LeadingNumber | None:
    """Read the number at the start of a name (a file's, without its ending); None without one."""
    for kind, pattern in (("disc", _DISC), ("side", _SIDE), ("plain", _PLAIN)):
        match = pattern.match(name)
        if match:
            digits = match["number"]
            return LeadingNumber(
                (kind, match["mark"].strip()),
                "" if kind == "plain" else match["group"].upper(),
                int(digits),
                len(digits) > 1 and int(digits[0]) == 0,
                len(digits),
                name[match.end() :],
            )
    return None


def without_track_number(name: str, *, is_counted: bool = False, track: int | None = None) -> str:
    """Return a name without its track number, if it begins with one.

    ``is_counted``: the folder numbers its tracks (``counted_names``); ``track`` is the number in
    the file's tag.
    """
    leading = leading_number(name)
    if leading is None:
        return name
    is_side = leading.style[0] == "side"
    by_form = leading.is_padded and leading.width == 2 and not is_side
    by_tag = leading.number == track and not is_side
    return leading.rest if is_counted or by_form or by_tag else name


def counted_names(names: Iterable[str]) -> frozenset[str]:
    """Return the names of one folder (without extensions) that begin with a track number.

    Several names must have numbers of one style that are zero-padded, or consecutive without large
    gaps: starting at 1, or at least three (after a bare space five) in a row. Disc numbers need
    zero-padding or three names (``1-03``), sides of a record start at ``A1``.
    """
    names = list(names)
    by_style: dict[tuple[str, str], dict[str, list[tuple[str, LeadingNumber]]]] = {}
    for name in names:
        leading = leading_number(name)
        if leading is not None:
            groups = by_style.setdefault(leading.style, {})
            groups.setdefault(leading.group, []).append((name, leading))
    counted: set[str] = set()
    for (kind, mark), groups in by_style.items():
        share = sum(map(len, groups.values())) / len(names)
        if kind == "side":
            counted |= _counted_sides(groups)
        elif kind == "disc":
            counted |= _counted_on_discs(groups)
        else:
            members = groups[""]
            numbers = _counted_numbers([leading for _, leading in members], mark, share)
            counted |= {name for name, leading in members if leading in numbers}
    return frozenset(counted)


def _counted_numbers(
    candidates: Sequence[LeadingNumber], mark: str, share: float
) -> list[LeadingNumber]:
    """Return the track numbers among ``candidates`` of one style.

    ``share`` is the share of the folder's names with that style.
    """
    padded = Counter(one.width for one in candidates if one.is_padded)
    if padded:
        width = padded.most_common(1)[0][0]
        alike = [one for one in candidates if one.width == width or (one.width > width > 1)]
        certain = {one.number for one in alike if one.is_padded}
        if len(certain) < 2 and width != 2:
            return []
        if len(certain) > 1 and mark and share >= 0.8:
            # The folder may hold a selection of an album: 01, 11, 38.
            certain |= {one.number for one in alike if one.width == width}
    else:
        alike = _without_artists(candidates)
        numbers = sorted({one.number for one in alike})
        if len(numbers) >= 2 and share == 1 and mark in _DOTS:
            return alike  # a folder of nothing but "3. Title" and "7. Title"
        certain = _run(numbers, mark, share)
    numbers = _continued(certain, {one.number for one in alike})
    return [one for one in alike if one.number in numbers]


def _without_artists(candidates: Sequence[LeadingNumber]) -> list[LeadingNumber]:
    """Drop artist names such as ``3 Doors Down - …`` that occur more than once."""
    times = Counter((one.number, one.rest.partition(" - ")[0].casefold()) for one in candidates)
    return [
        one for one in candidates if times[one.number, one.rest.partition(" - ")[0].casefold()] == 1
    ]


def _run(numbers: Sequence[int], mark: str, share: float) -> set[int]:
    """Return a run of numbers long enough to be track numbers; empty without one."""
    runs: list[list[int]] = []
    for number in numbers:
        # One number may be missing in a run from 1.
        gap = 2 if runs and runs[-1][0] <= 1 else 1
        if runs and number - runs[-1][-1] <= gap:
            runs[-1].append(number)
        else:
            runs.append([number])
    for run in runs:
        if run[0] <= 1:
            if len(run) >= 2 and (share == 1 or mark in _DOTS):
                return set(run)
            if len(run) >= 3 and (mark or share >= 0.5):
                return set(run)
        elif len(run) >= 3 and (mark or (len(run) >= 5 and share >= 0.8)):
            return set(run)
    return set()


def _continued(certain: set[int], numbers: set[int]) -> set[int]:
    """Extend a run by larger numbers; a longer run allows a larger gap."""
    counted = set(certain)
    for number in sorted(numbers - certain):
        before = [one for one in counted if one < number]
        if before and number - max(before) <= min(LARGEST_GAP, 3 + 2 * len(counted)):
            counted.add(number)
    return counted


def _counted_on_discs(groups: dict[str, list[tuple[str, LeadingNumber]]]) -> set[str]:
    """Return the names numbered by disc and track, such as ``1-03``."""
    places = {(disc, leading.number) for disc, members in groups.items() for _, leading in members}
    is_padded = any(leading.is_padded for members in groups.values() for _, leading in members)
    if len(places) < (2 if is_padded else 3):
        return set()
    return {name for members in groups.values() for name, _ in members}


def _counted_sides(groups: dict[str, list[tuple[str, LeadingNumber]]]) -> set[str]:
    """Return the names numbered by the sides of a record: A1, A2, B1, …"""
    times = Counter(
        (side, leading.number) for side, members in groups.items() for _, leading in members
    )
    is_once = {place for place, count in times.items() if count == 1}
    firsts = {side for side, number in is_once if number == 1}
    if len(firsts) < 2 and not any((side, 2) in is_once for side in firsts):
        return set()
    return {
        name
        for side in firsts
        for name, leading in groups[side]
        if (side, leading.number) in is_once
        and leading.number in _continued({1}, {number for one, number in is_once if one == side})
    }
