"""Shapes of a drawn cover, and their drawing as SVG or as the pixels of a PNG."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

SIZE = 96.0
"""Width and height of a picture in its units."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled polygon."""

    points: tuple[Point, ...]

    def path(self) -> str:
        """Return the shape as the data of an SVG path."""
        return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in self.points) + "z"


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle; with ``hole``, a ring around a circle of that radius."""

    x: float
    y: float
    radius: float
    hole: float = 0.0

    def path(self) -> str:
        """Return the shape as the data of an SVG path; the hole runs the other way round."""
        return self._circle(self.radius, 1) + (self._circle(self.hole, 0) if self.hole else "")

    def _circle(self, radius: float, sweep: int) -> str:
        r, across = _number(radius), _number(2 * radius)
        return (
            f"M{_number(self.x - radius)} {_number(self.y)}"
            f"a{r} {r} 0 1 {sweep} {across} 0a{r} {r} 0 1 {sweep} -{across} 0z"
        )


@dataclass(frozen=True, slots=True)
class Sector:
    """A slice of a disc, clockwise from ``start`` to ``end`` degrees (0 is to the right)."""

    x: float
    y: float
    radius: float
    start: float
    end: float

    def path(self) -> str:
        """Return the shape as the data of an SVG path."""
        (ax, ay), (bx, by) = (self._at(angle) for angle in (self.start, self.end))
        r, large = _number(self.radius), int(self.end - self.start > 180)
        return (
            f"M{_number(self.x)} {_number(self.y)}L{_number(ax)} {_number(ay)}"
            f"A{r} {r} 0 {large} 1 {_number(bx)} {_number(by)}z"
        )

    def _at(self, degrees: float) -> Point:
        angle = math.radians(degrees)
        return self.x + self.radius * math.cos(angle), self.y + self.radius * math.sin(angle)


Shape = Polygon | Disc | Sector


class Picture:
    """Coloured shapes on a ground, in the order in which they are painted.

    All shapes are rotated by ``turn`` quarter turns and may be mirrored.
    """

    def __init__(self, ground: str, turn: int = 0, *, mirrored: bool = False) -> None:
        self.ground = ground
        self.shapes: list[tuple[str, Shape]] = []
        self._turn = turn % 4
        self._mirrored = mirrored

    def polygon(self, colour: str, *points: Point) -> None:
        """Paint a polygon."""
        self.shapes.append((colour, Polygon(tuple(self._transform(*point) for point in points))))

    def box(self, colour: str, x: float, y: float, width: float, height: float) -> None:
        """Paint a rectangle from its upper left corner."""
        right, low = x + width, y + height
        self.polygon(colour, (x, y), (right, y), (right, low), (x, low))

    def disc(self, colour: str, x: float, y: float, radius: float, hole: float = 0.0) -> None:
        """Paint a disc or a ring."""
        self.shapes.append((colour, Disc(*self._transform(x, y), radius, hole)))

    def sector(
        self, colour: str, x: float, y: float, radius: float, start: float, end: float
    ) -> None:
        """Paint a slice of a disc, clockwise from ``start`` to ``end`` degrees."""
        if self._mirrored:
            start, end = 180 - end, 180 - start
        turned = 90.0 * self._turn
        place = self._transform(x, y)
        self.shapes.append((colour, Sector(*place, radius, start + turned, end + turned)))

    def _transform(self, x: float, y: float) -> Point:
        if self._mirrored:
            x = SIZE - x
        for _ in range(self._turn):
            x, y = SIZE - y, x
        return x, y


def to_svg(picture: Picture) -> str:
    """Return a picture as an SVG document; neighbours of one colour share a path."""
    paths = [
        f'<path fill="{colour}" d="{"".join(shape.path() for _, shape in group)}"/>'
        for colour, group in itertools.groupby(picture.shapes, key=lambda shape: shape[0])
    ]
    side = _number(SIZE)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<path fill="{picture.ground}" d="M0 0h{side}v{side}H0z"/>{"".join(paths)}</svg>'
    )


def to_png(picture: Picture, pixels: int, *, margin: float = 0.0) -> bytes:
    """Return a picture as a PNG; ``margin`` is the empty share of the side at each edge."""
    from PIL import Image, ImageDraw

    side = 3 * pixels  # drawn at three times the size and reduced, for anti-aliasing
    scale = side * (1 - 2 * margin) / SIZE
    image = Image.new("RGB", (side, side), picture.ground)
    draw = ImageDraw.Draw(image)

    def at(x: float, y: float) -> Point:
        return side * margin + x * scale, side * margin + y * scale

    def box(x: float, y: float, radius: float) -> Sequence[Point]:
        return [at(x - radius, y - radius), at(x + radius, y + radius)]

    for colour, shape in picture.shapes:
        match shape:
            case Polygon(points):
                draw.polygon([at(*point) for point in points], fill=colour)
            case Sector(x, y, radius, start, end):
                draw.pieslice(box(x, y, radius), start, end, fill=colour)
            case Disc(x, y, radius, hole) if hole:
                width = max(1, round((radius - hole) * scale))
                draw.ellipse(box(x, y, radius), outline=colour, width=width)
            case Disc(x, y, radius, _):
                draw.ellipse(box(x, y, radius), fill=colour)
    content = io.BytesIO()
    image.resize((pixels, pixels), Image.Resampling.LANCZOS).save(content, "PNG", optimize=True)
    return content.getvalue()


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0").replace("-0.0", "0")
