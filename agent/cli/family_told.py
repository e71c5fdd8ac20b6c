"""How jobs of nRF Cloud and Blynk ended, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.cli.output import seconds_text
from agent.cli.progress import result_notes
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.jobs.job import Job

_BY: Final = {"board": "the board says so", "cloud": "the cloud has seen it"}
_TOLD: Final = {"cable": "over its cable", "air": "over the air"}
TEXT_CHARS: Final = 500


def provisioned(job: Job) -> str:
    """A board that was set up; what it lacks is told as well."""
    result = job.result or {}
    return _of_nrf(result) if result.get("cloud") == "nrf" else _of_blynk(result)


def renewed(job: Job) -> str:
    """New credentials of a board."""
    result = job.result or {}
    name, took = _shown(result.get("device")), seconds_text(result.get("seconds"))
    if result.get("cloud") != "nrf":
        lines = [f"{name} has a new token ({took})", *_entry(result)]
        return "\n".join([*lines, *result_notes(result)])
    way = _TOLD.get(str(result.get("told")), "")
    told = f"{name} has done its commands ({took}){', told ' + way if way else ''}"
    return "\n".join([told, *_commands(result), *result_notes(result)])


def _of_nrf(result: dict[str, Any]) -> str:
    name, took = _shown(result.get("device")), seconds_text(result.get("seconds"))
    device = _shown(result.get("device_id"))
    known = f", device {device}" if name != device else ""
    if result.get("connected"):
        first = f"{name} is in nRF Cloud ({took}){known}"
    else:
        first = f"{name} is claimed ({took}){known}; it comes into nRF Cloud when it is online"
    tags = ", ".join(_shown(tag) for tag in result.get("tags", ()))
    whose = "Your team had it before" if result.get("claimed") == "before" else "Claimed now"
    lines = [first, f"{whose}, with the tags {tags}" if tags else f"{whose}, without tags"]
    if result.get("rule") == "made":
        lines.append("A rule was made for boards with the onboarding tag")
    if result.get("link"):
        lines.append(_shown(result["link"]))
    return "\n".join([*lines, *_commands(result), *result_notes(result)])


def _of_blynk(result: dict[str, Any]) -> str:
    name, took = _shown(result.get("device")), seconds_text(result.get("seconds"))
    network = f" in {_shown(result['network'])}" if result.get("network") else ""
    who = _BY.get(str(result.get("connected")))
    told = f"{name} is online{network} ({took})" if who else f"{name} has its settings ({took})"
    lines = [f"{told}: {who}" if who else told]
    if result.get("device_id"):
        lines.append(f"Device {_shown(result['device_id'])}")
    if result.get("link"):
        lines.append(_shown(result["link"]))
    return "\n".join([*lines, *_entry(result), *result_notes(result)])


def _entry(result: dict[str, Any]) -> list[str]:
    entry = result.get("entry")
    return [f"Its token is in the vault, entry {_shown(entry)}"] if entry else []


def _commands(result: dict[str, Any]) -> list[str]:
    return [
        f"  {_shown(each.get('name'))}  {_shown(each.get('status'))}"
        for each in result.get("commands", ())
    ]


def _shown(value: object) -> str:
    return clean_text(str(value), TEXT_CHARS)
