"""nRF Cloud and Blynk for the tests of the page: as clouds of the fake agent, and their boards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from agent.boards.board import Board, Port, Provisioning
from agent.clouds.blynk.account import account_schema as blynk_account
from agent.clouds.blynk.cloud import device_schema as blynk_device
from agent.clouds.cloud import CloudInfo
from agent.clouds.nrf.account import account_schema as nrf_account
from agent.clouds.nrf.account import device_schema as nrf_device
from agent.jobs.job import Step

if TYPE_CHECKING:
    from tests.web.fake import FakeAgent

DEVICE_ID = "50503042-3633-4261-802e-2a1f9a0c6b71"
TOKEN = "T0ken_of-the_device-0123456789ab"
POINT = "Blynk Thermo-4Y1H"
NRF_STEPS = [
    Step(id="read", name="Read the board and its token"),
    Step(id="claim", name="Claim it in nRF Cloud"),
    Step(id="provision", name="Let the board do what nRF Cloud wants"),
    Step(id="online", name="See it in nRF Cloud"),
]
NRF_RESULT: dict[str, Any] = {
    "device": "greenhouse",
    "device_id": DEVICE_ID,
    "cloud": "nrf",
    "link": "",
    "claimed": "now",
    "tags": ["nrf-cloud-onboarding", "bench"],
    "rule": "made",
    "commands": [
        {"id": "1", "name": "cloudAccessKeyGeneration", "status": "SUCCEEDED"},
        {"id": "2", "name": "finished", "status": "SUCCEEDED"},
    ],
    "connected": "board",
    "said_by": "board",
    "procedure": "nrf",
    "seconds": 74.2,
    "notes": [],
}
BLYNK_STEPS = [
    Step(id="read", name="Read the board"),
    Step(id="token", name="Get a token from Blynk"),
    Step(id="deliver", name="Give the board its settings"),
    Step(id="join", name="Join HomeNet"),
    Step(id="online", name="See it in Blynk"),
]
BLYNK_RESULT: dict[str, Any] = {
    "device": "Thermo-4Y1H",
    "device_id": 55,
    "cloud": "blynk",
    "entry": "905d4b4e",
    "token": "made",
    "way": "console",
    "network": "HomeNet",
    "connected": "cloud",
    "seconds": 14.2,
    "notes": [],
}
POINTS: list[dict[str, Any]] = [
    {
        "access_point": POINT,
        "name": POINT,
        "strength": 82,
        "looks_like": "blynk",
        "product": "Thermo",
    },
    {"access_point": "Cafe", "name": "Cafe", "strength": 40, "looks_like": None, "product": ""},
]


def nrf(*, signed_in: bool = True) -> CloudInfo:
    """The cloud as the agent tells of it."""
    return CloudInfo(
        id="nrf",
        title="nRF Cloud",
        signed_in=signed_in,
        needs_account=True,
        account_schema=nrf_account(),
        device_schema=nrf_device(),
        account={"team": "Bench"} if signed_in else {},
    )


def blynk(*, client: bool = True) -> CloudInfo:
    """The cloud as the agent tells of it, with an OAuth client or without an account."""
    account = {"server": "fra1.blynk.cloud"}
    if client:
        account |= {"client_id": "oa2-client-id_1234", "owner_id": "7"}
    return CloudInfo(
        id="blynk",
        title="Blynk.Cloud",
        signed_in=client,
        needs_account=False,
        account_schema=blynk_account(),
        device_schema=blynk_device(),
        account=account,
    )


def thingy(fake: FakeAgent, number: int = 1, **fields: Any) -> Board:
    """Plug a Thingy:91 X in, which has two ports."""
    serial = f"THINGY91X_5A{number:09}"
    ports = [
        Port(
            kind="serial",
            address=f"/dev/ttyACM{2 * number + place}",
            vid=0x1915,
            pid=0x910A,
            serial_number=serial,
            manufacturer="Nordic Semiconductor",
            product="Thingy:91 X UART",
            simulated=True,
        )
        for place in (0, 1)
    ]
    usual: dict[str, Any] = {"name": "Nordic Thingy:91 X", "ports": ports, "fqbn": None}
    return fake.board("thingy91x", number, **(usual | fields))


def edgent(fake: FakeAgent, number: int = 1, *, known: bool = True, **fields: Any) -> Board:
    """Plug a board with Blynk's firmware in; ``known``: it has said so."""
    port = Port(
        kind="serial",
        address=f"/dev/ttyUSB{number}",
        vid=0x10C4,
        pid=0xEA60,
        serial_number=f"4A2F91C{number}",
        simulated=True,
    )
    usual: dict[str, Any] = {
        "name": "Thermo-4Y1H" if known else "ESP32 or similar (CP210x)",
        "ports": [port],
        "fqbn": None,
        "candidates": ["esp32", "esp32c3", "esp32s3", "esp8266"],
        "provisioning": Provisioning(supported=[], installed="blynk" if known else None),
    }
    board = Board(
        id=f"usb-10c4-ea60-{number}", model=None, first_seen=time.time() - 300, **(usual | fields)
    )
    fake.put(board)
    return board
