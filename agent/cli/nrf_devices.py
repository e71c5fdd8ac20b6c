"""Which of the boards that the team has claimed a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import InputError
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.cli.client import Client

SHOWN_MATCHES: Final = 8


async def find_device(client: Client, wanted: str) -> str:
    """The device id of a claimed board: by its id, a beginning that no other has, or its IMEI."""
    listed: list[dict[str, Any]] = (await client.call("nrf.devices"))["devices"]
    folded = wanted.strip().lower()
    exact = [each["id"] for each in listed if folded in {each["id"].lower(), each["imei"]}]
    found = exact or [each["id"] for each in listed if folded and each["id"].startswith(folded)]
    if len(found) == 1:
        return str(found[0])
    if not found:
        problem = f"{clean_text(wanted)} is none of the boards that your team has claimed"
    else:
        problem = f"{clean_text(wanted)} may be {', '.join(found[:SHOWN_MATCHES])}"
    raise InputError(field="DEVICE", problem=problem)
