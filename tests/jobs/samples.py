"""Boards, networks and errors that tests of jobs are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.clouds.cloud import Claim, Requirements
from agent.errors import (
    BoardBusy,
    BoardSilent,
    ClaimRefused,
    CloudAnswer,
    InternalError,
    JoinFailed,
    KeyMismatch,
    MooringError,
    NetworkModuleFailed,
    NoInternet,
    NotAuthorised,
    NotSignedIn,
    PortGone,
    QuotaReached,
    ReceiverStuck,
    StatusReported,
    Unreachable,
)
from agent.jobs import effects as fx
from agent.jobs.provision import Order, Provision
from agent.sessions.session import BoardFacts, BoardIdentity, NetworkOption
from agent.settings import Secret
from agent.settings.network import WiFi
from tests.jobs.drive import Drive

if TYPE_CHECKING:
    from agent.settings.network import NetworkSetting

UHWID = "4f1c" + "0" * 56 + "9a07"
PASSWORD = "marker-password-51"
TOKEN = "marker-token-77"


def option(ssid: str, rssi: int = -45) -> NetworkOption:
    return NetworkOption(ssid=ssid, ssid_hex=ssid.encode().hex(), rssi_dbm=rssi)


def board_facts(**changes: Any) -> BoardFacts:
    usual: dict[str, Any] = {
        "sketch_version": "0.6.2",
        "wifi_firmware": "0.6.0",
        "ble_address": "F4:12:FA:00:00:01",
        "uhwid": UHWID,
        "networks": [option("HomeNet"), option("Office", -67)],
    }
    return BoardFacts(**(usual | changes))


def identity() -> BoardIdentity:
    return BoardIdentity(uhwid=UHWID, public_key="PEM", token=Secret(TOKEN))


def wifi(ssid: str = "HomeNet", password: str = PASSWORD) -> WiFi:
    return WiFi(ssid=ssid, password=Secret(password))


def order(**changes: Any) -> Order:
    usual: dict[str, Any] = {
        "cloud": "arduino",
        "cloud_title": "Arduino Cloud",
        "name": "kitchen-sensor",
        "fqbn": "arduino:renesas_uno:unor4wifi",
    }
    return Order(**(usual | changes))


def claim(device_id: str | None = None, **changes: Any) -> Claim:
    usual: dict[str, Any] = {
        "id": "c-1",
        "uhwid": UHWID,
        "name": "kitchen-sensor",
        "created_at": 1_000_000.0,
        "device_id": device_id,
    }
    return Claim(**(usual | changes))


def provision(
    network: NetworkSetting | None = None, *, attended: bool = True, **changes: Any
) -> Drive:
    return Drive(Provision(order(**changes), network or wifi(), attended=attended))


def read(drive: Drive, **changes: Any) -> Drive:
    """Through READING; the check follows by itself."""
    if drive.waits_for(fx.CloudRequirements):
        drive.done(fx.CloudRequirements, Requirements(min_sketch="0.6.0"))
    return drive.done(fx.OpenSession).done(fx.ReadBoard, board_facts(**changes))


def to_claiming(drive: Drive, **changes: Any) -> Drive:
    read(drive, **changes)
    return drive.done(fx.SettleLeftovers, []).done(fx.ReadIdentity, identity())


def to_resetting(drive: Drive) -> Drive:
    return to_claiming(drive).done(fx.ClaimBoard, "c-1")


def to_joining(drive: Drive) -> Drive:
    return to_resetting(drive).done(fx.ResetBoard)


def to_online(drive: Drive) -> Drive:
    return to_joining(drive).done(fx.Configure)


GONE = PortGone(port="/dev/ttyACM0")
DOWN = Unreachable(cloud="Arduino Cloud", detail="No answer.")
WRONG_PASSWORD = JoinFailed(
    network="HomeNet", why="Most likely the password.", action="Check it.", status=-1
)

BOARD_ERRORS: list[MooringError] = [
    GONE,
    BoardSilent(seconds=30),
    BoardBusy(),
    ReceiverStuck(),
    StatusReported(name="ERROR", status=-255, text="t", action="a"),
    InternalError(kind="ValueError"),
]
NETWORK_ERRORS: list[MooringError] = [
    WRONG_PASSWORD,
    NoInternet(network="HomeNet", status=-8),
    NetworkModuleFailed(why="w", status=-101),
]
REFUSALS: list[MooringError] = [
    ClaimRefused(cloud="Arduino Cloud", detail="no", err_code=7, uhwid=UHWID),
    KeyMismatch(cloud="Arduino Cloud", uhwid=UHWID),
    NotAuthorised(cloud="Arduino Cloud", detail="d"),
    NotSignedIn(cloud="Arduino Cloud", id="arduino"),
    QuotaReached(cloud="Arduino Cloud", detail="d"),
    Unreachable(cloud="Arduino Cloud", detail="refused", sent=False),
]
LOST: list[MooringError] = [
    DOWN,
    CloudAnswer(cloud="Arduino Cloud", detail="odd"),
    InternalError(kind="KeyError"),
]
