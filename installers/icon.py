"""The icon in the formats of the three systems, drawn from its one source without any tool.

The source is ``agent/web/favicon.svg``. Of SVG only what that file uses is understood (``rect``,
``circle``, ``path`` with lines and cubic curves, ``translate``, fill and stroke); anything else is
refused, so that a new drawing cannot come out silently wrong. A picture is drawn by distance: a
pixel is covered as far as the nearest edge is from its middle, which gives smooth edges.
"""

from __future__ import annotations

import math
import re
import struct
import xml.etree.ElementTree as ET
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE: Final = Path(__file__).parent.parent / "agent" / "web" / "favicon.svg"
LINUX_SIZES: Final = (16, 22, 24, 32, 48, 64, 128, 256)
"""Pixels; the usual folders of the theme hicolor."""
ICO_SIZES: Final = (16, 20, 24, 32, 40, 48, 64, 256)
"""Pixels; what Windows asks for at 100, 125, 150 and 200 %."""
ICNS_TYPES: Final = {
    b"icp4": 16,
    b"icp5": 32,
    b"ic07": 128,
    b"ic08": 256,
    b"ic09": 512,
    b"ic11": 32,
    b"ic12": 64,
    b"ic13": 256,
    b"ic14": 512,
}
"""Apple's names for PNG pictures in an icon file, and their size in pixels."""
CURVE_PIECES: Final = 24
"""Straight pieces per curve: at 512 pixels they leave it by less than a tenth of a pixel."""

Point = tuple[float, float]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points, drawn with a round pen."""

    points: tuple[Point, ...]
    width: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class RoundedRect:
    """A filled rectangle with round corners."""

    left: float
    top: float
    width: float
    height: float
    radius: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the source says, in the order in which it is drawn."""

    size: float
    shapes: tuple[Stroke | RoundedRect, ...]


# --- reading the source -------------------------------------------------------------------------


def read_drawing(path: Path = SOURCE) -> Drawing:
    """The drawing in a file; raises :class:`ValueError` for what is not understood."""
    root = ET.parse(path).getroot()  # noqa: S314 - our own file
    left, top, width, height = (float(word) for word in root.attrib["viewBox"].split())
    if (left, top) != (0, 0) or width != height:
        msg = f"{path}: the drawing is not a square from 0, 0"
        raise ValueError(msg)
    return Drawing(width, tuple(_shapes(root, {}, (0.0, 0.0))))


def _shapes(
    element: ET.Element, outer: dict[str, str], origin: Point
) -> Iterator[Stroke | RoundedRect]:
    for child in element:
        style = {**outer, **child.attrib}
        style.pop("transform", None)
        tag = child.tag.rpartition("}")[2]
        x, y = _moved(origin, child.get("transform"))
        if tag == "g":
            yield from _shapes(child, style, (x, y))
        elif tag == "rect" and "stroke" not in style:
            yield RoundedRect(
                x + float(style.get("x", 0)),
                y + float(style.get("y", 0)),
                float(style["width"]),
                float(style["height"]),
                float(style.get("rx", 0)),
                _colour(style["fill"]),
            )
        elif tag in {"circle", "path"} and style.get("fill") == "none":
            _require_round(style)
            lines = [_circle(style)] if tag == "circle" else _path(style["d"])
            for line in lines:
                points = tuple((x + px, y + py) for px, py in line)
                yield Stroke(points, float(style["stroke-width"]), _colour(style["stroke"]))
        else:
            msg = f"the icon's source has a <{tag}> that cannot be drawn"
            raise ValueError(msg)


def _moved(origin: Point, transform: str | None) -> Point:
    if transform is None:
        return origin
    found = re.fullmatch(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", transform)
    if found is None:
        msg = f"the icon's source has a transform that cannot be drawn: {transform}"
        raise ValueError(msg)
    return origin[0] + float(found[1]), origin[1] + float(found[2])


def _require_round(style: dict[str, str]) -> None:
    if (style.get("stroke-linecap"), style.get("stroke-linejoin")) != ("round", "round"):
        msg = "the icon's source has a line without round ends and corners"
        raise ValueError(msg)


def _colour(text: str) -> Colour:
    found = re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", text)
    if found is None:
        msg = f"the icon's source has a colour that is not understood: {text}"
        raise ValueError(msg)
    digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def _circle(style: dict[str, str]) -> list[Point]:
    x, y, radius = (float(style[name]) for name in ("cx", "cy", "r"))
    turns = [2 * math.pi * step / (4 * CURVE_PIECES) for step in range(4 * CURVE_PIECES + 1)]
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]


def _path(data: str) -> list[list[Point]]:
    """The lines of a path: ``M``, ``L``, ``H``, ``V``, ``C``, ``S``, absolute or relative."""
    lines: list[list[Point]] = []
    control: Point | None = None
    for command, rest in re.findall(r"([A-Za-z])([^A-Za-z]*)", data):
        numbers = [float(word) for word in re.findall(r"-?(?:\d*\.\d+|\d+)", rest)]
        taken = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4}.get(command.upper())
        if taken is None or not numbers or len(numbers) % taken:
            msg = f"the icon's source has a path that cannot be drawn: {command}{rest}"
            raise ValueError(msg)
        for start in range(0, len(numbers), taken):
            here = lines[-1][-1] if lines else (0.0, 0.0)
            points = _absolute(command, numbers[start : start + taken], here)
            if command in "Mm" and start == 0:
                lines.append(points)
            elif command in "CcSs":
                first = here
                if command in "Ss" and control is not None:
                    first = (2 * here[0] - control[0], 2 * here[1] - control[1])
                curve = [here, *([first] if command in "Ss" else []), *points]
                lines[-1] += _curve(curve)
                control = curve[2]
                continue
            else:
                lines[-1] += points
            control = None
    return lines


