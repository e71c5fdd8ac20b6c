"""Bytes of a board as text: cut anywhere, nothing hidden, nothing that acts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

DECODE = """async (chunks) => {
  const { SerialText } = await import("/lib/serialtext.js");
  const text = new SerialText();
  return chunks.map((chunk) => text.decode(new Uint8Array(chunk))).join("") + text.finish();
}"""

SCROLL = """async ([limit, block, parts]) => {
  const { Scrollback } = await import("/lib/serialtext.js");
  const kept = new Scrollback(limit, block);
  parts.forEach((part) => kept.add(part));
  const { blocks, first, length, lost } = kept;
  return { blocks, first, length, lost, text: kept.text() };
}"""


async def decode(page: Page, *chunks: bytes) -> str:
    return str(await page.evaluate(DECODE, [list(chunk) for chunk in chunks]))


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"one\r\ntwo\n", "one\ntwo\n"),
        (b"a\rb", "a⟨CR⟩b"),
        (b"\x1b[31mred\x1b[0m", "⟨ESC⟩[31mred⟨ESC⟩[0m"),
        (b"\x00\x07\x7f", "⟨NUL⟩⟨BEL⟩⟨DEL⟩"),
        ("a\u202eb\u200b".encode(), "a⟨U+202E⟩b⟨U+200B⟩"),
        (b"\xff\xfe ok", "\ufffd\ufffd ok"),
        (b"\xef\xbb\xbfx", "⟨U+FEFF⟩x"),
        (b"tab\there", "tab\there"),
        (b"<b>bold</b>", "<b>bold</b>"),
        (b"\xe2\x82", "\ufffd"),
        (b"end\r", "end⟨CR⟩"),
    ],
)
async def test_what_acts_or_hides_is_made_visible(modules: Page, data: bytes, shown: str) -> None:
    assert await decode(modules, data) == shown


async def test_any_cut_of_the_stream_gives_the_same_text(modules: Page) -> None:
    chance = random.Random(7)
    data = "21.5 °C\r\nCafé 🧀\r\r\n\x1b[0m\u202e".encode() + b"\xff\xc3\r\n"
    whole = await decode(modules, data)
    for _ in range(40):
        cuts = sorted(chance.sample(range(len(data)), 6))
        chunks = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert await decode(modules, *chunks) == whole


async def test_old_text_goes_when_the_bound_is_reached_and_is_counted(modules: Page) -> None:
    lines = [f"line {number:04d}\n" for number in range(500)]
    kept = await modules.evaluate(SCROLL, [1000, 100, lines])
    assert kept["length"] <= 1000
    assert kept["length"] + kept["lost"] == 500 * 10
    assert kept["text"] == "".join(lines)[-kept["length"] :]
    assert kept["first"] > 0


async def test_blocks_end_at_line_ends(modules: Page) -> None:
    kept = await modules.evaluate(SCROLL, [10_000, 100, [f"{n} some text\n" for n in range(200)]])
    assert all(block.endswith("\n") for block in kept["blocks"][:-1])
    assert all(len(block) <= 100 for block in kept["blocks"])


async def test_a_line_without_end_stays_within_the_bound(modules: Page) -> None:
    kept = await modules.evaluate(SCROLL, [1000, 100, ["x" * 50_000]])
    assert kept["length"] <= 1000
    assert kept["lost"] == 50_000 - kept["length"]
