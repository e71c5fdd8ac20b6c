"""Flashing over a port: the agent's link on one end, a simulated loader on the other."""

import asyncio

import pytest

from agent.errors import FlashFailed, ImageRefused, NoBootloader, PortGone, VerifyFailed
from agent.flash.content import read_image
from agent.flash.method import FlashPlan, FlashTarget
from agent.links import open_link
from agent.simulator.samba import End, LoaderFaults, SamdLoader, UnoR4Loader
from agent.simulator.samba_port import SambaPort
from tests.flash.images import Steps, noise
from tests.flash.samba_rig import LOADERS, flasher, holds, model, plan, run, sketch

MKR = "mkr_wifi_1010"
UNO = "uno_r4_wifi"
WIO = "wio_terminal"
BASES = {MKR: 0x2000, UNO: 0x4000, WIO: 0x4000}


# --- what is checked before anything is opened ----------------------------------------------------


@pytest.mark.parametrize(("name", "room"), [(MKR, 253_952), (UNO, 245_760), (WIO, 507_904)])
def test_a_sketch_may_fill_the_flash_behind_the_loader_and_no_more(name, room):
    fits = flasher(name).plan(sketch(room, BASES[name]), model(name))
    assert fits.size == len(fits.data) == room
    with pytest.raises(ImageRefused, match=f"{room + 1} bytes"):
        flasher(name).plan(sketch(room + 1, BASES[name]), model(name))


def test_a_plan_says_where_and_what():
    made = plan(MKR, 1001)
    assert (made.model, made.address, made.size) == (MKR, 0x2000, 1001)
    assert made.data[:1001] == made.image.data
    assert made.data[1001:] == b"\xff" * 23
    assert plan(UNO).address == 0
    assert plan(WIO).address == 0x4000


@pytest.mark.parametrize(
    "image",
    [
        read_image("a.uf2", b"UF2\n" + bytes(508)),
        read_image("a.elf", b"\x7fELF" + bytes(508)),
        read_image("a.bin", b"\xe9" + bytes(511)),
        read_image("a.bin", noise(512)),
        sketch(512, 0x4000 + 512),
    ],
    ids=["uf2", "elf", "esp", "noise", "for another base"],
)
def test_what_is_no_sketch_for_the_board_is_refused(image):
    with pytest.raises(ImageRefused):
        flasher(MKR).plan(image, model(MKR))


@pytest.mark.parametrize("name", ["portenta_h7", "esp32", UNO])
def test_a_board_with_another_kind_of_bootloader_is_refused(name):
    with pytest.raises(ImageRefused, match="bootloader"):
        flasher(MKR).plan(sketch(512), model(name))


# --- runs that end well ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOADERS)
async def test_a_sketch_is_written_and_started(name):
    loader = LOADERS[name]()
    async with SambaPort(loader, stays=name == UNO) as port:
        steps = await run(name, port, 30_001)
        assert await port.wait_ended() is End.RESET
    assert holds(loader, plan(name, 30_001).image)
    assert steps.stages() == ["prepare", "erase", "write", "verify", "reset"]
    written = [step.done for step in steps if step.stage == "write"]
    assert written == sorted(written)
    assert {step.total for step in steps if step.stage == "write"} == {written[-1]}


async def test_a_loader_without_extensions_is_flashed_through_its_flash_controller():
    loader = SamdLoader(extended=False)
    async with SambaPort(loader) as port:
        steps = await run(MKR, port)
    assert holds(loader, plan(MKR).image)
    assert loader.ended is End.RESET
    erased = [step for step in steps if step.stage == "erase"]
    assert erased[-1].done > erased[-1].total * 0.9


async def test_a_flipped_byte_is_written_again():
    loader = SamdLoader()
    data = plan(MKR).image.data
    loader.memory.flips[0x2000 + data.index(0x55)] = 1
    async with SambaPort(loader) as port:
        await run(MKR, port)
    assert holds(loader, plan(MKR).image)
    assert loader.commands["X"] == 2


