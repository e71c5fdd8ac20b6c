"""What jobs with Blynk boards ask, in words, and which answer is safest when nobody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.errors import BlynkBoardFailed, BlynkNotArrived
from agent.jobs import questions
from agent.jobs.fates import Fate
from agent.jobs.job import Action, Question, without_secrets
from agent.jobs.machine import Inquiry
from agent.links.access_point_manual import ADDRESS, qr_text
from agent.links.access_point_name import access_point_text
from agent.protocols.blynk.failures import BY_CODE
from agent.sessions.session import NetworkOption
from agent.settings import clean_text
from agent.settings.network import WiFi

if TYPE_CHECKING:
    from agent.errors import MooringError
    from agent.jobs.blynk.order import BoardNetwork
    from agent.links.access_point_question import Leaving
    from agent.protocols.blynk.failures import Failure
    from agent.protocols.blynk.info import Scan

TOKEN: Final = "token"  # noqa: S105 - an answer, not a token
NEW: Final = "new-token"
AGAIN: Final = "again"
"""The same settings once more."""
PASSWORD: Final = questions.RETRY
STOP: Final = questions.STOP
WAIT: Final = questions.WAIT
BY_HAND: Final = "by-hand"
UNREACHED: Final = 702
"""The code of a board that joined, and did not reach Blynk."""

_STOP: Final = Action(id=STOP, label="Stop")
_NETWORK: Final = Action(id=questions.NETWORK, label="Choose another network", needs="network")
_AGAIN: Final = Action(id=AGAIN, label="Try the same again")
_PASTE: Final = Action(id=TOKEN, label="Use this token", needs="token")
_WHERE: Final = (
    "In the console of {cloud} open the device (or make one of the board's template), then “Device "
    "info”: there is the token, and the three lines with #define, which can be pasted as they are."
)


def shown_scan(scan: Scan) -> list[dict[str, Any]]:
    """Networks as JSON data for a question or a result."""
    return [msgspec.to_builtins(each) for each in network_options(scan)]


def network_options(scan: Scan) -> list[NetworkOption]:
    """What a board sees, as other boards tell it."""
    return [
        NetworkOption(
            ssid=clean_text(each.ssid), ssid_hex=each.ssid.encode().hex(), rssi_dbm=each.rssi_dbm
        )
        for each in scan.networks
    ]


def which_network(scan: Scan | None) -> Inquiry:
    """The board is ready, and no network was named yet."""
    meaning = "The board cannot look for networks, or its list could not be read: type the name."
    if scan is not None:
        meaning = "These are the networks that the board itself sees."
        if scan.damaged:
            meaning += " Some of its list could not be read; a name can be typed, too."
    return Inquiry(
        Question(
            id=0,
            step="",
            title="Which network shall the board join?",
            meaning=meaning,
            safe="Nothing was sent to the board yet, and nothing was made in the cloud.",
            networks=shown_scan(scan) if scan is not None else [],
            actions=[
                Action(id=questions.NETWORK, label="Use this network", needs="network"),
                _STOP,
            ],
        ),
        STOP,
    )


def which_token(cloud: str, error: MooringError | None, *, platform: bool, safe: str) -> Inquiry:
    """The job needs a token from the person; ``error``: why the one before it was not used.

    ``platform``: the account can make one.
    """
    report = error.report() if error is not None else None
    make = Action(id=NEW, label="Make a new one" if error is None else "Try to make a new one")
    where = _WHERE.format(cloud=cloud)
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title if report else f"Which token shall the board have in {cloud}?",
            meaning=f"{report.meaning} {report.remedy} {where}" if report else where,
            safe=safe,
            error=report,
            actions=[*([make] if platform else []), _PASTE, _STOP],
        ),
        STOP,
    )


def board_failed(failure: Failure) -> BlynkBoardFailed:
    """The error for what a board says of itself."""
    return BlynkBoardFailed(
        what=failure.title, why=failure.meaning, action=failure.remedy, number=failure.code
    )


def not_joined(
    failure: Failure,
    network: BoardNetwork,
    networks: list[dict[str, Any]],
    *,
    platform: bool,
    safe: str,
) -> Inquiry:
    """The board says why it did not come online: what may help, the likeliest first."""
    report = board_failed(failure).report()
    label = "Try again with this password"
    password = [Action(id=PASSWORD, label=label, needs="password")] * isinstance(network, WiFi)
    make = [Action(id=NEW, label="Make a new token")] * platform
    paste = Action(id=TOKEN, label="Use another token", needs="token")
    match failure.ask:
        case "password":
            offered = [*password, _NETWORK, _AGAIN]
        case "network":
            offered = [_NETWORK, _AGAIN, *password]
        case "token":
            offered = [*make, paste, _AGAIN]
        case _:
            offered = [_AGAIN, _NETWORK, *password]
    question = Question(
        id=0,
        step="",
        title=report.title,
        meaning=f"{report.meaning} {report.remedy}",
        safe=safe,
        error=report,
        network=without_secrets(network),
        networks=networks,
        actions=[*offered, _STOP],
    )
    return Inquiry(question, STOP)


def not_seen(
    error: BlynkNotArrived,
    network: BoardNetwork,
    networks: list[dict[str, Any]],
    *,
    joined: bool,
    safe: str,
) -> Inquiry:
    """Neither the board nor the cloud says that it is online; ``joined``: it is in the network.

    Then its password was right, and the reasons are those of a board that says so by a code.
    """
    report = error.report()
    title, meaning = report.title, f"{report.meaning} {report.remedy}"
    if joined:
        known = BY_CODE[UNREACHED]
        title, meaning = known.title, f"{known.meaning} {error.facts['detail']} {known.remedy}"
    password = Action(id=PASSWORD, label="Try again with this password", needs="password")
    question = Question(
        id=0,
        step="",
        title=title,
        meaning=" ".join(meaning.split()),
        safe=safe,
        error=report,
        network=without_secrets(network),
        networks=networks,
        actions=[
            Action(id=WAIT, label="Wait longer"),
            *([password] if isinstance(network, WiFi) and not joined else []),
            _NETWORK,
            _STOP,
        ],
    )
    return Inquiry(question, STOP)


def erase(cloud: str, *, everything: bool) -> Inquiry:
    """Before a board is made to forget."""
    what = "network and token" if everything else "networks"
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"Erase the {what} on this board?",
            meaning=(
                f"It goes offline and waits to be set up again. Its device stays in {cloud}, with its "
                "data, and its token stays in the vault."
            ),
            safe="Nothing was erased yet.",
            actions=[Action(id=questions.CONTINUE, label=f"Erase its {what}"), _STOP],
        ),
        STOP,
    )


_BY_HAND: Final = Action(id=BY_HAND, label="I join it myself")


def may_leave(leaving: Leaving) -> Inquiry:
    """Before the computer leaves its network."""
    return Inquiry(
        Question(
            id=0,
            step="",
            title=leaving.title,
            meaning=leaving.meaning,
            safe=leaving.safe,
            actions=[Action(id=questions.CONTINUE, label="Join it"), _BY_HAND, _STOP],
        ),
        STOP,
    )


def cannot_join(error: MooringError) -> Inquiry:
    """The computer cannot join the board's network by itself; perhaps a person can."""
    report = error.report()
    return Inquiry(
        Question(
            id=0,
            step="",
            title=report.title,
            meaning=f"{report.meaning} {report.remedy}",
            safe="This computer is in its own network.",
            error=report,
            actions=[Action(id=questions.RETRY, label="Try again"), _BY_HAND, _STOP],
        ),
        STOP,
    )


