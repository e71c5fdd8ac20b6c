"""Sketches, errors and ways through the states that write a sketch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.catalog import Catalog
from agent.errors import (
    BoardSilent,
    FlashFailed,
    ImageRefused,
    InternalError,
    LoaderRefused,
    NoBootloader,
    NoPermission,
    NoSketch,
    OtherBoard,
    PortBusy,
    PortGone,
    SketchDamaged,
    StoreFailed,
    ToolMissing,
    VerifyFailed,
)
from agent.flash.method import FlashImage, FlashPlan, FlashTarget
from agent.jobs import effects as fx
from agent.jobs import flash_effects as flash
from agent.jobs.facts import open_flash
from agent.jobs.flash import Flash
from agent.jobs.setup import Setup, SetupOrder
from tests.jobs.drive import Drive
from tests.jobs.samples import DOWN, wifi

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.settings.network import NetworkSetting

CATALOG = Catalog.load()
SHA256 = "ab" * 32
UPLOAD = flash.Source(upload=flash.Upload(name="blink.bin", data=b"\0"))
TARGET = FlashTarget(address="/dev/ttyACM1", location="9-1")

GONE = PortGone(port="/dev/ttyACM0")
BUSY = PortBusy(port="/dev/ttyACM0", holder="the Arduino IDE")
FORBIDDEN = NoPermission(port="/dev/ttyACM0", group="dialout")
NOT_THERE = NoBootloader(detail="it did not appear within 10 s", manual="Press reset twice.")
BROKEN = FlashFailed(stage="write", detail="the board stopped answering")
UNLIKE = VerifyFailed(address="0x2000", found="1234", expected="5678")
OTHER = OtherBoard(expected_board="mkr-1", found_board="mkr-2")

FETCH_ERRORS: list[MooringError] = [
    DOWN,
    NoSketch(kind="provisioning-2.0", model="MKR", detail="None.", action="Add one."),
    SketchDamaged(name="s.bin", problem="it is shorter"),
    StoreFailed(path="/store", detail="the disk is full"),
    ImageRefused(name="s.bin", model="MKR", problem="it is empty"),
    ToolMissing(tool="dfu-util", why="It writes.", mend="Install it."),
    InternalError(kind="KeyError"),
]
ENTER_ERRORS: list[MooringError] = [
    GONE,
    BUSY,
    FORBIDDEN,
    NOT_THERE,
    BoardSilent(seconds=60),
    InternalError(kind="KeyError"),
]
WRITE_ERRORS: list[MooringError] = [
    GONE,
    BUSY,
    NOT_THERE,
    BROKEN,
    UNLIKE,
    LoaderRefused(detail="access denied", action="Install the rules."),
    InternalError(kind="KeyError"),
]
START_ERRORS: list[MooringError] = [
    FlashFailed(stage="reset", detail="the board did not show itself"),
    OTHER,
    InternalError(kind="KeyError"),
]
ERRORS: dict[type[fx.Request], list[MooringError]] = {
    flash.AskBoard: [GONE, BUSY, FORBIDDEN, InternalError(kind="KeyError")],
    flash.PrepareFlash: FETCH_ERRORS,
    flash.EnterBootloader: ENTER_ERRORS,
    flash.WriteFlash: WRITE_ERRORS,
    flash.WaitSketch: START_ERRORS,
}


def prepared(**changes: Any) -> flash.Prepared:
    plan = FlashPlan(
        image=FlashImage(name="blink.bin", format="bin", data=b"\0", sha256=SHA256),
        model="mkr_wifi_1010",
        address=0x2000,
        size=120_000,
    )
    usual: dict[str, Any] = {
        "name": "blink.bin",
        "sha256": SHA256,
        "size": 120_000,
        "version": None,
        "notes": (),
        "plan": plan,
        "place": "9-1",
        "shows": True,
    }
    return flash.Prepared(**(usual | changes))


def flashing(*, attended: bool = True, source: flash.Source = UPLOAD) -> Drive:
    return Drive(Flash(source, attended=attended))


def setup(
    *,
    attended: bool = True,
    network: NetworkSetting | None = None,
    migrate: bool = True,
    prepare_only: bool = False,
    model: str | None = "mkr_wifi_1010",
    **changes: Any,
) -> Drive:
    found = CATALOG.get(model) if model else None
    usual: dict[str, Any] = {
        "cloud": "arduino",
        "cloud_title": "Arduino Cloud",
        "name": "kitchen-sensor",
        "fqbn": found.fqbn if found else "",
        "serial_number": "8A0C",
        "model": found,
        "keeps_devices": True,
    }
    order = SetupOrder(**(usual | changes))
    chosen = None if prepare_only else network or wifi()
    return Drive(
        Setup(order, chosen, attended=attended, migrate=migrate, prepare_only=prepare_only)
    )


def to_entering(drive: Drive, **changes: Any) -> Drive:
    return drive.done(flash.PrepareFlash, prepared(**changes))


def to_writing(drive: Drive, **changes: Any) -> Drive:
    return to_entering(drive, **changes).done(flash.EnterBootloader, TARGET)


def to_starting(drive: Drive, **changes: Any) -> Drive:
    return to_writing(drive, **changes).done(flash.WriteFlash)


def owed(drive: Drive) -> bool:
    """The next start has to go on with the sketch."""
    return open_flash(drive.facts) is not None


def fate(drive: Drive) -> list[str]:
    """What became of sketches, by the journal."""
    return [fact.data["how"] for fact in drive.facts if fact.kind == "flashed"]
