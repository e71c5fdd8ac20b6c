"""What the parts of the procedure for devices with credentials share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from agent.errors import (
    CredentialsKept,
    CredentialsLost,
    CredentialsUnkept,
    CredentialsUnsure,
)
from agent.jobs import enrol_facts, questions
from agent.jobs.effects import Learn
from agent.jobs.enrol_effects import FILE_TITLES, FILES
from agent.jobs.job import Action
from agent.jobs.return_steps import ReturnSteps

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.enrolment import CredentialsKind
    from agent.errors import MooringError
    from agent.jobs.enrol_effects import Way, WayKind
    from agent.settings.credentials import CloudSettings
    from agent.settings.network import NetworkSetting

STEP_READ: Final = "read"
STEP_ENROL: Final = "enrol"
STEP_DELIVER: Final = "deliver"
STEP_CHECK: Final = "online"

HARDWARE_ID: Final = "{hardware_id}"
"""In a name that is asked for: what the board says of itself, so that boards share one pattern."""

Holds: TypeAlias = Literal["old", "maybe", "new"]
HOLDS: Final[dict[Holds, str]] = {
    "old": "The board has what it had before.",
    "maybe": "The board has either what it had before or the new settings, whole in both cases.",
    "new": "The board has its new settings.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolOrder:
    """What the procedure needs to know before it begins."""

    board: str
    """What people call it."""
    model: str
    """Begins the usual name of the device: id in the catalogue, or empty."""
    cloud: str
    cloud_title: str
    check_name: Callable[[str], None]
    """Raises :class:`InputError`; no I/O."""
    make_name: Callable[[str, str], str]
    """The usual name out of model and hardware id (hex digits)."""
    name: str = ""
    """Of the device; empty: the usual one."""
    serial_number: str = ""
    """USB serial number, where no board is asked."""
    kind: CredentialsKind = "access_token"
    """What is made here and offered to the cloud; a prepared device has its own."""
    network: NetworkSetting | None = None
    """None: the board keeps the one that it has."""
    way: WayKind | None = None
    """None: what the board answers to."""
    administrator: bool = False
    """One is signed in."""
    confirmed: bool = False
    """The board may have the settings of another device, which go."""


class EnrolBase(ReturnSteps):
    """State that outlives a single state, and how a job ends that could not go on."""

    def __init__(self, order: EnrolOrder, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.order = order
        self.name = order.name
        self.network = order.network
        self.way: Way | None = None
        self.own: CloudSettings | None = None
        """Made here; known from ENROLLING on."""
        self.settings: CloudSettings | None = None
        """What the cloud gave; known from KEEPING on."""
        self.entry = ""
        """Of the vault."""
        self.unkept = False
        """The vault could not take what the cloud gave."""
        self.unsure = False
        """An answer of the cloud was lost, and nobody knows yet what became of the request."""
        self.holds: Holds = "old"
        """What the board has of this job."""
        self.notes: list[str] = []
        self.began = 0.0
        self.put_at = 0.0
        """When the board was about to get its settings; what the server saw before was not it."""

    @property
    def file(self) -> str:
        """The settings go into a file of this name, and no board is spoken to; else empty."""
        return FILES.get(self.order.way or "", "")

    @property
    def file_title(self) -> str:
        """What a person calls this file."""
        return FILE_TITLES[self.order.way or ""]

    @property
    def reading(self) -> str:
        """Title of the first step: without a board only the name is settled in it."""
        return "Name the device" if self.file else "Read the board"

    @property
    def _way(self) -> Way:
        if self.way is None:
            msg = "no delivery was found"
            raise LookupError(msg)
        return self.way

    @property
    def _found_id(self) -> str:
        """What the board says of itself; empty: nothing, or it was not asked."""
        return self.way.hardware.hardware_id if self.way is not None else ""

    # The ends ----------------------------------------------------------------------------------

    def _give_up(self, error: MooringError | None = None) -> None:
        """The job ends after the cloud was asked; the end says where the credentials are."""
        cause = "The job was stopped."
        if error is not None:
            report = error.report()
            cause = " ".join(filter(None, [report.title, report.meaning, report.remedy]))
        names = {"name": self.name, "cloud": self.order.cloud_title, "cause": cause}
        left: MooringError
        if self.settings is None:
            left = CredentialsUnsure(
                where=f"What was sent is in the vault (entry {self.entry}).", **names
            )
        elif self.unkept and self.holds == "old":
            left = CredentialsLost(**names)
        elif self.unkept:
            left = CredentialsUnkept(where=self._where, **names)
        else:
            left = CredentialsKept(entry=self.entry, where=self._where, **names)
        self._close(error=left)

    @property
    def _safe(self) -> str:
        if self.unkept:
            return f"{self.name} was made. {self._where}"
        return f"The credentials of {self.name} are in the vault. {self._where}"

    @property
    def _where(self) -> str:
        return "There is no file of it." if self.file else HOLDS[self.holds]

    @property
    def _give_up_action(self) -> Action:
        label = "Stop; the vault keeps them" if not self.unkept else "Stop"
        return Action(id=questions.STOP, label=label)

    def _settle(self, how: str) -> None:
        self._record(enrol_facts.ENDED, how=how)

    def _wait(self) -> None:
        """A cancel changes nothing now: what runs has its own end and looks at ``stopped``."""

    def _learn_name(self) -> None:
        self._effects.append(Learn(name=self.name))
