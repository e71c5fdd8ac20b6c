"""Helpers: touch a simulated board and flash it, with our own client and with real tools."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from agent.catalog import Catalog
from agent.flash.content import read_image
from agent.flash.method import FlashTarget
from agent.flash.samba import SAMBA, SAMBA_BRIDGE, SambaFlasher
from agent.links import open_link
from agent.simulator.images import ImageIdentity, build_image
from agent.simulator.ports import TCP_TOUCH

if TYPE_CHECKING:
    from agent.catalog import Model
    from agent.flash.method import FlashImage, FlashProgress
    from agent.simulator.device import SimulatedDevice
    from agent.simulator.images import Runs
    from tests.simulator.test_device import Seen

CATALOG = Catalog.load()
LIMIT_S = 20.0


def model_of(device: SimulatedDevice) -> Model:
    found = CATALOG.get(device.board.model)
    assert found is not None
    return found


def image_of(
    device: SimulatedDevice, runs: Runs, *, version: str = "", size: int = 9_000
) -> FlashImage:
    """A sketch for this board."""
    model = model_of(device)
    identity = ImageIdentity(runs=runs, fqbn=model.fqbn or "", version=version)
    return read_image("sketch.bin", build_image(identity, model, size))


async def touch(device: SimulatedDevice) -> None:
    """1200 baud and hang up; on a socket what stands for it."""
    address = device.address
    assert address is not None
    if not address.startswith("tcp://"):
        from agent.links.touch import touch as touch_port

        await touch_port(address)
        return
    host, _, port = address.removeprefix("tcp://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(TCP_TOUCH)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def into_loader(device: SimulatedDevice, seen: Seen) -> None:
    """Touch, and wait until the loader can be talked to."""
    before = len([e for e in seen.events if e.event == "bootloader"])
    await touch(device)
    await seen.wait_for("bootloader", times=before + 1)


async def flash(
    device: SimulatedDevice, image: FlashImage, progress: list[FlashProgress] | None = None
) -> None:
    """Write it with our own client; the loader is there."""
    model = model_of(device)
    bridged = device.board.bridged
    flasher = SambaFlasher(open_link, SAMBA_BRIDGE if bridged else SAMBA)
    plan = flasher.plan(image, model)
    steps = progress if progress is not None else []
    async with asyncio.timeout(LIMIT_S):
        await flasher.run(plan, FlashTarget(address=device.address), steps.append)
