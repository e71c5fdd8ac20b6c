"""What the bridge needs of the rest of the agent, as interfaces.

The composition root fills a :class:`Services`; tests fill it with what they need.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from agent.bridge.refused_pages import RefusedPages
from agent.clouds.blynk.keeping import Keeps
from agent.settings.held import Held
from agent.settings.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from agent.boards.board import Board, BoardChanges, Via
    from agent.boards.monitor import Monitors
    from agent.boards.pause import Pause
    from agent.bridge.consent_service import Consent
    from agent.bridge.origins import Origins
    from agent.catalog import Model
    from agent.clouds.cloud import AnyCloud
    from agent.errors import BluetoothError, Examination, Looked, Paused
    from agent.flash.sketch import Sketch
    from agent.flash.toolstore.install import Toolbox
    from agent.jobs.advice import Advice
    from agent.jobs.job import Job, JobChange
    from agent.jobs.surroundings import Lease
    from agent.jobs.which import Procedure
    from agent.links.access_point_wifi import AccessPoint
    from agent.settings import Secret
    from agent.settings.notices import GatewayInfo, Update
    from agent.settings.service import SettingList


class Boards(Protocol):
    """The list of boards, and leases on their ports."""

    @property
    def pause(self) -> Pause:
        """The switch with which the agent lets go of every board."""

    def list(self) -> list[Board]:
        """All boards now."""

    def find(self, query: str) -> Board:
        """The board that ``query`` names; raises UnknownBoard or AmbiguousBoard."""

    def subscribe(self, callback: Callable[[BoardChanges], None]) -> Callable[[], None]:
        """Call ``callback`` at each change; returns what ends it."""

    def lease(
        self,
        board_id: str,
        holder: str,
        *,
        via: Via | None = None,
        recall: Callable[[Paused], None] | None = None,
    ) -> AbstractAsyncContextManager[Lease]:
        """Hold the board's port, of the link that ``via`` says; raises PortBusy with the holder.

        ``recall`` says that the board is wanted back, and why.
        """

    def attend(self) -> Callable[[], None]:
        """Somebody looks for boards in the air; the result, called once or more, ends that."""


class Radio(Protocol):
    """The Bluetooth of this computer."""

    @property
    def problem(self) -> BluetoothError | None:
        """Why there is no scan although somebody looks; None: it scans, or nobody looks."""

    @property
    def scanning(self) -> bool:
        """Somebody looks, so that this computer scans or tries to."""

    def on_problem(self, listener: Callable[[BluetoothError | None], None]) -> Callable[[], None]:
        """Call ``listener`` when it becomes unusable (why) or usable (None); returns what ends it."""


class Wifi(Protocol):
    """The Wi-Fi of this computer."""

    async def seen(self) -> list[AccessPoint]:
        """Networks that do not ask for a password, the strongest first.

        Raises WifiError; WifiNever where the settings say so.
        """


class Jobs(Protocol):
    """Jobs and their journal."""

    @property
    def active(self) -> int:
        """How many run or ask now."""

    async def start(self, request: dict[str, Any], *, attended: bool, owner: object = None) -> str:
        """Check the request and start; returns the job's id."""

    async def decide(
        self,
        board: str,
        cloud: str | None = None,
        procedure: Procedure | None = None,
        model: str | None = None,
    ) -> Advice:
        """Which procedure a board needs and why; the board itself is not asked."""

    async def answer(self, job: str, answer: dict[str, Any], question: int | None = None) -> None:
        """Answer the open question."""

    async def cancel(self, job: str) -> None:
        """Ask the job to stop; it undoes what it must."""

    async def get(self, job: str) -> Job:
        """One job; raises UnknownJob."""

    async def list(self, limit: int, board: str | None = None) -> list[Job]:
        """Newest first."""

    def subscribe(self, callback: Callable[[JobChange], None]) -> Callable[[], None]:
        """Call ``callback`` at each change; returns what ends it."""

    async def file(self, job: str, name: str) -> Secret:
        """A file with secrets that a job made; raises UnknownJob or InputError."""

    async def wait(self, job: str) -> Job:
        """The job once it has ended."""

    def owner_of(self, job: str) -> object:
        """The ``owner`` of a job that runs; None for any other."""


class SketchList(Protocol):
    """The store of sketches."""

    def list(self) -> list[Sketch]:
        """What is there; blocks for some milliseconds."""


class Models(Protocol):
    """The catalogue."""

    @property
    def models(self) -> Sequence[Model]:
        """All models."""

    def get(self, model_id: str) -> Model | None:
        """The model with this id."""


class Settings(Protocol):
    """How the agent works, as a person wants it."""

    async def get(self) -> SettingList:
        """All settings."""

    async def set(self, values: Mapping[str, Any]) -> SettingList:
        """Change these; None: back to the default. All of them, or none and an error."""


class Vault(Keeps, Protocol):
    """What clouds gave to boards; entries travel without their secrets."""


@dataclass(frozen=True, slots=True)
class About:
    """What ``agent.info`` says of this agent."""

    version: str
    platform: str
    """``linux``, ``windows`` or ``macos``."""
    simulated: bool = False
    """The boards and clouds are simulated ones."""
    capabilities: tuple[str, ...] = field(default=())
    """Kinds of job, and ``serial``."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the methods ask."""

    about: About
    boards: Boards
    monitors: Monitors
    """The serial monitors of everybody, over the same ``boards``."""
    jobs: Jobs
    clouds: Mapping[str, AnyCloud]
    catalog: Models
    sketches: SketchList
    tools: Toolbox
    """The store of upload tools, and where they come from."""
    origins: Origins
    consent: Consent
    """Questions of pages to the person; over the same ``origins``."""
    vault: Vault
    settings: Settings
    flash_urls: Callable[[], Sequence[str]]
    """Beginnings of the addresses from which a peer may have a file written to a board."""
    quit: Callable[[], None]
    """End the agent, soon after it returns."""
    examine: Callable[[bool, Callable[[Looked], None]], Awaitable[Examination]]
    """Look what on this computer would stop provisioning, and tell how far that is; True: and mend
    what can be mended."""
    report: Callable[[], Awaitable[tuple[str, str]]]
    """Name and text of a report for people who look for a fault, without what is personal."""
    show: Callable[[str], bool]
    """Open a place on the page (``job/3``) in the person's browser; False: there is none."""
    wifi: Wifi
    bluetooth: Radio | None = None
    """None: this agent never uses Bluetooth (``bluetooth.scan`` in the settings)."""
    notices: Notices = field(default_factory=Notices)
    """What is wrong with the agent itself, and people should know."""
    update: Held[Update | None] = field(default_factory=lambda: Held(None))
    """A newer version of the agent, once one is known."""
    gateway: Held[GatewayInfo | None] = field(default_factory=lambda: Held(None))
    """How the agent is doing as a gateway of ThingsBoard; None: it is none."""
    refused_pages: RefusedPages = field(default_factory=RefusedPages)
    """Pages made for the Arduino Create Agent that were turned away lately."""
    seen: Held[int] = field(default_factory=lambda: Held(0))
    """Own pages that are before the person's eyes, as far as their browsers know."""
