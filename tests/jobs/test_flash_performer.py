"""What a board answers when it is asked in every protocol; and that its port is free afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import NotSupported, PortBusy
from agent.jobs.flash_effects import AskBoard, PrepareFlash, Source, Upload
from agent.jobs.flash_performer import FlashPerformer
from agent.links import open_link
from tests.jobs.flashing import happens, sketch

if TYPE_CHECKING:
    from agent.boards.leases import Lease
    from agent.jobs.which import BoardSays
    from tests.jobs.bench import Bench

MKR, UNO = "mkr_wifi_1010", "uno_r4_wifi"


def performer(bench: Bench, lease: Lease, model: str | None) -> FlashPerformer:
    found = bench.catalog.get(model) if model else None
    return FlashPerformer(bench.jobs._surroundings, lease, found, lambda *_: None)


async def ask(bench: Bench, model: str, patience_s: float = 60.0) -> BoardSays:
    """``patience_s`` on the hurried clock: who answers does so at once, but not on a busy machine."""
    async with bench.boards.lease(bench.board.id, "a test") as lease:
        says: BoardSays = await performer(bench, lease, model).perform(AskBoard(patience_s))
        # Whoever opens the port next finds it free.
        await (await lease.open(9600)).close()
    return says


async def begin(bench: Bench, model: str, **config: Any) -> Any:
    device = await bench.plug(model=model, **config)
    await bench.start_agent(clock=bench.hurried)
    return device


@pytest.mark.parametrize(
    ("model", "config", "answer"),
    [
        (UNO, {"sketch_version": "0.6.2"}, "2.0"),
        (UNO, {"sketch": "application"}, "application"),
        (MKR, {"sketch": "provisioning-1.0"}, "1.0"),
        (UNO, {"sketch": "provisioning-1.0"}, "1.0"),
        ("nano_rp2040_connect", {"sketch": "console-1.0"}, "console"),
        (UNO, {"answers": False}, "silence"),
    ],
)
async def test_what_a_sketch_answers_is_told(bench: Bench, model, config, answer):
    await begin(bench, model, **config)
    says = await ask(bench, model, 5.0 if answer == "silence" else 60.0)
    assert says.answer == answer
    if answer == "2.0":
        assert (says.sketch_version, says.wifi_firmware) == ("0.6.2", "0.6.0")


async def test_a_sketch_that_is_not_asked_in_2_0_is_asked_in_1_0_only(bench: Bench):
    await begin(bench, MKR)
    assert (await ask(bench, MKR, 0.0)).answer in {"silence", "text"}
    assert "connect" not in [event.step for event in bench.events]


async def test_a_board_in_its_bootloader_is_not_spoken_to(bench: Bench):
    device = await begin(bench, MKR)
    device.press_reset(times=2)
    await happens(bench, lambda: bench.board.state.value == "bootloader")
    assert (await ask(bench, MKR)).answer == "bootloader"


async def test_a_port_that_another_program_holds_is_no_answer(bench: Bench):
    device = await begin(bench, MKR)
    held = await open_link(device.address, 9600)
    try:
        with pytest.raises(PortBusy):
            await ask(bench, MKR)
    finally:
        await held.close()


async def test_a_board_of_an_unknown_kind_gets_no_sketch(bench: Bench):
    await begin(bench, MKR)
    source = Source(upload=Upload(name="a.bin", data=b"\0"))
    async with bench.boards.lease(bench.board.id, "a test") as lease:
        with pytest.raises(NotSupported):
            await performer(bench, lease, None).perform(PrepareFlash(source))


async def test_what_was_prepared_names_file_size_and_place(bench: Bench):
    await begin(bench, MKR)
    file = sketch(bench, MKR)
    async with bench.boards.lease(bench.board.id, "a test") as lease:
        made = await performer(bench, lease, MKR).perform(PrepareFlash(Source(upload=file)))
    assert (made.name, made.size, made.place) == ("blink.bin", len(file.data), "9-1")
    assert (made.kind, made.shows, made.plan.model) == ("local", False, MKR)