async def test_a_socket_serves_where_there_are_no_pseudo_terminals():
    loader = SamdLoader()
    async with SambaPort(loader, tcp=True) as port:
        await run(MKR, port)
        assert await port.wait_ended() is End.RESET
    assert holds(loader, plan(MKR).image)


async def test_a_slow_loader_is_waited_for():
    loader = SamdLoader(faults=LoaderFaults(delay_s=0.02))
    async with SambaPort(loader) as port:
        await run(MKR, port)
    assert holds(loader, plan(MKR).image)


async def test_behind_the_bridge_the_speed_of_the_loader_is_tried_first_and_then_the_recipes():
    tried: list[int] = []
    loader = UnoR4Loader()

    async def opener(address: str, baud: int):
        tried.append(baud)
        loader.faults.silent = baud != 921600
        return await open_link(address, baud)

    async with SambaPort(loader, stays=True) as port:
        await flasher(UNO, opener).run(plan(UNO), FlashTarget(address=port.address), Steps())
    assert tried == [model(UNO).upload.baud, 921600]
    assert holds(loader, plan(UNO).image)


# --- faults ---------------------------------------------------------------------------------------

UNPLUGGED = {
    "before the first answer": (LoaderFaults(vanish_on="N"), "prepare"),
    "before the erase": (LoaderFaults(vanish_on="w"), "prepare"),
    "during the erase": (LoaderFaults(vanish_on="X"), "erase"),
    "after the erase": (LoaderFaults(vanish_on="S"), "write"),
    "while verifying": (LoaderFaults(vanish_on="Z"), "write"),
}


@pytest.mark.parametrize(("faults", "stage"), UNPLUGGED.values(), ids=UNPLUGGED)
async def test_a_board_that_was_unplugged_is_flashed_after_it_was_plugged_in_again(faults, stage):
    loader = SamdLoader(faults=faults)
    async with SambaPort(loader) as port:
        with pytest.raises(FlashFailed) as error:
            await run(MKR, port)
    assert error.value.facts["stage"] == stage
    again = SamdLoader()
    again.memory.flash[:] = loader.memory.flash
    async with SambaPort(again) as port:
        await run(MKR, port)
    assert holds(again, plan(MKR).image)


async def test_a_port_that_vanishes_at_the_reset_is_a_success():
    loader = SamdLoader(faults=LoaderFaults(vanish_on="W"))
    async with SambaPort(loader) as port:
        await run(MKR, port)
    assert loader.ended is End.UNPLUGGED


async def test_a_silent_port_is_no_bootloader_and_nothing_is_erased():
    loader = SamdLoader(faults=LoaderFaults(silent=True))
    async with SambaPort(loader) as port:
        with pytest.raises(NoBootloader) as error:
            await run(MKR, port)
    assert model(MKR).bootloader_entry.manual in error.value.report().remedy
    assert loader.commands["X"] == 0


async def test_noise_instead_of_a_chip_is_no_bootloader_and_nothing_is_erased():
    loader = SamdLoader(faults=LoaderFaults(noise=b"\x00\xffnoise"))
    async with SambaPort(loader) as port:
        with pytest.raises(NoBootloader):
            await run(MKR, port)
    assert loader.commands["X"] == 0


async def test_a_loader_that_falls_silent_breaks_the_run_off():
    loader = SamdLoader(faults=LoaderFaults(silent_on="Y"))
    async with SambaPort(loader) as port:
        with pytest.raises(FlashFailed) as error:
            await run(MKR, port)
    assert error.value.facts["stage"] == "write"
    assert loader.commands["S"] == 2


async def test_a_byte_that_stays_wrong_leaves_the_board_in_a_loader_that_can_be_used_again():
    loader = SamdLoader()
    data = plan(MKR).image.data
    loader.memory.flips[0x2000 + data.index(0x55)] = 1000
    async with SambaPort(loader) as port:
        with pytest.raises(VerifyFailed):
            await run(MKR, port)
        assert loader.ended is None
        loader.memory.flips.clear()
        await run(MKR, port)
    assert holds(loader, plan(MKR).image)