def join_by_hand(point: bytes) -> Inquiry:
    """The person joins; the job goes on by itself when the board answers."""
    name = access_point_text(point)
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"Join {name} with this computer.",
            meaning=(
                "Choose it in the Wi-Fi menu; it has no password. If the computer warns that there is "
                f"no Internet, stay in it. The job goes on by itself as soon as the board answers at "
                f"{ADDRESS}. Afterwards choose your own network again."
            ),
            safe="Nothing was sent to the board yet by this step.",
            access_point={"name": name, "qr": qr_text(point), "address": ADDRESS},
            actions=[_STOP],
        ),
        STOP,
    )


def back_home(cloud: str, *, safe: str) -> Inquiry:
    """The person has joined the board's network; the cloud is not reached from there."""
    return Inquiry(
        Question(
            id=0,
            step="",
            title="Is this computer back in its own network?",
            meaning=(
                f"{cloud} is asked next, and is not reached from the board's network. Choose your own "
                "network in the Wi-Fi menu."
            ),
            safe=safe,
            actions=[Action(id=questions.CONTINUE, label="It is back"), _STOP],
        ),
        STOP,
    )


def remove(name: str, cloud: str, *, in_cloud: bool, board: bool, vault: bool) -> Inquiry:
    """Before a device is removed for good."""
    told: list[Fate] = []
    if in_cloud:
        detail = "All that it ever sent goes with it."
        told.append(Fate(what=f"{name} in {cloud}", fate="lost", detail=detail))
    if board:
        detail = "Network and token; it connects to nothing until it is set up again."
        told.append(Fate(what="the settings on the board", fate="lost", detail=detail))
        told.append(Fate(what="the firmware on the board", fate="kept"))
    if vault:
        told.append(Fate(what="its token in the vault", fate="lost"))
    return Inquiry(
        Question(
            id=0,
            step="",
            title=f"Remove {name} from {cloud} for good?",
            meaning="This cannot be undone.",
            safe="Nothing was changed yet.",
            fates=told,
            actions=[Action(id=questions.CONTINUE, label=f"Remove {name}"), _STOP],
        ),
        STOP,
    )


def without_console(inquiry: Inquiry) -> Inquiry:
    """The same for a board whose console did not answer: not all firmware has one."""
    question = inquiry.question
    meaning = (
        f"{question.meaning} Firmware without a console is reached over Bluetooth, or in the board's "
        "own Wi-Fi network: choose it there."
    )
    return inquiry._replace(question=msgspec.structs.replace(question, meaning=meaning))
