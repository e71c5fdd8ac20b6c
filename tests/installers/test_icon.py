"""The icon: drawn right, in files that the systems can read, and never silently wrong."""

from __future__ import annotations

import struct
import zlib

import pytest

from installers import icon

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
TEAL, WHITE, NOTHING = (0x0B, 0x6E, 0x75, 255), (255, 255, 255, 255), (0, 0, 0, 0)


def pixel(picture: bytes, size: int, x: float, y: float) -> tuple[int, ...]:
    """At a place given in units of the source, of which there are 32."""
    at = (int(y * size / 32) * size + int(x * size / 32)) * 4
    return tuple(picture[at : at + 4])


def chunks(png: bytes) -> dict[bytes, bytes]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    found, at = {}, 8
    while at < len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        data = png[at + 8 : at + 8 + length]
        (check,) = struct.unpack_from(">I", png, at + 8 + length)
        assert zlib.crc32(name + data) == check
        found[name] = data
        at += 12 + length
    return found


@pytest.mark.parametrize("size", [32, 48, 128])
def test_the_anchor_is_where_the_source_has_it(size):
    picture = icon.draw(icon.read_drawing(), size)
    assert pixel(picture, size, 0.2, 0.2) == NOTHING  # the corners are round
    assert pixel(picture, size, 16, 8.5) == TEAL  # inside the ring
    assert pixel(picture, size, 4, 16) == TEAL
    for x, y in ((16, 20), (12.5, 14.5), (19.5, 14.5), (16, 24.9), (16, 6)):
        assert pixel(picture, size, x, y) == WHITE, (x, y)


def test_its_two_arms_are_the_same():
    size = 64
    picture = icon.draw(icon.read_drawing(), size)
    rows = [picture[start : start + size * 4] for start in range(0, len(picture), size * 4)]
    for row in rows:
        pixels = [row[at : at + 4] for at in range(0, len(row), 4)]
        difference = [
            abs(a - b)
            for one, two in zip(pixels, pixels[::-1], strict=True)
            for a, b in zip(one, two, strict=True)
        ]
        assert max(difference) <= 2


def test_every_file_that_packages_take_is_written(icons):
    names = {path.name for path in icons.iterdir()}
    assert names == {
        "mooring.ico",
        "mooring.icns",
        "mooring.svg",
        *(f"mooring-{size}.png" for size in icon.LINUX_SIZES),
    }


def test_a_png_holds_the_picture(icons):
    data = chunks((icons / "mooring-48.png").read_bytes())
    assert struct.unpack(">IIBBBBB", data[b"IHDR"]) == (48, 48, 8, 6, 0, 0, 0)
    lines = zlib.decompress(data[b"IDAT"])
    rows = [lines[at : at + 1 + 48 * 4] for at in range(0, len(lines), 1 + 48 * 4)]
    assert {row[:1] for row in rows} == {b"\0"}
    assert b"".join(row[1:] for row in rows) == icon.draw(icon.read_drawing(), 48)


def test_the_icon_of_windows_names_each_picture(icons):
    data = (icons / "mooring.ico").read_bytes()
    assert struct.unpack_from("<HHH", data) == (0, 1, len(icon.ICO_SIZES))
    end = 6 + 16 * len(icon.ICO_SIZES)
    for number, size in enumerate(icon.ICO_SIZES):
        width, height, *_, length, at = struct.unpack_from("<BBBBHHII", data, 6 + 16 * number)
        assert (width or 256, height or 256) == (size, size)
        assert at == end
        end += length
        assert struct.unpack_from(">I", chunks(data[at:end])[b"IHDR"]) == (size,)
    assert end == len(data)


def test_the_icon_of_macos_names_each_picture(icons):
    data = (icons / "mooring.icns").read_bytes()
    assert data[:4] == b"icns"
    assert struct.unpack_from(">I", data, 4) == (len(data),)
    at, found = 8, {}
    while at < len(data):
        name, length = struct.unpack_from(">4sI", data, at)
        found[name] = struct.unpack_from(">I", chunks(data[at + 8 : at + length])[b"IHDR"])[0]
        at += length
    assert found == icon.ICNS_TYPES


@pytest.mark.parametrize(
    "inside",
    [
        '<ellipse rx="3" ry="4" fill="#fff"/>',
        '<rect width="3" height="3" fill="red"/>',
        '<rect width="3" height="3" fill="#fff" stroke="#000"/>',
        '<g transform="rotate(3)"><rect width="3" height="3" fill="#fff"/></g>',
        '<path d="M1 1L2 2" fill="#fff"/>',
        '<path d="M1 1L2 2" fill="none" stroke="#fff" stroke-width="1"/>',
        '<g stroke-linecap="round" stroke-linejoin="round" fill="none" stroke="#fff" stroke-width="1">'
        '<path d="M1 1A2 2 0 0 0 3 3"/></g>',
    ],
)
def test_a_source_that_is_not_understood_is_refused(tmp_path, inside):
    source = tmp_path / "new.svg"
    source.write_text(f"{HEAD}{inside}</svg>")
    with pytest.raises((ValueError, KeyError)):
        icon.read_drawing(source)


def test_a_source_that_is_no_square_is_refused(tmp_path):
    source = tmp_path / "new.svg"
    source.write_text('<svg viewBox="0 0 32 16"></svg>')
    with pytest.raises(ValueError, match="not a square"):
        icon.read_drawing(source)


def test_paths_may_be_absolute_or_relative(tmp_path):
    source = tmp_path / "new.svg"
    style = 'fill="none" stroke="#123456" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    source.write_text(
        f'{HEAD}<path d="M1 2L3 4H5V6" {style}/><path d="m1 2l2 2h2v2" {style}/>'
        f'<path d="M0 0C1 2 3 4 5 6S7 8 9 9" {style}/><path d="m0 0c1 2 3 4 5 6s2 2 4 3" {style}/></svg>'
    )
    one, two, three, four = icon.read_drawing(source).shapes
    assert one == two
    assert three == four
