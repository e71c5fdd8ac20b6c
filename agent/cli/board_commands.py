"""Commands that look at one board: ``identify``, ``networks``, ``blink``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agent.boards.board import Board
from agent.cli.air import reach
from agent.cli.connect import open_client
from agent.cli.family_rows import family_rows
from agent.cli.follow import read_with_job
from agent.cli.options import board_argument, json_option, via_option
from agent.cli.output import bars
from agent.cli.shell import run_command
from agent.cli.target import Target, target_options
from agent.errors import ExitStatus
from agent.sessions.session import BoardFacts, NetworkOption
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.cli.output import Output
    from agent.cli.shell import Shell
    from agent.jobs.job import Job

NO_NETWORK: Final = "The board sees no network."
CANNOT_LOOK: Final = "This device does not look for networks. Give the name of yours with --ssid."
ROW_CHARS: Final = 500
"""Longest value that is shown; the address of a page may be long."""


@click.command()
@target_options
@json_option
def identify(*, target: Target, as_json: bool) -> None:
    """What a board is: model, unique id, versions. Changes nothing on it."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            way = await target.reach(client, shell.output)
            job = await read_with_job(shell, client, kind="identify", **way)
            listed = msgspec.convert((await client.call("boards.list"))["boards"], list[Board])
        known = next((each for each in listed if each.id == job.board), None)
        if shell.output.as_json:
            # Facts of the board itself count more than what the list says.
            shell.output.document(_about(job, known) | (job.result or {}))
        else:
            _show_rows(shell.output, _about(job, known), job.result or {})
        return ExitStatus.DONE

    run_command(as_json, show)


@click.command()
@target_options
@json_option
def networks(*, target: Target, as_json: bool) -> None:
    """The Wi-Fi networks that a board sees, strongest first."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            way = await target.reach(client, shell.output)
            job = await read_with_job(shell, client, kind="networks", **way)
        if shell.output.as_json:
            shell.output.document(job.result)
            return ExitStatus.DONE
        result = job.result or {}
        found = msgspec.convert(result["networks"], list[NetworkOption])
        shell.output.table(
            ("NETWORK", "SIGNAL", "DBM"),
            [
                (network.ssid or "(hidden)", bars(network.rssi_dbm), str(network.rssi_dbm))
                for network in found
            ],
            empty=NO_NETWORK if result.get("scans", True) else CANNOT_LOOK,
        )
        return ExitStatus.DONE

    run_command(as_json, show)


@click.command()
@board_argument
@via_option
@json_option
def blink(*, board: str, via: str | None, as_json: bool) -> None:
    """Have a device show which one it is, where it can."""

    async def show(shell: Shell) -> ExitStatus:
        async with open_client(shell.output) as client:
            way = await reach(client, shell.output, board, via)
            job = await read_with_job(shell, client, kind="blink", **way)
        if shell.output.as_json:
            shell.output.document({"board": job.board} | (job.result or {}))
        else:
            shell.output.line(f"{clean_text(job.board_name or job.board)} blinks.")
        return ExitStatus.DONE

    run_command(as_json, show)


def _about(job: Job, board: Board | None) -> dict[str, Any]:
    """What the list of boards knows; only the id if the board has been unplugged meanwhile."""
    if board is None:
        return {"board": job.board or None, "name": job.board_name or None}
    used = [port for port in board.ports if port.via == job.request.get("via")] or board.ports
    return {
        "board": board.id,
        "name": board.name,
        "model": board.model,
        "fqbn": board.fqbn,
        "port": used[0].address if used else None,
    }


def _show_rows(output: Output, about: dict[str, Any], result: dict[str, Any]) -> None:
    facts = msgspec.convert(result, BoardFacts)
    family = family_rows(facts, result)
    rows: dict[str, Any] = {
        **about,
        "provisioning": facts.protocol,
        "sketch": "an application sketch" if facts.application_sketch else facts.sketch_version,
        "Wi-Fi firmware": facts.wifi_firmware,
        "library": facts.library_version,
        **_device_rows(facts),
        **family,
        "Bluetooth address": facts.ble_address,
        "unique id": facts.uhwid,
        "state": _state(facts),
        # A board with 1.0 never tells, and some devices cannot look.
        "networks seen": len(facts.networks) if _looked(facts) and not family else None,
    }
    width = max(map(len, rows))
    for label, value in rows.items():
        if value not in (None, ""):
            output.line(f"{label:{width}}  {clean_text(str(value), ROW_CHARS)}")


def _looked(facts: BoardFacts) -> bool:
    return facts.protocol != "1.0" and facts.scans


def _state(facts: BoardFacts) -> str | None:
    if not facts.online:
        return None
    return "is in a network" if facts.protocol == "improv" else "may be online"


def _device_rows(facts: BoardFacts) -> dict[str, Any]:
    """What a device of Improv Wi-Fi says of itself."""
    device = facts.device
    rows: dict[str, Any] = {}
    if device is not None:
        system = f"{device.os_name} {device.os_version}".strip()
        rows = {
            "device name": device.name,
            "firmware": f"{device.firmware} {device.version}".strip(),
            "hardware": device.hardware,
            "built on": system,
        }
    return rows | {"page": facts.redirect}
