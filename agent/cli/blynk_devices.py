"""Which device of the organisation a person means, and what is told of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.cli.ask import agreed
from agent.cli.inputs import require_yes
from agent.errors import InputError
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.cli.client import Client
    from agent.cli.output import Output
    from agent.cli.shell import Shell

SHOWN_MATCHES: Final = 8


async def find_device(client: Client, wanted: str) -> dict[str, Any]:
    """A device by its id, or by a name that no other has."""
    listed: list[dict[str, Any]] = (await client.call("blynk.devices"))["devices"]
    folded = wanted.strip()
    found = [each for each in listed if str(each["id"]) == folded] or [
        each for each in listed if each["name"] == folded
    ]
    if len(found) == 1:
        return found[0]
    shown = clean_text(wanted)
    problem = f"{shown} is no device of the organisation; `mooring blynk devices` lists them"
    if found:
        ids = ", ".join(str(each["id"]) for each in found[:SHOWN_MATCHES])
        problem = f"{shown} may be {ids}: name one by its number"
    raise InputError(field="DEVICE", problem=problem)


async def sure(shell: Shell, told: str, what: str, *, confirmed: bool) -> bool:
    """Whether the person wants ``what``, which cannot be undone as ``told`` says."""
    if confirmed:
        return True
    require_yes(shell.attended, told.rstrip("."))
    shell.output.note(told, "yellow")
    return await agreed(shell, what)


def named(device: dict[str, Any]) -> str:
    """“Kitchen (55)”."""
    name = clean_text(str(device["name"]))
    return f"{name} ({device['id']})" if name else str(device["id"])


def tell_kept(output: Output, answer: dict[str, Any], *, way: bool) -> None:
    """Where the device's token is, and how a board gets it; ``way``: how, if no board has it yet."""
    entry, name = answer["entry"], clean_text(str(answer["device"]["name"]))
    if not entry:
        output.note("The platform does not tell its token: copy it from the console.")
        return
    output.line(f"Its token is in the vault, entry {entry}")
    if way:
        quoted = "'" + name.replace("'", "'\\''") + "'"
        output.note(
            f"For its board: mooring provision BOARD --cloud blynk --name {quoted}; to build it into a "
            f"sketch: mooring vault show {entry} --reveal",
            "dim",
        )