async def test_without_a_port_nothing_is_opened():
    with pytest.raises(NoBootloader):
        await flasher(MKR).run(plan(MKR), FlashTarget(volume="/media/X"), Steps())


async def test_a_port_that_is_gone_is_said_to_be_gone(tmp_path):
    target = FlashTarget(address=str(tmp_path / "ttyACM9"))
    with pytest.raises(PortGone):
        await flasher(MKR).run(plan(MKR), target, Steps())


async def test_a_plan_of_another_method_is_a_mistake_of_the_caller():
    other = FlashPlan(image=sketch(512), model=MKR, address=0, size=512)
    with pytest.raises(TypeError):
        await flasher(MKR).run(other, FlashTarget(address="x"), Steps())


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("stage", ["prepare", "erase", "write"])
async def test_a_cancelled_run_leaves_a_loader_that_takes_the_next_one(name, stage):
    loader = LOADERS[name]()
    reached = asyncio.Event()
    seen: list[str] = []

    def progress(step):
        seen.append(step.stage)
        if step.stage == stage and (stage != "write" or step.done):
            reached.set()

    async with SambaPort(loader, stays=name == UNO) as port:
        target = FlashTarget(address=port.address)
        running = asyncio.create_task(
            flasher(name).run(plan(name, 40_000, b"first"), target, progress)
        )
        await reached.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert "reset" not in seen
        assert loader.ended is None
        before = loader.commands["N"]
        await run(name, port)
        # The first question was answered: it was in the middle of nothing.
        assert loader.commands["N"] == before + 1
    assert holds(loader, plan(name).image)


class Watched:
    """A link that knows whether it was closed."""

    def __init__(self, link):
        self.link = link
        self.address = link.address
        self.closed = False

    async def write(self, data):
        await self.link.write(data)

    async def receive(self):
        return await self.link.receive()

    async def close(self):
        self.closed = True
        await self.link.close()


class Opener:
    """Opens links and keeps them."""

    def __init__(self):
        self.opened = []

    async def __call__(self, address, baud):
        link = Watched(await open_link(address, baud))
        self.opened.append(link)
        return link

    def all_closed(self):
        return bool(self.opened) and all(link.closed for link in self.opened)


@pytest.mark.parametrize("vanish_on", ["N", "w", "S"])
async def test_a_run_that_failed_has_let_go_of_the_port(vanish_on):
    opener = Opener()
    async with SambaPort(SamdLoader(faults=LoaderFaults(vanish_on=vanish_on))) as port:
        with pytest.raises(FlashFailed):
            await flasher(MKR, opener).run(plan(MKR), FlashTarget(address=port.address), Steps())
    assert opener.all_closed()


class Asked(SamdLoader):
    """Answers nothing to one command, and tells that it came."""

    def __init__(self, command):
        super().__init__(faults=LoaderFaults(silent_on=command))
        self.command = command
        self.came = asyncio.Event()

    def receive(self, data):
        answer = super().receive(data)
        if self.commands[self.command]:
            self.came.set()
        return answer


@pytest.mark.parametrize("silent_on", ["N", "Y"])
async def test_a_run_that_is_cancelled_twice_lets_go_of_the_port_at_once(silent_on):
    opener = Opener()
    loader = Asked(silent_on)
    async with SambaPort(loader) as port:
        target = FlashTarget(address=port.address)
        running = asyncio.create_task(flasher(MKR, opener).run(plan(MKR), target, Steps()))
        await loader.came.wait()
        running.cancel()
        await asyncio.sleep(0)  # the first one arrives alone
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert opener.all_closed()
        assert loader.commands[silent_on] == 1


async def test_a_start_that_failed_has_let_go_of_the_port():
    opener = Opener()
    async with SambaPort(SamdLoader(faults=LoaderFaults(vanish_on="V"))) as port:
        with pytest.raises(FlashFailed):
            await flasher(MKR, opener).start(model(MKR), FlashTarget(address=port.address))
    assert opener.all_closed()
