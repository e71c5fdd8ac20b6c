"""What a job asks about the board that gets a device's credentials: the way, and its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import NetworkError
from agent.jobs import questions
from agent.jobs.enrol_ways import LABELS
from agent.jobs.job import Action, Choice, Question, without_secrets
from agent.jobs.machine import Inquiry
from agent.settings.network import WiFi

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.enrol_effects import Way
    from agent.settings.network import NetworkSetting

HEADER: Final = "header"
WITHOUT: Final = "without-network"

NOTHING: Final = "Nothing was made in the cloud, and nothing was changed on the board."
_STOP: Final = Action(id=questions.STOP, label="Stop")


def no_way(error: MooringError) -> Inquiry:
    """Nothing on the board takes settings."""
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {report.remedy}",
            safe=NOTHING,
            error=report,
            actions=[
                Action(id=questions.RETRY, label="Look again"),
                Action(id=HEADER, label="Make a header file for my sketch"),
                _STOP,
            ],
        ),
        questions.STOP,
    )


def which_way(way: Way) -> Inquiry:
    """Only the settings area can be written, and nothing shows that the sketch reads it."""
    return Inquiry(
        Question(
            id=0,
            step="",
            title="Does the sketch on this board read its settings area?",
            meaning=(
                "Neither a sketch with the serial console nor a Python prompt answered. The settings "
                "can go into the settings area of the chip (NVS) beside the sketch; docs/nvs.md has "
                "the lines with which a sketch reads them. A sketch without these lines connects to "
                f"nothing.{_noted(way)}"
            ),
            safe=NOTHING,
            choices=[
                Choice(
                    id=way.kind,
                    label=LABELS[way.kind],
                    detail="For a sketch that reads it; the sketch stays.",
                ),
                Choice(
                    id="header",
                    label=LABELS["header"],
                    detail="For a sketch that you compile with this file; the board stays as it is.",
                ),
            ],
            actions=[
                Action(id=questions.CHOICE, label="Use this way", needs="choice"),
                _STOP,
            ],
        ),
        questions.STOP,
    )


def _noted(way: Way) -> str:
    note = way.hardware.note
    return f" On this board, {note}." if note else ""


def not_joined(
    error: MooringError, network: NetworkSetting | None, *, safe: str, give_up: Action
) -> Inquiry:
    """The board holds its settings, but does not connect."""
    report = error.report()
    actions = [Action(id=questions.WAIT, label="Wait longer")]
    if isinstance(error, NetworkError):
        label = "Give it a network" if network is None else "Give it another network"
        actions.insert(0, Action(id=questions.NETWORK, label=label, needs="network"))
        if isinstance(network, WiFi):
            again = Action(id=questions.RETRY, label="Try this password", needs="password")
            actions.insert(0, again)
    keep = Action(id=questions.KEEP, label="Leave it so: the board has its settings")
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {report.remedy}".strip(),
            safe=safe,
            error=report,
            network=without_secrets(network) if network is not None else {},
            actions=[*actions, keep, give_up],
        ),
        questions.STOP,
    )


def network_not_taken(
    error: MooringError, network: NetworkSetting, *, safe: str, give_up: Action
) -> Inquiry:
    """The firmware has no such setting, or not this value of it; nothing was changed."""
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {report.remedy}",
            safe=safe,
            error=report,
            network=without_secrets(network),
            actions=[
                Action(id=questions.NETWORK, label="Give it another network", needs="network"),
                Action(id=WITHOUT, label="Leave the network out: the board keeps its own"),
                give_up,
            ],
        ),
        give_up.id,
    )


def way_summary(way: Way) -> str:
    """``serial console of the sketch · weather 1.2 · id 24…9a``."""
    hardware = way.hardware
    label = LABELS[way.kind]
    parts = [label[:1].lower() + label[1:]]
    parts += filter(None, [" ".join(filter(None, [hardware.firmware, hardware.version]))])
    if hardware.hardware_id:
        parts.append(f"id {hardware.hardware_id}")
    if hardware.holds:
        parts.append(f"is {hardware.holds} now")
    if hardware.note:
        parts.append(hardware.note)
    return " · ".join(parts)
