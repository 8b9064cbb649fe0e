"""Drawn covers: abstract geometric pictures.

Colours depend on energy and happiness, the composition on energy and the song's name, its details
on the waveform. Drawings are deterministic.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from songrec.web.covers.palettes import MOODS, Palette
from songrec.web.covers.shapes import SIZE, Picture

T = TypeVar("T")

VERSION = 1
"""Version in the URLs of covers, to be changed with the drawings."""
MIDDLE = 0.5
HALF = SIZE / 2


@dataclass(frozen=True, slots=True)
class Subject:
    """Subject of a cover.

    ``seed`` identifies it; ``traits`` are the known attributes from 0 to 1 by name; ``peaks`` are
    those of the waveform, or empty.
    """

    seed: str
    traits: Mapping[str, float | None] = field(default_factory=dict)
    peaks: Sequence[float] = ()


class Dice:
    """Reproducible random choices, by the parts of ``random`` that no Python version changes."""

    def __init__(self, seed: str) -> None:
        digest = hashlib.blake2b(seed.encode(), digest_size=8).digest()
        self._random = random.Random(int.from_bytes(digest, "big"))  # noqa: S311 - no secret

    def between(self, low: float, high: float) -> float:
        """Return a number from ``low`` to ``high``."""
        return low + (high - low) * self._random.random()

    def number(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return min(high, low + int(self._random.random() * (high - low + 1)))

    def choose(self, among: Sequence[T]) -> T:
        """Return one of ``among``."""
        return among[self.number(0, len(among) - 1)]


@dataclass(frozen=True, slots=True)
class Brush:
    """Tools of a composition: the picture, its three colours, dice and the waveform."""

    picture: Picture
    main: str
    second: str
    accent: str
    dice: Dice
    peaks: Sequence[float]

    def levels(self, count: int) -> list[float]:
        """Return the waveform as ``count`` levels from 0 to 1; random levels if it is unknown.

        The dice are thrown in either case, so that only the waveform of a cover changes when it
        becomes known.
        """
        swing, phase = self.dice.between(0.6, 2.2), self.dice.between(0, 6)
        invented = [
            0.15
            + 0.5 * abs(math.sin(phase + swing * math.pi * at / count))
            + self.dice.between(0, 0.35)
            for at in range(count)
        ]
        if not self.peaks:
            return invented
        parts = [
            self.peaks[len(self.peaks) * at // count : len(self.peaks) * (at + 1) // count]
            or self.peaks[-1:]
            for at in range(count)
        ]
        means = [sum(part) / len(part) for part in parts]
        low, high = min(means), max(means)
        return [0.15 + 0.85 * (mean - low) / (high - low or 1) for mean in means]

    def both(self) -> tuple[str, str]:
        """Return the main and the second colour, in either order."""
        return (self.main, self.second) if self.dice.number(0, 1) else (self.second, self.main)


def draw(subject: Subject) -> Picture:
    """Return the drawn cover of a subject."""
    dice = Dice(subject.seed)
    lively, bright = (_side(subject.traits.get(name), dice) for name in ("energy", "positiveness"))
    palette = dice.choose(MOODS[lively, bright])
    return _compose(palette, dice.choose(LIVELY if lively else CALM), dice, subject.peaks)


def draw_in_colour(subject: Subject, palette: Palette) -> Picture:
    """Return a drawn cover in the given colours."""
    dice = Dice(subject.seed)
    return _compose(palette, dice.choose((*LIVELY, *CALM)), dice, subject.peaks)


def _side(value: float | None, dice: Dice) -> bool:
    """Return the side of the middle on which a trait is; near the middle a random one."""
    chance = dice.between(-0.12, 0.12)
    return dice.number(0, 1) == 1 if value is None else value + chance > MIDDLE


def _compose(
    palette: Palette,
    composition: Callable[[Brush], None],
    dice: Dice,
    peaks: Sequence[float],
) -> Picture:
    ground, *colours = palette
    picture = Picture(ground, dice.number(0, 3), mirrored=dice.number(0, 1) == 1)
    if composition in UPRIGHT:
        picture = Picture(ground, mirrored=dice.number(0, 1) == 1)
    composition(Brush(picture, *colours, dice, peaks))
    return picture


def hills(brush: Brush) -> None:
    """Rows of hills below a sun."""
    picture, dice = brush.picture, brush.dice
    picture.disc(brush.accent, dice.between(26, 70), dice.between(22, 38), dice.between(11, 19))
    for row, colour in enumerate((brush.second, brush.main, brush.accent)):
        levels = brush.levels(7)
        base, height = 58 + 16 * row, 30 - 6 * row
        steps = 24
        crest = [
            (SIZE * at / steps, base - height * (_between(levels, at / steps) - 0.5))
            for at in range(steps + 1)
        ]
        picture.polygon(colour, (0, SIZE), *crest, (SIZE, SIZE))


def bars(brush: Brush) -> None:
    """The waveform as mirrored bars before a disc."""
    picture, dice = brush.picture, brush.dice
    one, other = brush.both()
    picture.disc(other, dice.between(34, 62), dice.between(34, 62), dice.between(26, 36))
    count = dice.number(7, 11)
    pitch = 84 / count
    for at, level in enumerate(brush.levels(count)):
        height = 12 + 68 * min(level, 1)
        colour = brush.accent if at == count // 3 else one
        picture.box(colour, 6 + pitch * (at + 0.18), HALF - height / 2, pitch * 0.64, height)


def grooves(brush: Brush) -> None:
    """A record with grooves, off the centre."""
    picture, dice = brush.picture, brush.dice
    one, other = brush.both()
    x, y, outer = dice.between(30, 66), dice.between(30, 66), dice.between(52, 62)
    picture.disc(one, x, y, outer)
    radius = outer - 5
    for level in brush.levels(5):
        width = 1.6 + 3.4 * level
        if radius - width < 15:
            break
        picture.disc(picture.ground, x, y, radius, radius - width)
        radius -= width + 4
    picture.disc(other, x, y, 13)
    picture.disc(picture.ground, x, y, 2.6)
    side = -1 if x > HALF else 1
    picture.disc(brush.accent, HALF + side * 38, HALF - 38, 6)


def moons(brush: Brush) -> None:
    """A crescent, and the waveform as its wake."""
    picture, dice = brush.picture, brush.dice
    one, other = brush.both()
    x, y, radius = dice.between(38, 58), dice.between(30, 40), dice.between(22, 28)
    picture.disc(one, x, y, radius)
    picture.disc(picture.ground, x + radius * 0.5, y - radius * 0.28, radius * 0.86)
    picture.disc(brush.accent, x + radius * 0.62, y - radius * 0.3, radius * 0.24)
    for row, level in enumerate(brush.levels(4)):
        width = 20 + 66 * min(level, 1)
        picture.box(other, HALF - width / 2, 70 + 6.4 * row, width, 3)


def pebbles(brush: Brush) -> None:
    """Large discs that overlap."""
    picture, dice = brush.picture, brush.dice
    start = dice.between(0, 360)
    for at, colour in enumerate((brush.second, brush.main, brush.accent)):
        angle = math.radians(start + 120 * at + dice.between(-20, 20))
        away, radius = dice.between(16, 24), (32, 25, 14)[at] * dice.between(0.9, 1.15)
        picture.disc(colour, HALF + away * math.cos(angle), HALF + away * math.sin(angle), radius)
    picture.disc(picture.ground, HALF + dice.between(-8, 8), HALF + dice.between(-8, 8), 5)


def reeds(brush: Brush) -> None:
    """Stems of different heights, each with a head."""
    picture, dice = brush.picture, brush.dice
    count = dice.number(4, 6)
    pitch = SIZE / count
    heads = (brush.main, brush.second, brush.accent)
    first = dice.number(0, 2)
    for at, level in enumerate(brush.levels(count)):
        x, top = pitch * (at + 0.5), 80 - 62 * min(level, 1)
        picture.box(brush.second, x - 1.6, top, 3.2, SIZE - top)
        picture.disc(heads[(first + at) % 3], x, top, pitch * (0.3 + 0.16 * (at % 2)))


def arches(brush: Brush) -> None:
    """Nested arches from one side."""
    picture, dice = brush.picture, brush.dice
    colours = [*brush.both(), picture.ground, brush.accent]
    x, radius = dice.between(36, 60), 58.0
    for at, level in enumerate(brush.levels(6)):
        picture.sector(colours[at % 4], x, SIZE - 12, radius, 180, 360)
        radius -= 5 + 6 * min(level, 1)
    picture.box(colours[0], 0, SIZE - 12, SIZE, 12)


def tiles(brush: Brush) -> None:
    """Tiles of quarter discs, half discs and discs."""
    picture, dice = brush.picture, brush.dice
    count = dice.number(2, 4)
    side = SIZE / count
    colours = (brush.main, brush.second, brush.accent)
    for row in range(count):
        for column in range(count):
            x, y = column * side, row * side
            kind, colour = dice.number(0, 9), dice.choose(colours)
            if kind < 6:
                corner = dice.number(0, 3)
                right, low = corner in (1, 2), corner in (2, 3)
                start = (0, 90, 180, 270)[corner]
                picture.sector(colour, x + side * right, y + side * low, side, start, start + 90)
            elif kind < 8:
                picture.disc(colour, x + side / 2, y + side / 2, side * 0.36)
            elif kind < 9:
                picture.box(colour, x, y, side, side)
                under = dice.choose([one for one in colours if one != colour])
                picture.disc(under, x + side / 2, y + side / 2, side * 0.25)


def rays(brush: Brush) -> None:
    """Rays as long as the waveform is high, around a disc."""
    picture, dice = brush.picture, brush.dice
    one, other = brush.both()
    x, y, count = dice.between(36, 60), dice.between(36, 60), dice.number(11, 19)
    for at, level in enumerate(brush.levels(count)):
        middle = math.tau * at / count
        half, length = math.pi / count * 0.55, 26 + 36 * min(level, 1)
        edges = [(x + length * math.cos(middle + d), y + length * math.sin(middle + d))
                 for d in (-half, half)]  # fmt: skip
        picture.polygon(one if at % 3 else brush.accent, (x, y), *edges)
    picture.disc(picture.ground, x, y, 18)
    picture.disc(other, x, y, 13)


def stripes(brush: Brush) -> None:
    """Slanting stripes as wide as the waveform is high."""
    picture, dice = brush.picture, brush.dice
    colours = (brush.main, brush.second, brush.accent)
    slant, at, stripe = dice.between(20, 60), -dice.between(50, 66), 0
    for level in brush.levels(9):
        width = 4 + 13 * min(level, 1)
        low, high = at, at + width
        picture.polygon(
            colours[stripe % 3], (low + slant, 0), (high + slant, 0), (high, SIZE), (low, SIZE)
        )
        at, stripe = at + width + dice.between(4, 8), stripe + 1
    picture.disc(dice.choose(colours), dice.between(28, 68), dice.between(28, 68), 17)


def summits(brush: Brush) -> None:
    """Triangles side by side, a small one before each large one."""
    picture, dice = brush.picture, brush.dice
    one, other = brush.both()
    picture.disc(brush.accent, dice.between(22, 74), dice.between(16, 26), dice.between(9, 14))
    count = dice.number(2, 4)
    pitch = SIZE / count
    for colour, shift, share in ((other, 0.0, 1.0), (one, 0.5, 0.62)):
        for at, level in enumerate(brush.levels(count + 1)):
            x, height = pitch * (at + shift), share * (34 + 46 * min(level, 1))
            half = pitch * (0.62 if share == 1 else 0.5)
            picture.polygon(colour, (x - half, SIZE), (x, SIZE - height), (x + half, SIZE))


def dots(brush: Brush) -> None:
    """A screen of dots that swell with the waveform."""
    picture, dice = brush.picture, brush.dice
    count = dice.number(4, 6)
    pitch = SIZE / count
    one, other = brush.both()
    columns, rows = brush.levels(count), brush.levels(count)
    lit = dice.number(0, count * count - 1)
    for column, across in enumerate(columns):
        for row, down in enumerate(rows):
            radius = pitch * (0.12 + 0.38 * min(1, across * 0.6 + down * 0.5))
            colour = one if (row + column) % 2 else other
            colour = brush.accent if row * count + column == lit else colour
            picture.disc(colour, pitch * (column + 0.5), pitch * (row + 0.5), radius)


def steps(brush: Brush) -> None:
    """Beams from one side, as long as the waveform is high."""
    picture, dice = brush.picture, brush.dice
    count = dice.number(4, 7)
    height = SIZE / count
    colours = (brush.main, brush.second, brush.accent)
    first = dice.number(0, 2)
    for at, level in enumerate(brush.levels(count)):
        length = 18 + 66 * min(level, 1)
        colour = colours[(first + at) % 3]
        y = at * height
        picture.box(colour, 0, y, length, height * 0.86)
        picture.sector(colour, length, y + height * 0.43, height * 0.43, -90, 90)


CALM = (hills, grooves, moons, pebbles, reeds, arches, bars, dots)
LIVELY = (tiles, rays, stripes, summits, steps, bars, dots, grooves)
UPRIGHT = (hills, moons, reeds, summits)
"""Compositions with a ground below and a sky above."""


def _between(levels: Sequence[float], share: float) -> float:
    """Return the level at a share of the length, by cosine interpolation."""
    place = share * (len(levels) - 1)
    at = min(int(place), len(levels) - 2)
    ease = (1 - math.cos(math.pi * (place - at))) / 2
    return levels[at] * (1 - ease) + levels[at + 1] * ease