def _absolute(command: str, numbers: list[float], here: Point) -> list[Point]:
    x, y = here if command.islower() else (0.0, 0.0)
    if command in "Hh":
        return [(x + numbers[0], here[1])]
    if command in "Vv":
        return [(here[0], y + numbers[0])]
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return [(x + px, y + py) for px, py in pairs]


def _curve(points: list[Point]) -> list[Point]:
    """Points on a cubic curve, without its first."""
    weights = (1, 3, 3, 1)
    found: list[Point] = []
    for step in range(1, CURVE_PIECES + 1):
        t = step / CURVE_PIECES
        parts = [w * (1 - t) ** (3 - n) * t**n for n, w in enumerate(weights)]
        found.append(
            (
                sum(part * point[0] for part, point in zip(parts, points, strict=True)),
                sum(part * point[1] for part, point in zip(parts, points, strict=True)),
            )
        )
    return found


# --- drawing it ---------------------------------------------------------------------------------


def draw(drawing: Drawing, size: int) -> bytes:
    """The picture: ``size`` rows of ``size`` pixels, each red, green, blue and opacity."""
    scale = size / drawing.size
    picture = bytearray(size * size * 4)
    for shape in drawing.shapes:
        if isinstance(shape, RoundedRect):
            distances = _rect_far(shape, size, scale)
        else:
            distances = _stroke_far(shape, size, scale)
        for index, distance in distances:
            cover = min(1.0, max(0.0, 0.5 - distance))
            if cover > 0:
                _lay(picture, index * 4, shape.colour, cover)
    return bytes(picture)


def _rect_far(shape: RoundedRect, size: int, scale: float) -> Iterator[tuple[int, float]]:
    """Each pixel with its distance from the edge, in pixels; negative inside."""
    radius = shape.radius * scale
    half_w, half_h = shape.width * scale / 2, shape.height * scale / 2
    middle_x, middle_y = shape.left * scale + half_w, shape.top * scale + half_h
    for row in range(size):
        y = abs(row + 0.5 - middle_y) - half_h + radius
        for column in range(size):
            x = abs(column + 0.5 - middle_x) - half_w + radius
            outside = math.hypot(max(x, 0.0), max(y, 0.0))
            yield row * size + column, outside + min(max(x, y), 0.0) - radius


def _stroke_far(shape: Stroke, size: int, scale: float) -> Iterator[tuple[int, float]]:
    """The pixels near the line with their distance from its edge; negative inside."""
    half = shape.width * scale / 2
    nearest: dict[int, float] = {}
    points = [(x * scale, y * scale) for x, y in shape.points]
    for (ax, ay), (bx, by) in pairwise(points):
        left, right = _span(ax, bx, half, size)
        top, bottom = _span(ay, by, half, size)
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy or 1.0
        for row in range(top, bottom):
            y = row + 0.5
            for column in range(left, right):
                x = column + 0.5
                along = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / length))
                distance = math.hypot(x - ax - along * dx, y - ay - along * dy) - half
                index = row * size + column
                if distance < nearest.get(index, math.inf):
                    nearest[index] = distance
    yield from nearest.items()


def _span(a: float, b: float, half: float, size: int) -> tuple[int, int]:
    low, high = min(a, b) - half - 1, max(a, b) + half + 1
    return max(0, math.floor(low)), min(size, math.ceil(high))


def _lay(picture: bytearray, at: int, colour: Colour, cover: float) -> None:
    """Put a colour over a pixel."""
    below = picture[at + 3] / 255
    opacity = cover + below * (1 - cover)
    for channel in range(3):
        mixed = colour[channel] * cover + picture[at + channel] * below * (1 - cover)
        picture[at + channel] = round(mixed / opacity)
    picture[at + 3] = round(opacity * 255)


# --- files --------------------------------------------------------------------------------------


def png(drawing: Drawing, size: int) -> bytes:
    """A PNG file. Source: W3C, Portable Network Graphics (third edition), section 11."""
    rows = draw(drawing, size)
    lines = b"".join(
        b"\0" + rows[start : start + size * 4] for start in range(0, len(rows), size * 4)
    )
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def ico(pictures: dict[int, bytes]) -> bytes:
    """An icon file of Windows with PNG pictures by size (Vista and newer)."""
    head = struct.pack("<HHH", 0, 1, len(pictures))
    at = len(head) + 16 * len(pictures)
    entries, data = b"", b""
    for size, picture in pictures.items():
        side = size % 256  # 0 means 256
        entries += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), at + len(data))
        data += picture
    return head + entries + data


def icns(pictures: dict[bytes, bytes]) -> bytes:
    """An icon file of macOS with PNG pictures by Apple's names."""
    data = b"".join(
        name + struct.pack(">I", 8 + len(picture)) + picture for name, picture in pictures.items()
    )
    return b"icns" + struct.pack(">I", 8 + len(data)) + data


def write_icons(folder: Path) -> None:
    """``mooring.ico``, ``mooring.icns``, ``mooring.svg`` and ``mooring-SIZE.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    drawing = read_drawing()
    sizes = {*LINUX_SIZES, *ICO_SIZES, *ICNS_TYPES.values()}
    pictures = {size: png(drawing, size) for size in sorted(sizes)}
    for size in LINUX_SIZES:
        (folder / f"mooring-{size}.png").write_bytes(pictures[size])
    (folder / "mooring.svg").write_bytes(SOURCE.read_bytes())
    (folder / "mooring.ico").write_bytes(ico({size: pictures[size] for size in ICO_SIZES}))
    apple = {name: pictures[size] for name, size in ICNS_TYPES.items()}
    (folder / "mooring.icns").write_bytes(icns(apple))
