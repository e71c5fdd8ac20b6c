"""ThingsBoard for the tests of the page: as a cloud of the fake agent, and as a server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from playwright.async_api import FilePayload

from agent.clouds.cloud import CloudInfo
from agent.clouds.thingsboard.account import account_schema
from agent.clouds.thingsboard.devices import device_schema
from agent.clouds.vault_view import VaultEntry
from agent.jobs.job import Step
from agent.simulator.thingsboard import ADMINISTRATOR

if TYPE_CHECKING:
    from playwright.async_api import Page

    from agent.simulator.thingsboard import SimulatedThingsBoard
    from tests.web.fake import FakeAgent

SERVER = "https://tb.example.com"
LINK = f"{SERVER}/entities/devices/784f394c-42b6-435a-983c-b7beff2784f9"
STEPS = [
    Step(id="read", name="Read the board"),
    Step(id="enrol", name="Register it in ThingsBoard"),
    Step(id="deliver", name="Put the settings on the board"),
    Step(id="online", name="See it in ThingsBoard"),
]
RESULT: dict[str, Any] = {
    "device": "greenhouse",
    "cloud": "thingsboard",
    "link": LINK,
    "entry": "905d4b4e",
    "delivery": "console",
    "delivery_reason": "The sketch on the board answered, and goes on running.",
    "ways": [
        {"kind": "console", "label": "Serial console of the sketch", "state": "answers", "why": ""},
        {"kind": "repl", "label": "File on the board", "state": "untried", "why": "Not tried."},
    ],
    "credentials": "access_token",
    "connected": "board",
    "network": "HomeNet",
    "hardware_id": "3cc661051a2b",
    "procedure": "enrol",
    "files": [],
    "notes": [],
}
"""Of a job that gave a board its credentials."""


def thingsboard(*, signed_in: bool = True, administrator: bool = True) -> CloudInfo:
    """The cloud as the agent tells of it."""
    account = {"server": SERVER, "board_server": "mqtts://tb.example.com"}
    if administrator:
        account["admin_user"] = ADMINISTRATOR
    return CloudInfo(
        id="thingsboard",
        title="ThingsBoard",
        signed_in=signed_in,
        needs_account=True,
        account_schema=account_schema(),
        device_schema=device_schema(),
        account=account if signed_in else {},
    )


async def open_enrolment(page: Page, fake: FakeAgent, files: str, **fields: Any) -> str:
    """Open a job that sets a board up with ThingsBoard; returns its id."""
    fake.more_clouds = fake.more_clouds or [thingsboard()]
    board = fake.board()
    asked = {"cloud": "thingsboard", "name": "greenhouse"}
    usual: dict[str, Any] = {"title": "Setting up greenhouse", "request": asked}
    job = fake.job(board, "provision", STEPS, **(usual | fields))
    await page.goto(f"{files}/#/job/{job.id}")
    return job.id


def entry(number: int, **fields: Any) -> VaultEntry:
    """An entry of the vault."""
    usual: dict[str, Any] = {
        "id": f"{number:08x}",
        "board": f"mkr_wifi_1010-A1B2C3D4{number:04X}",
        "board_name": "MKR WiFi 1010",
        "cloud": "thingsboard",
        "device": f"greenhouse-{number}",
        "server": "mqtts://tb.example.com:8883",
        "credentials": "access_token",
        "state": "proven",
        "made_at": time.time() - 60 * number,
        "proven_at": time.time() - 60 * number,
    }
    return VaultEntry(**(usual | fields))


def text_file(name: str, data: bytes) -> FilePayload:
    """A file as a person chooses one."""
    return FilePayload(name=name, mimeType="text/plain", buffer=data)


async def sign_in_to(page: Page, server: SimulatedThingsBoard) -> None:
    """Enter the account of this server, administrator and authority included."""
    form = page.locator("sign-in", has=page.get_by_label("Provision device key"))
    await form.get_by_label("Server", exact=True).fill(server.addresses["https"])
    await form.get_by_label("Provision device key").fill(server.create.key)
    secret = form.get_by_label("Provision device secret", exact=True)
    await secret.fill(server.create.secret.reveal())
    await form.get_by_text("An authority of your own").click()
    await form.get_by_label("Server for boards").fill(server.addresses["mqtts"])
    authority = text_file("ca.pem", server.ca.encode())
    await form.locator("input[type=file]").set_input_files(files=[authority])
    await form.get_by_text("An administrator, who").click()
    await form.get_by_label("Administrator", exact=True).fill(ADMINISTRATOR)
    password = form.get_by_label("Administrator's password", exact=True)
    await password.fill(server.administrator.password.reveal())
    await password.press("Enter")
