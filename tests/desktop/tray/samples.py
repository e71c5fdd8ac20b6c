"""Boards and jobs as the tray meets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.boards.board import Board, BoardState, Port
from agent.errors import NetworkNotFound
from agent.jobs.job import Action, Job, JobKind, JobState, Question, Step, StepState


def board(number: int = 1, **facts: Any) -> Board:
    """A board on a cable."""
    port = Port(kind="serial", address=f"/dev/ttyACM{number}")
    known: dict[str, Any] = {
        "id": f"uno_r4_wifi-{number}",
        "name": "Arduino UNO R4 WiFi",
        "model": "uno_r4_wifi",
        "fqbn": "arduino:renesas_uno:unor4wifi",
        "ports": [port],
        "via": "usb",
        "state": BoardState.READY,
        "first_seen": 0.0,
    }
    return Board(**(known | facts))


def job(number: int = 1, state: JobState = JobState.RUNNING, **facts: Any) -> Job:
    """A job on the board of the same number, in the second of four steps."""
    steps = [
        Step(id="read", name="Read the board", state=StepState.DONE),
        Step(id="claim", name="Claim it in the cloud", state=StepState.RUNNING, progress=0.5),
        Step(id="join", name="Join HomeNet"),
        Step(id="online", name="See it online"),
    ]
    known: dict[str, Any] = {
        "id": str(number),
        "kind": JobKind.PROVISION,
        "board": f"uno_r4_wifi-{number}",
        "title": f"Setting up sensor-{number}",
        "state": state,
        "created_at": 0.0,
        "steps": steps,
        "board_name": "Arduino UNO R4 WiFi",
    }
    if state is JobState.ASKING:
        known["question"] = question()
    if state is JobState.FAILED:
        known["error"] = NetworkNotFound(network="HomeNet").report()
    return Job(**(known | facts))


@dataclass(frozen=True)
class Asks:
    """A page that asks, as the agent tells of it."""

    ask: str = "q1"
    url: str = "https://app.example.com"
    wants: tuple[str, ...] = ("boards", "serial")
    has: tuple[str, ...] = ()
    quiet: bool = False


def question(number: int = 1) -> Question:
    return Question(
        id=number,
        step="join",
        title="The password of HomeNet is wrong",
        actions=[Action(id="retry", label="Try again", needs="password")],
    )
