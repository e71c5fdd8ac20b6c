"""What a person is told before a job starts: which procedure a board needs, and what becomes of it.

Nothing is asked of the board and no lease is taken; the job looks again, more closely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.boards.board import BoardState
from agent.clouds.devices import DeviceCloud
from agent.errors import CloudError
from agent.jobs.preconditions import cloud_says, serial_of
from agent.jobs.provision import NO_CLOUD
from agent.jobs.reach import BLYNK_ALONE, usual_via
from agent.jobs.which import BoardSays, CloudSays, Decision, decide
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.boards.board import Board
    from agent.catalog import Model
    from agent.clouds.cloud import Cloud
    from agent.jobs.which import Procedure

NAME_CHARS = 64


class OldDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device that the cloud keeps of a board from earlier."""

    id: str
    name: str


class Advice(Decision, frozen=True, kw_only=True):
    """The decision, and what the cloud has of the board."""

    old_devices: tuple[OldDevice, ...] = ()


async def advise(
    board: Board, model: Model | None, cloud: Cloud | None, wanted: Procedure | None
) -> Advice:
    """What is known without the board; :class:`InputError` if ``wanted`` is not possible."""
    if board.provisioning.installed == "blynk" and usual_via(board) == "ble":
        return Advice(procedure="unsupported", reason=BLYNK_ALONE, flashes=False)
    says = CloudSays()
    old: tuple[OldDevice, ...] = ()
    only_network = None if cloud is None else cloud.id == NO_CLOUD
    if cloud is not None:
        info = await cloud.info()
        says = CloudSays(title=info.title)
        if info.signed_in or not info.needs_account:
            says = await cloud_says(cloud, model, info.title)
            old = await _old_devices(cloud, serial_of(board))
    says = msgspec.structs.replace(says, only_network=only_network)
    decision = decide(model, says, _remembered(board, says), wanted=wanted)
    return Advice(**msgspec.structs.asdict(decision), old_devices=old)


def _remembered(board: Board, cloud: CloudSays) -> BoardSays:
    """What its ports show, or an earlier job found on it, if that is known."""
    if board.state is BoardState.BOOTLOADER:
        return BoardSays(answer="bootloader")
    if board.provisioning.installed == "improv":
        return BoardSays(answer="improv")
    if board.provisioning.installed == "1.0":
        return BoardSays(answer="1.0")
    if board.provisioning.installed == "2.0":
        # Its version is looked at again by the job.
        return BoardSays(answer="2.0", sketch_version=cloud.min_sketch or "0")
    return BoardSays()


async def _old_devices(cloud: Cloud, serial_number: str | None) -> tuple[OldDevice, ...]:
    if serial_number is None or not isinstance(cloud, DeviceCloud):
        return ()
    try:
        found = await (await cloud.devices()).find(serial_number)
    except CloudError:
        # Advice is given without; the job says what it finds.
        return ()
    return tuple(
        OldDevice(id=device.id, name=clean_text(device.name or device.id, NAME_CHARS))
        for device in found
    )
