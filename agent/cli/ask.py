"""A job's question at the terminal: what it means, what stays safe, and the ways to answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from agent.cli.output import clean_lines
from agent.settings import Secret, clean_text

if TYPE_CHECKING:
    from agent.cli.output import Output
    from agent.cli.shell import Shell
    from agent.jobs.job import Action, Question

Entry: TypeAlias = tuple[str, Callable[[], Awaitable[dict[str, Any] | None]]]
"""A line that can be chosen, and what completes it to an answer; None: choose again."""

FATES: Final = ("lost", "new", "kept")
"""What a person should read first comes first."""
YES_NO: Final = ["continue", "stop"]
"""Answers to a question that can be answered with yes or no."""
TOKEN_NAME: Final = "AUTH_TOKEN"  # noqa: S105 - the end of a name in a sketch
PASTED_LINES: Final = 5
"""Blynk's page gives three: template, its name, the token."""
TEXT_CHARS: Final = 500
"""Longest line of foreign text in a list."""


async def ask_question(shell: Shell, question: Question) -> dict[str, Any]:
    """The answer for ``jobs.answer``; asks again until it can be used."""
    _explain(shell.output, question)
    actions = question.actions
    if question.fates and [action.id for action in actions] == YES_NO:
        return {"action": actions[not await agreed(shell, actions[0].label)].id}
    if actions and actions[0].needs == "password":
        # The usual answer needs no choice: just the password.
        password = await shell.keyboard.ask("Password (empty for other choices): ", secret=True)
        if password:
            return {"action": actions[0].id, "password": Secret(password)}
    if actions and actions[0].needs == "token":
        token = await _token(shell, "Token (empty for other choices): ")
        if token:
            return {"action": actions[0].id, "token": token}
    entries = _entries(shell, question)
    while True:
        answer = await _choose(shell, "Your choice", entries)
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


async def agreed(shell: Shell, what: str) -> bool:
    """Whether the person says yes; asks again until it is yes or no."""
    while True:
        typed = await shell.keyboard.ask(f"{clean_text(what)}? (yes or no): ")
        if typed.strip().lower() in {"y", "yes", "n", "no"}:
            return typed.strip().lower().startswith("y")


def _entries(shell: Shell, question: Question) -> list[Entry]:
    """One for each action; where the first one is a choice, one for each thing to choose."""
    first, *others = question.actions
    if first.needs == "choice":
        entries = _choices(question, first)
    elif first.needs == "network" and question.networks:
        entries = _networks(shell, question, first)
    else:
        others, entries = question.actions, []
    return entries + [
        (action.label, partial(_complete, shell, question, action)) for action in others
    ]


async def _choose(shell: Shell, prompt: str, entries: list[Entry]) -> dict[str, Any] | None:
    for number, (label, _) in enumerate(entries, 1):
        shell.output.note(f"  {number}  {clean_text(label, TEXT_CHARS)}")
    numbers = "1" if len(entries) == 1 else f"1-{len(entries)}"
    while True:
        typed = await shell.keyboard.ask(f"{prompt} ({numbers}): ")
        if typed.strip().isdecimal() and 1 <= int(typed) <= len(entries):
            return await entries[int(typed) - 1][1]()


async def _complete(shell: Shell, question: Question, action: Action) -> dict[str, Any] | None:
    if action.needs == "password":
        password = await shell.keyboard.ask("Password: ", secret=True)
        return {"action": action.id, "password": Secret(password)}
    if action.needs == "network":
        return await _choose(shell, "Network", _networks(shell, question, action))
    if action.needs == "choice":
        return await _choose(shell, "Your choice", _choices(question, action))
    if action.needs == "token":
        token = await _token(shell, "Token: ")
        return {"action": action.id, "token": token} if token else None
    if action.needs == "name":
        name = await shell.keyboard.ask("Name: ")
        return {"action": action.id, "name": name} if name.strip() else None
    return {"action": action.id}


async def _token(shell: Shell, prompt: str) -> Secret:
    """What is pasted: a token, or the lines of a sketch that end with it; empty: nothing."""
    typed = await shell.keyboard.ask(prompt, secret=True, goes_on=_before_token)
    return Secret(typed.strip())


def _before_token(typed: str) -> bool:
    lines = typed.strip().splitlines()
    begun = bool(lines) and lines[-1].strip().startswith("#define")
    return begun and TOKEN_NAME not in lines[-1] and len(lines) < PASTED_LINES


def _choices(question: Question, action: Action) -> list[Entry]:
    async def take(choice: str) -> dict[str, Any]:
        return {"action": action.id, "choice": choice}

    return [
        (f"{choice.label}  {choice.detail}".rstrip(), partial(take, choice.id))
        for choice in question.choices
    ]


def _networks(shell: Shell, question: Question, action: Action) -> list[Entry]:
    async def take(name: dict[str, str]) -> dict[str, Any] | None:
        if not name:
            name = {"ssid": await shell.keyboard.ask("Name of the network: ")}
            if not name["ssid"]:
                return None
        password = await shell.keyboard.ask("Password (empty for an open network): ", secret=True)
        network = {"kind": "wifi", **name, "password": Secret(password)}
        return {"action": action.id, "network": network}

    entries: list[Entry] = [
        (
            f"{network['ssid']}  {network['rssi_dbm']} dBm",
            partial(take, {"ssid": network["ssid"], "ssid_hex": network["ssid_hex"]}),
        )
        for network in question.networks
        if network.get("ssid")
    ]
    return [*entries, ("another one (hidden)", partial(take, {}))]
