"""What the procedures for boards of nRF Cloud say and ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.clouds.quoted import without_secrets
from agent.jobs import questions
from agent.jobs.fates import Fate
from agent.jobs.job import Action, Question
from agent.jobs.machine import Inquiry
from agent.protocols.nrf.answers import told_in
from agent.protocols.nrf.bodies import ONBOARDING_TAG
from agent.protocols.nrf.cme import failure_words
from agent.protocols.nrf.commands import Progress
from agent.protocols.nrf.logs import Seen
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.clouds.nrf.records import Removal
    from agent.errors import MooringError
    from agent.jobs.nrf.effects import Modem
    from agent.protocols.nrf.answers import CommandState

NO_SIM: Final = "The board has no SIM card, or does not see it: without one it gets no commands."
INACTIVE: Final = "The rule for the tag {tag} is switched off: it gives the board no commands."
NO_RULE: Final = "No active rule has one of the tags {tags}: by them the board gets no commands."
TAGS_LACK: Final = (
    "Your team had claimed the board before, without these tags: {tags}. A claim keeps its tags."
)
OLDER: Final = (
    "The device is called {device} in {cloud}: the board's firmware names it by its IMEI."
)
UNCHECKED: Final = (
    "The board gives no token of its own, and the IMEI of the claim is not known: nothing shows that "
    "the token that was given is of this board."
)
AT_CLOUD: Final = "Its commands are in {cloud}; the board has not asked for them yet"
BY_ITSELF: Final = (
    "It cannot be told over this cable: restart it, or hold its button 1 for three seconds"
)
TOLD_BY_AIR: Final = "Told over the air; the board does it when it is online"
GONE: Final = "The board is not connected; its commands wait for it. Plug it in again"
AGAIN: Final = "The service does not know the board yet; it asks once more"
THROUGH: Final = "the board says that it is through"
UNSEEN: Final = "the board says that it is through; {cloud} has not heard of it yet"
NOT_THERE: Final = "It is not in {cloud} yet: it does its commands when it comes online"
DELETED: Final = "Commands that had failed were deleted: {names}."
NO_NETWORK: Final = "The board has no network yet; it asks once more"

_SEEN: Final = {
    Seen.ACCEPTED: "The board asks the service for its commands",
    Seen.WORKING: "The board does what the service asked for",
    Seen.LTE_OFF: "Credentials are being written, with the network off",
    Seen.LTE_ON: "Credentials are written; the network comes back",
    Seen.BUSY: "The service is busy; the board tries again by itself",
    Seen.BOOTED: "The board restarted",
}


def seen_words(seen: Seen) -> str:
    """What a line of the log means, as a sentence for a step; empty: nothing to tell."""
    return _SEEN.get(seen, "")


def older_notes(record_id: str, device_id: str, cloud: str) -> list[str]:
    """Where device management has another id than the service for boards."""
    shown = clean_text(record_id)
    return [OLDER.format(device=shown, cloud=cloud)] if record_id != device_id else []


def modem_words(modem: Modem) -> str:
    """Who answered, in one line."""
    board = modem.board
    said = [f"{board.dialect} on {modem.port}", board.model, board.modem_firmware]
    return clean_text(", ".join(filter(None, said)))


def shown_commands(commands: Iterable[CommandState]) -> list[dict[str, str]]:
    """Commands as a result tells them: never what they carry."""
    return [
        {
            "id": clean_text(each.id),
            "name": clean_text(each.name),
            "status": clean_text(each.status),
        }
        for each in commands
    ]


def count_words(commands: Sequence[CommandState]) -> str:
    """How many are done; empty: nothing is known of any."""
    done = sum(1 for each in commands if each.progress is Progress.DONE)
    if len(commands) == 1 and done:
        return "its command is done"
    return f"{done} of {len(commands)} commands done" if commands else ""


def restart_for_token(error: MooringError, board: str) -> Inquiry:
    """The firmware gives no token on request; an unclaimed board prints one when it starts."""
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"{report.title} Does {clean_text(board)} print one when it starts?",
            meaning=(
                "A board that nobody has claimed prints its token when the service refuses it. Go on "
                "here first, then restart the board."
            ),
            safe="Nothing was sent to the cloud.",
            error=report,
            actions=[
                Action(id=questions.CONTINUE, label="Listen; I restart the board now"),
                Action(id=questions.STOP, label="Stop"),
            ],
        ),
        questions.STOP,
    )


def trouble(
    error: MooringError, safe: str, *, retry: str, known: str = "", failed: bool = False
) -> Inquiry:
    """Something failed after the claim; nothing is lost by trying again. ``known``: why, perhaps.

    ``failed``: a command of the board did, which has to be queued anew before it does any other.
    """
    report = error.report()
    again = Action(id=questions.RETRY, label=retry)
    if failed:
        again = Action(id=questions.OVERWRITE, label="Queue what failed once more, and try again")
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=" ".join(filter(None, [known, report.meaning, report.remedy])),
            safe=safe,
            error=report,
            actions=[
                again,
                Action(id=questions.STOP, label="Stop; what is done stays"),
            ],
        ),
        questions.STOP,
    )


def blocked(error: MooringError, cloud: str, commands: Sequence[CommandState]) -> Inquiry:
    """Commands failed earlier, so that the board would not come to the new ones."""
    report = error.report()
    count = "it" if len(commands) == 1 else "them"
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {failed_words(commands)}".strip(),
            safe=f"Nothing was changed in {cloud} yet.",
            error=report,
            actions=[
                Action(id=questions.DELETE, label=f"Delete {count} and go on"),
                Action(id=questions.STOP, label="Stop"),
            ],
        ),
        questions.STOP,
    )


def no_rule(cloud: str, tags: Sequence[str]) -> Inquiry:
    """Before a board is claimed with tags that bring it nothing."""
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"No active rule in {cloud} has one of the tags {tag_words(tags)}.",
            meaning=(
                "By rules a board gets the commands that bring it online, and a claim keeps the tags with "
                f"which it was made. The tag {ONBOARDING_TAG} has a rule; it is made if need be."
            ),
            safe="The board is not claimed yet.",
            actions=[
                Action(id=questions.CONTINUE, label=f"Claim it with {ONBOARDING_TAG} as well"),
                Action(id=questions.KEEP, label="Claim it with these tags alone"),
                Action(id=questions.STOP, label="Stop"),
            ],
        ),
        questions.STOP,
    )


def tag_words(tags: Sequence[str]) -> str:
    """Tags for people; without any it is said."""
    return ", ".join(map(clean_text, tags)) or "(none)"


def failed_words(commands: Iterable[CommandState]) -> str:
    """What boards or the service said of commands that failed; empty: nothing."""
    said = dict.fromkeys(clean_text(without_secrets(told_in(each.response))) for each in commands)
    return " ".join(failure_words(text) for text in said if text)


def give_up_board(name: str, cloud: str, removal: Removal) -> Inquiry:
    """Before a board is unclaimed: everything that goes with it."""
    fates = [Fate(what=each, fate="lost") for each in removal.losses]
    fates.append(
        Fate(what="what the modem holds", fate="kept", detail="Its keys stay; nobody takes them.")
    )
    again = "The board can be claimed again with a new token."
    if removal.device is None:
        again = "The device can be made again with the certificate of its board."
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"Remove {name} from {cloud} for good?",
            meaning=f"This cannot be undone. {again}",
            safe="Nothing was changed yet.",
            fates=fates,
            actions=[
                Action(id=questions.CONTINUE, label=f"Remove {name} and all that is lost with it"),
                Action(id=questions.STOP, label="Stop"),
            ],
        ),
        questions.STOP,
    )
