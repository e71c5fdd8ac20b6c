"""A job's question at the terminal: what it means, what stays safe, and the ways to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.cli.output import clean_lines
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from agent.cli.output import Output
    from agent.cli.shell import Shell
    from agent.jobs.job import Action, Question


FATES: Final = ("lost", "new", "kept")
"""What a person should read first comes first."""
GO_ON, STOP = "continue", "stop"
"""Answers to a question that can be answered with yes or no."""
TEXT_CHARS: Final = 500
"""Longest line of foreign text in a list."""


async def ask_question(shell: Shell, question: Question) -> dict[str, Any]:
    """The answer for ``jobs.answer``; asks again until it can be used."""
    output = shell.output
    _explain(output, question)
    actions = question.actions
    if question.fates and [action.id for action in actions] == [GO_ON, STOP]:
        return {"action": actions[not await _agreed(shell, actions[0].label)].id}
    if actions and actions[0].needs == "password":
        # The usual answer needs no choice: just the password.
        password = await shell.keyboard.ask("Password (empty for other choices): ", secret=True)
        if password:
            return {"action": actions[0].id, "password": Secret(password)}
    for number, action in enumerate(actions, 1):
        output.note(f"  {number}  {clean_text(action.label)}")
    while True:
        action = actions[await _number(shell, "Your choice", len(actions)) - 1]
        answer = await _complete(shell, question, action)
        if answer is not None:
            return answer


def _explain(output: Output, question: Question) -> None:
    output.note(clean_lines(question.title), "yellow")
    if question.meaning:
        output.note(clean_lines(question.meaning))
    if question.reason not in question.meaning:
        output.note(clean_lines(question.reason))
    for fate in sorted(question.fates, key=lambda each: FATES.index(each.fate)):
        what = f"{fate.what}: {fate.detail}" if fate.detail else fate.what
        output.wrapped(f"  {fate.fate:4}  ", clean_text(what, TEXT_CHARS))
    if question.old_devices:
        output.note("The cloud has these older devices of the board:")
    for device in question.old_devices:
        output.note(f"  {clean_text(device['name'])}  {clean_text(device['id'])}")
    if question.safe:
        output.note(clean_lines(question.safe))


async def _agreed(shell: Shell, what: str) -> bool:
    while True:
        typed = await shell.keyboard.ask(f"{clean_text(what)}? (yes or no): ")
        if typed.strip().lower() in {"y", "yes", "n", "no"}:
            return typed.strip().lower().startswith("y")


async def _complete(shell: Shell, question: Question, action: Action) -> dict[str, Any] | None:
    if action.needs == "password":
        password = await shell.keyboard.ask("Password: ", secret=True)
        return {"action": action.id, "password": Secret(password)}
    if action.needs == "network":
        network = await _choose_network(shell, question)
        return None if network is None else {"action": action.id, "network": network}
    if action.needs == "choice":
        for number, choice in enumerate(question.choices, 1):
            text = f"{choice.label}  {choice.detail}".rstrip()
            shell.output.note(f"  {number}  {clean_text(text, TEXT_CHARS)}")
        chosen = await _number(shell, "Your choice", len(question.choices)) - 1
        return {"action": action.id, "choice": question.choices[chosen].id}
    return {"action": action.id}


async def _choose_network(shell: Shell, question: Question) -> dict[str, Any] | None:
    networks = [network for network in question.networks if network.get("ssid")]
    for number, network in enumerate(networks, 1):
        shell.output.note(f"  {number}  {clean_text(network['ssid'])}  {network['rssi_dbm']} dBm")
    shell.output.note(f"  {len(networks) + 1}  another one (hidden)")
    chosen = await _number(shell, "Network", len(networks) + 1) - 1
    if chosen < len(networks):
        network = networks[chosen]
        name = {"ssid": network["ssid"], "ssid_hex": network["ssid_hex"]}
    else:
        name = {"ssid": await shell.keyboard.ask("Name of the network: ")}
        if not name["ssid"]:
            return None
    password = await shell.keyboard.ask("Password (empty for an open network): ", secret=True)
    return {"kind": "wifi", **name, "password": Secret(password)}


async def _number(shell: Shell, prompt: str, highest: int) -> int:
    while True:
        typed = await shell.keyboard.ask(f"{prompt} (1-{highest}): ")
        if typed.strip().isdecimal() and 1 <= int(typed) <= highest:
            return int(typed)
