"""The order of the boards in the list: what moves, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

PLAY = """async (looks) => {
  const { Nearness } = await import("/lib/nearness.js");
  const nearness = new Nearness();
  return looks.map(([now, held, boards]) => nearness.order(boards, now, held).map(({ id }) => id).join(" "));
}"""


def heard(**boards: int | None) -> list[dict[str, Any]]:
    """Boards with their signals in dBm; None: on a cable."""
    cable = {"kind": "serial", "address": "/dev/ttyACM0"}
    return [
        {
            "id": name,
            "ports": [cable if dbm is None else {"kind": "ble", "address": "", "rssi_dbm": dbm}],
        }
        for name, dbm in boards.items()
    ]


async def play(page: Page, *looks: tuple[float, bool, list[dict[str, Any]]]) -> list[str]:
    """What is shown at each look."""
    shown: list[str] = await page.evaluate(PLAY, [list(look) for look in looks])
    return shown


async def test_boards_on_a_cable_stand_first_and_the_others_by_nearness(modules: Page) -> None:
    boards = heard(far=-90, near=-50, zebra=None, middle=-70, ant=None)
    assert await play(modules, (0, False, boards)) == ["ant zebra near middle far"]


async def test_a_board_overtakes_only_when_it_was_clearly_nearer_for_some_time(
    modules: Page,
) -> None:
    shown = await play(
        modules,
        (0, False, heard(a=-60, b=-70)),
        (1, False, heard(a=-60, b=-50)),
        (3, False, heard(a=-60, b=-50)),
        (4, False, heard(a=-60, b=-50)),
    )
    assert shown == ["a b", "a b", "a b", "b a"]


async def test_a_board_that_is_a_little_nearer_stays_where_it_is(modules: Page) -> None:
    looks = [(float(now), False, heard(a=-60, b=-55)) for now in range(1, 60)]
    assert set(await play(modules, (0, False, heard(a=-60, b=-70)), *looks)) == {"a b"}


async def test_somebody_who_walks_past_moves_nothing(modules: Page) -> None:
    looks = [(float(now), False, heard(a=-60 if now % 3 else -80, b=-65)) for now in range(1, 60)]
    assert set(await play(modules, (0, False, heard(a=-60, b=-65)), *looks)) == {"a b"}


async def test_a_board_overtakes_those_that_are_weaker_and_no_other(modules: Page) -> None:
    before = heard(a=-50, b=-60, c=-70, d=-80, e=-90)
    after = heard(a=-50, b=-60, c=-70, d=-80, e=-62)
    shown = await play(modules, (0, False, before), (1, False, after), (5, False, after))
    assert shown[-1] == "a b e c d"


async def test_two_that_change_places_do_so_at_once(modules: Page) -> None:
    before, after = heard(a=-50, b=-60, c=-70), heard(a=-70, b=-60, c=-50)
    shown = await play(modules, (0, False, before), (1, False, after), (4, False, after))
    assert shown[-1] == "c b a"


async def test_nothing_moves_while_the_list_is_held(modules: Page) -> None:
    before = heard(a=-50, b=-60)
    after = heard(a=-80, b=-40, new=-30, cable=None)
    shown = await play(
        modules,
        (0, False, before),
        (1, True, after),
        (60, True, after),
        (61, True, heard(b=-40, new=-30, cable=None)),
        (62, False, heard(b=-40, new=-30, cable=None)),
    )
    assert shown == [
        "a b",
        "a b cable new",
        "a b cable new",
        "b cable new",
        "cable new b",
    ]


async def test_a_board_that_does_not_say_how_strong_it_is_stands_last(modules: Page) -> None:
    boards = heard(a=-90, b=-50)
    boards.append({"id": "mute", "ports": [{"kind": "ble", "address": "", "rssi_dbm": None}]})
    assert await play(modules, (0, False, boards)) == ["b a mute"]


async def test_a_board_that_is_plugged_in_moves_to_the_cables(modules: Page) -> None:
    both = heard(b=-60)[0]
    both["ports"].insert(0, {"kind": "serial", "address": "/dev/ttyACM0"})
    shown = await play(modules, (0, False, heard(a=-50, b=-60)), (1, False, [*heard(a=-50), both]))
    assert shown == ["a b", "b a"]


@pytest.mark.parametrize(
    ("port", "shown"),
    [
        ({"address": "ble://F4:12:FA:00:00:1C"}, "F4:12:FA:00:00:1C"),
        ({"address": "ble://f4:12:fa:00:00:1c"}, "F4:12:FA:00:00:1C"),
        (
            {"address": "ble://0C2D-4D", "serial_number": "F412FA00001C"},
            "F4:12:FA:00:00:1C",
        ),
    ],
)
async def test_a_board_in_the_air_has_the_address_that_is_its_own(
    modules: Page, port: dict[str, str], shown: str
) -> None:
    script = "async (p) => (await import('/lib/ports.js')).airAddress(p)"
    assert await modules.evaluate(script, {"kind": "ble", **port}) == shown


async def test_a_number_that_ports_share_is_said_once(modules: Page) -> None:
    ports = [
        {"kind": "serial", "address": "/dev/ttyACM0", "serial_number": "THINGY91X_5A"},
        {"kind": "serial", "address": "/dev/ttyACM1", "serial_number": "THINGY91X_5A"},
        {"kind": "ble", "address": "ble://A1:B2:C3:D4:E5:F6"},
    ]
    script = "async (p) => (await import('/lib/ports.js')).portsText(p)"
    assert await modules.evaluate(script, ports) == (
        "/dev/ttyACM0, /dev/ttyACM1 · serial number THINGY91X_5A, Bluetooth A1:B2:C3:D4:E5:F6"
    )


@pytest.mark.parametrize(
    ("said", "opened"),
    [
        ("http://192.168.1.23/", "http://192.168.1.23/"),
        ("https://lamp.local/?a=1#b", "https://lamp.local/?a=1#b"),
        ("HTTP://LAMP.local", "http://lamp.local/"),
        ("javascript:alert(1)", ""),
        (" javascript:alert(1)", ""),
        ("data:text/html,<script>alert(1)</script>", ""),
        ("file:///etc/passwd", ""),
        ("blob:http://192.168.1.23/x", ""),
        ("http://me:secret@192.168.1.23/", ""),
        ("/settings", ""),
        ("lamp.local", ""),
        ("", ""),
        (None, ""),
        (["http://192.168.1.23/"], ""),
    ],
)
async def test_only_web_pages_of_a_device_are_opened(
    modules: Page, said: object, opened: str
) -> None:
    script = "async (text) => (await import('/lib/weblink.js')).webAddress(text)"
    assert await modules.evaluate(script, said) == opened
