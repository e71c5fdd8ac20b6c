"""What jobs stand on, as interfaces: boards with their leases, sketches, time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from agent.clouds.clock import Clock, SystemClock
from agent.jobs.opening import open_board_session
from agent.jobs.ways import WAYS
from agent.settings.nvs_names import OUR_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from agent.boards.board import Board, BoardChanges, Port, Via
    from agent.boards.pause import Pause
    from agent.catalog import Model
    from agent.clouds.cloud import Cloud
    from agent.clouds.enrolment import EnrolCloud
    from agent.clouds.vault import Vault
    from agent.errors import MooringError
    from agent.flash.fetch import Obtained
    from agent.flash.method import Flasher
    from agent.flash.sketch import SketchKind
    from agent.jobs.journal import Journal
    from agent.jobs.kit import Kit
    from agent.links import Link, LinkOpener
    from agent.links.access_point import Inside
    from agent.links.access_point_wifi import AccessPoint, Choice, Computer
    from agent.links.ble_connect import Wanted
    from agent.links.gatt import GattLink
    from agent.sessions.delivery import Delivery, DeliveryKind
    from agent.sessions.session import Session
    from agent.settings.nvs_names import NvsNames

__all__ = ["AccessPoints", "Boards", "Clock", "Lease", "SessionOpener", "Surroundings"]


class Lease(Protocol):
    """The right to use a board; links opened through it are closed with it."""

    @property
    def board(self) -> Board:
        """The board as it is now."""

    @property
    def via(self) -> Via:
        """How the board is talked to, as long as the lease lasts."""

    async def open(self, baud: int) -> Link:
        """Open the board's port; raises :class:`agent.errors.PortError`."""

    async def open_all(self, baud: int) -> list[Link]:
        """Open every serial port of the board; those that cannot be opened are left out."""

    async def open_gatt(self, wanted: Wanted) -> GattLink:
        """The same for a device whose protocol uses several characteristics; ``ble`` only."""

    async def touch(self) -> None:
        """Tell the sketch to restart into the bootloader; nothing may open the port after it."""

    async def expect_loader(self) -> None:
        """The sketch is told in another way; the link is closed."""


class Boards(Protocol):
    """The boards of this computer (``agent.boards.service``)."""

    @property
    def pause(self) -> Pause:
        """While it is on, nobody gets a board."""

    def find(self, query: str) -> Board:
        """The one board that is meant; UnknownBoard or AmbiguousBoard."""

    @property
    def air_problem(self) -> MooringError | None:
        """Why no board in the air is heard although somebody looks, if that is known."""

    def list(self) -> list[Board]:
        """All boards that are there or expected back."""

    def adopt(self, board_id: str, port: Port) -> None:
        """A job has found out that this port is that board, whatever its ids say."""

    def subscribe(self, callback: Callable[[BoardChanges], None]) -> Callable[[], None]:
        """Call ``callback`` after each change; the result ends that."""

    def lease(
        self, board_id: str, holder: str, *, via: Via | None = None
    ) -> AbstractAsyncContextManager[Lease]:
        """Use the board alone; PortBusy names the holder, and Paused says that nobody may.

        While it is ``ble``, the air is heard.
        """

    def learn(
        self,
        board_id: str,
        *,
        name: str | None = None,
        uhwid: str | None = None,
        installed: str | None = None,
        ble_address: str | None = None,
        ble_off: bool = False,
    ) -> None:
        """Take over what a job found out."""

    async def wait_back(self, board_id: str, timeout_s: float) -> Board:
        """The board once it is there again on the link of its lease; PortGone after ``timeout_s``."""


class AccessPoints(Protocol):
    """The Wi-Fi of this computer (``agent.links.access_point``); see there for what is raised."""

    async def seen(self) -> list[AccessPoint]:
        """Networks that do not ask for a password, the strongest first."""

    async def plan(self, ssid: bytes) -> tuple[Computer, Choice]:
        """What :meth:`join` would do now; changes nothing."""

    def join(
        self, ssid: bytes, *, limit_s: float | None = None
    ) -> AbstractAsyncContextManager[Inside]:
        """Be in the access point for at most ``limit_s``, and back afterwards."""


class SessionOpener(Protocol):
    """Starts a session with the board of a lease (:mod:`agent.jobs.opening`)."""

    async def __call__(
        self, lease: Lease, *, known: bool = False, flashed: bool = False
    ) -> Session:
        """The session once it is ready.

        ``known``: the board has spoken before; ``flashed``: its sketch was written just now.
        """


class DeliveryOpener(Protocol):
    """Opens one delivery to the board of a lease (:mod:`agent.jobs.ways`)."""

    async def __call__(self, lease: Lease) -> Delivery:
        """The delivery once the board has answered; :class:`BoardHasNoDelivery` if it does not."""


@runtime_checkable
class KnowingOpener(DeliveryOpener, Protocol):
    """One that knows of some boards that they cannot have its delivery, and does not ask them."""

    def require_fit(self, board: Board) -> None:
        """Raise :class:`BoardHasNoDelivery` for a board of which that is known."""


class Flashers(Protocol):
    """The way to write a sketch to each model (``agent.flash.flashers``)."""

    async def of(self, model: Model, open_link: LinkOpener) -> Flasher:
        """Raises :class:`agent.errors.ToolMissing`."""


class Sketches(Protocol):
    """Where sketches come from (``agent.flash.fetch``); see there for what is raised."""

    async def obtain(self, fqbn: str, kind: SketchKind, *, name: str = "") -> Obtained:
        """The newest of this kind for a board."""

    async def take(self, wanted: str, fqbn: str, *, name: str, override: bool = False) -> Obtained:
        """One of the store by its id or name."""

    async def keep(self, name: str, data: bytes, fqbn: str, *, source: str = "") -> Obtained:
        """A file that is to be written; ``source`` is its address."""

    async def download(self, url: str) -> tuple[str, bytes]:
        """Name and content of the file at an address."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that procedures act on."""

    boards: Boards
    clouds: Mapping[str, Cloud]
    journal: Journal
    flashers: Flashers
    sketches: Sketches
    clock: Clock = field(default_factory=SystemClock)
    enrolments: Mapping[str, EnrolCloud] = field(default_factory=dict)
    """Clouds that give credentials to boards, by their ids."""
    vault: Vault | None = None
    """Where those are kept; needed with ``enrolments``."""
    deliveries: Mapping[DeliveryKind, DeliveryOpener] = field(default_factory=lambda: WAYS)
    """How a board gets them, the way that changes the least first."""
    nvs_names: NvsNames = OUR_NAMES
    """Under which an image of a settings area has them."""
    kits: Sequence[Kit] = ()
    """Families of boards that are set up in a way of their own."""
    access_points: AccessPoints | None = None
    """For boards with a network of their own; None: there is no Wi-Fi."""
    open_board: SessionOpener = open_board_session
    """Another one only where a test looks at, or spoils, what a session does."""
