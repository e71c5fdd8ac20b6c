"""Numbers, times and names as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

CALL = """async ([name, args]) => {
  const module = await import("/lib/text.js");
  return module[name](...args);
}"""


@pytest.mark.parametrize(
    ("name", "args", "shown"),
    [
        ("byteLength", ["Café 🧀"], 10),
        ("hexOf", ["é"], "c3a9"),
        ("duration", [0.41], "0.4 s"),
        ("duration", [9.96], "10 s"),
        ("duration", [59.6], "1 min 0 s"),
        ("duration", [3725], "1 h 2 min"),
        ("duration", [-3], "< 0.1 s"),
        ("ago", [100, 102], "just now"),
        ("ago", [100, 123], "20 seconds ago"),
        ("ago", [100, 100 + 125], "2 min ago"),
        ("count", [1, "board"], "1 board"),
        ("count", [32, "board"], "32 boards"),
        ("dbm", [-45], "−45 dBm"),
        ("size", [999], "999 bytes"),
        ("size", [12_345], "12 kB"),
        ("percent", [0.625], "63 %"),
        ("percent", [1.7], "100 %"),
        ("older", ["0.5.2", "0.6.0"], True),
        ("older", ["0.6.0", "0.6.0"], False),
        ("older", ["0.10.0", "0.6.0"], False),
        ("older", ["1", "0.6.0"], False),
        ("older", ["0.6", "0.6.1"], True),
        ("older", ["0.6.0-rc1", "0.6.0"], False),
        ("shortAddress", ["/dev/pts/3"], "pts/3"),
        ("shortAddress", ["COM3"], "COM3"),
        ("shortAddress", ["tcp://127.0.0.1:4711"], "127.0.0.1:4711"),
    ],
)
async def test_values_are_worded_for_people(
    modules: Page, name: str, args: list[Any], shown: object
) -> None:
    assert await modules.evaluate(CALL, [name, args]) == shown


async def test_signal_has_one_to_four_bars(modules: Page) -> None:
    shown = await modules.evaluate(
        """async () => {
          const { bars, strength } = await import("/lib/signal.js");
          return [-45, -60, -75, -90].map((rssi) => [bars(rssi), strength(rssi)]);
        }"""
    )
    assert shown == [[4, "strong"], [3, "good"], [2, "fair"], [1, "weak"]]
