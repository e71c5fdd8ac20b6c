"""Improv Wi-Fi behind the session interface: ESPHome, Tasmota, WLED and what else speaks it.

Such a device has a network and a page of its own, but no identity for a cloud: what only boards
have is refused with the reason. Links to serial ports are opened with :data:`BAUD`.
Source: improv-wifi.com; :mod:`agent.protocols.improv.host` says how devices differ from it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import urlsplit

from agent.errors import AuthorisationNeeded, InputError, NotSupported, PortGone
from agent.protocols.improv import host
from agent.protocols.improv.messages import (
    STRINGS_LIMIT,
    Capability,
    Command,
    State,
    device_info,
    networks,
)
from agent.protocols.improv.packets import Text
from agent.protocols.v2.messages import Network as SeenNetwork
from agent.sessions.diagnosis import LogLines, options
from agent.sessions.improv_errors import improv_error, join_failed, only_wifi
from agent.sessions.improv_wires import GattWire, SerialWire
from agent.sessions.session import BoardFacts, ImprovDevice
from agent.settings import decode_text
from agent.settings.network import WiFi

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Sequence

    from agent.links.gatt import GattLink
    from agent.links.link import Link
    from agent.protocols.improv.host import Ask, Done
    from agent.protocols.improv.packets import Piece
    from agent.sessions.improv_wires import Wire
    from agent.sessions.session import BoardIdentity, NetworkOption
    from agent.settings.network import NetworkSetting

BAUD: Final = 115_200
"""Of ESPHome, Tasmota and WLED as they are delivered."""
NAME_BYTES: Final = STRINGS_LIMIT - 1
"""Of a name or hostname, so that the device can answer with it."""
OPEN_LIMIT_S: Final = 10.0
"""For the first answer: opening the port restarts many boards, and they need 1-6 s to start."""


async def open_improv_session(
    link: Link,
    *,
    limit_s: float = OPEN_LIMIT_S,
    observer: Callable[[str], None] | None = None,
) -> ImprovSession:
    """Ask what is on the serial ``link`` for its state; returns when it answered.

    Raises :class:`ImprovSilent` after ``limit_s``. ``observer`` gets each line of the device's
    log, cleaned. The link belongs to the session from now on and is closed if this raises.
    """
    return await _open(ImprovSession(SerialWire(link), observer), limit_s)


async def open_improv_ble_session(link: GattLink) -> ImprovSession:
    """The same over Bluetooth LE, where the state is read."""
    return await _open(ImprovSession(GattWire(link)), OPEN_LIMIT_S)


async def _open(session: ImprovSession, limit_s: float) -> ImprovSession:
    try:
        await session.connect(limit_s)
    except BaseException:
        await session.close()
        raise
    return session


class ImprovSession:
    """See :class:`agent.sessions.session.Session`; made by :func:`open_improv_session`."""

    def __init__(self, wire: Wire, observer: Callable[[str], None] | None = None) -> None:
        self.device: ImprovDevice | None = None
        """What the device says it is; None before :meth:`read`, or if it does not say."""
        self.redirect: str | None = None
        """Where a person goes on with the device (http or https), as it said last."""
        self._wire = wire
        self._machine = host.HostMachine(wire.carrier)
        self._lines = LogLines(observer)
        self._networks: list[SeenNetwork] = []
        self._scans = False
        self._one_request = asyncio.Lock()
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._gone: BaseException | None = None
        self._closed = False

    @property
    def state(self) -> int | None:
        """The device's state as it reported it last: a :class:`State`, or a number unknown yet."""
        return self._machine.state

    @property
    def can_identify(self) -> bool:
        """Whether :meth:`identify` makes the device blink."""
        return self._wire.can(Capability.IDENTIFY)

    @property
    def log(self) -> deque[str]:
        """The latest lines of the device's log, cleaned; for diagnosis."""
        return self._lines.lines

    async def connect(self, limit_s: float) -> None:
        """Get the state; once, by the functions above."""
        self._hear(await self._wire.open())
        self._reader = asyncio.create_task(self._read(), name="session reader")
        self._reader.add_done_callback(self._reader_ended)
        if self._wire.carrier == "serial":
            await self._refresh(limit_s)

    async def read(self) -> BoardFacts:
        """What the device is (:attr:`device`), whether it is online, and the networks around."""
        if self._wire.can(Capability.DEVICE_INFO):
            done = await self._ask_if_known(host.info())
            if done is not None and done.results:
                self.device = _device(done.results[0])
        found = await self.scan()
        return BoardFacts(
            protocol="improv",
            online=self.state == State.PROVISIONED,
            networks=found,
            scans=self._scans,
            device=self.device,
            redirect=self.redirect,
        )

    async def scan(self) -> list[NetworkOption]:
        """A new scan, strongest first; empty from a device that does not scan.

        Firmware without scans refuses them or, WLED on some chips, keeps silent about them.
        """
        if self._wire.can(Capability.WIFI_NETWORKS):
            done = await self._ask_if_known(host.scan(self._wire.carrier), may_be_silent=True)
            self._scans = done is not None
            if done is not None:
                self._networks = _strongest(done.results)
        return options(self._networks)

    async def identify(self) -> None:
        """Blink, or make a sound; :class:`NotSupported` unless :attr:`can_identify`."""
        if not self.can_identify:
            raise _cannot("show which one it is", "It has no light for that, or no command.")
        await self._ask(host.identify(), "show which one it is")

    async def name(self, new: str = "") -> str:
        """The device's name, after setting it if there is a ``new`` one; cleaned."""
        ask = host.text(Command.DEVICE_NAME, _text_bytes("name", new))
        return decode_text((await self._ask(ask, "tell its name")).first or b"")

    async def hostname(self, new: str = "") -> str:
        """The same for the hostname; :class:`InputError` if the device does not accept it."""
        ask = host.text(Command.HOSTNAME, _text_bytes("hostname", new))
        return decode_text((await self._ask(ask, "tell its hostname")).first or b"")

    async def read_identity(self, now: int) -> BoardIdentity:  # noqa: ARG002  (the interface's)
        """Refused: there is none."""
        _refuse("prove its identity to a cloud")

    async def reset(self) -> None:
        """Refused: the standard has no such command."""
        _refuse("erase its settings")

    async def configure(self, settings: NetworkSetting) -> str | None:
        """Send the settings and join; returns :attr:`redirect`, set if the device has a page.

        Raises :class:`JoinFailed`; :class:`AuthorisationNeeded` before anything is sent.
        """
        settings.check()
        if not isinstance(settings, WiFi):
            raise only_wifi(settings)
        self._lines.hide(settings)
        await self._make_ready()
        ask = host.join(settings.ssid_bytes, settings.password.reveal().encode())
        outcome = await self._run(ask)
        if isinstance(outcome, host.Done):
            self.redirect = _address(outcome)
            return self.redirect
        seen = self._networks if self._scans else None
        raise join_failed(outcome, settings, seen) or improv_error(outcome, "join")

    async def wait_authorised(self) -> None:
        """Return when the device takes settings: somebody pressed its button, or need not.

        Bluetooth LE only, where devices tell each change of their state.
        """
        await self._until(lambda state: state != State.AUTHORISATION_REQUIRED)

    async def wait_ended(self) -> None:
        """Return when the device has joined a network."""
        await self._until(lambda state: state == State.PROVISIONED)

    async def close(self) -> None:
        """Release the port; never raises, may be called again."""
        if self._closed:
            return
        self._closed = True
        self._changed.set()
        try:
            if self._reader is not None:
                self._reader.cancel()
                await asyncio.gather(self._reader, return_exceptions=True)
        finally:
            self._lines.flush()
            await self._wire.close()

    # --- requests ----------------------------------------------------------------------------

    async def _refresh(self, limit_s: float = host.ANSWER_LIMIT_S) -> None:
        """Ask for the state (serial), and for the address if the device has joined."""
        done = await self._ask(host.current_state(seconds=limit_s), "tell its state")
        self.redirect = _address(done)

    async def _make_ready(self) -> None:
        """The device takes settings now, and nothing of an earlier attempt is on its way."""
        unsettled = self._machine.unsettled
        if self._wire.carrier == "serial":
            await self._refresh()
        else:
            self._hear(await self._wire.read_state())
        if unsettled:
            await self._settle()
        if self.state == State.AUTHORISATION_REQUIRED:
            raise AuthorisationNeeded
        if self.state == State.STOPPED:
            raise _cannot("take settings", "Its firmware says that its Wi-Fi is switched off.")

    async def _settle(self) -> None:
        """Wait for the end of an attempt that was given up here; devices report it."""
        try:
            async with asyncio.timeout(host.JOIN_LIMIT_S), self._one_request:
                while self.state == State.PROVISIONING and self._gone is None:
                    await self._next_change()
        except TimeoutError:
            return

    async def _ask_if_known(self, ask: Ask, *, may_be_silent: bool = False) -> Done | None:
        """None from a device that does not know this command."""
        outcome = await self._run(ask)
        if isinstance(outcome, host.Done):
            return outcome
        if outcome.reason is host.Reason.SILENT:
            if not may_be_silent:
                raise improv_error(outcome, "answer")
            if self._wire.carrier == "serial":
                await self._refresh()  # raises if it is not only this command
        return None

    async def _ask(self, ask: Ask, what: str) -> Done:
        outcome = await self._run(ask)
        if isinstance(outcome, host.Done):
            return outcome
        raise improv_error(outcome, what)

    async def _run(self, ask: Ask) -> host.Outcome:
        """One command; a caller that is cancelled gives it up, the session stays usable."""
        async with self._one_request:
            self._raise_if_gone()
            machine = self._machine
            machine.start(ask, self._now())
            try:
                while True:
                    self._changed.clear()
                    await self._send_due()
                    if machine.outcome is not None:
                        return machine.outcome
                    await self._await_change()
            finally:
                machine.abandon()

    async def _send_due(self) -> None:
        try:
            for rpc in self._machine.take_writes():
                await self._wire.send(rpc)
        except PortGone:
            if not self._machine.lost():
                raise

    async def _await_change(self) -> None:
        """Until something came, or the time is over."""
        if self._gone is not None or self._closed:
            if not self._machine.lost():
                self._raise_if_gone()
            return
        try:
            async with asyncio.timeout_at(self._machine.next_deadline):
                await self._changed.wait()
        except TimeoutError:
            self._hear(self._wire.release())
            self._machine.tick(self._now())

    # --- inside ------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            self._hear(await self._wire.receive())
            self._changed.set()

    def _hear(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Text):
                self._lines.add(piece.data)
            else:
                self._machine.hear(piece, self._now())

    def _reader_ended(self, task: asyncio.Task[None]) -> None:
        """It ends by itself only when the port is gone, or by a defect of ours."""
        if not task.cancelled():
            self._gone = task.exception()
        self._changed.set()

    async def _until(self, holds: Callable[[int | None], bool]) -> None:
        async with self._one_request:
            while not holds(self.state):
                self._raise_if_gone()
                await self._next_change()

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _raise_if_gone(self) -> None:
        if self._closed:
            raise PortGone(port=self._wire.address)
        if self._gone is not None:
            raise self._gone

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _strongest(results: Sequence[tuple[bytes, ...]]) -> list[SeenNetwork]:
    """Each name once: a name is all that can be chosen, and large networks have it many times."""
    strongest: dict[bytes, int] = {}
    for network in (network for strings in results for network in networks(strings)):
        best = strongest.get(network.ssid, network.rssi_dbm)
        strongest[network.ssid] = max(best, network.rssi_dbm)
    return [SeenNetwork(ssid, rssi_dbm) for ssid, rssi_dbm in strongest.items()]


def _device(strings: tuple[bytes, ...]) -> ImprovDevice:
    info = device_info(strings)
    return ImprovDevice(
        firmware=decode_text(info.firmware),
        version=decode_text(info.version),
        hardware=decode_text(info.hardware),
        name=decode_text(info.name),
        os_name=decode_text(info.os_name),
        os_version=decode_text(info.os_version),
    )


def _address(done: Done) -> str | None:
    """The address of the device's page; None for what is no plain http or https address."""
    try:
        text = (done.first or b"").decode("ascii")
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    printable = all("!" <= char <= "~" for char in text)
    return text if usable and printable and "@" not in parts.netloc else None


def _text_bytes(field: str, text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise InputError(field=field, problem="is not valid text (UTF-8)") from None
    if len(data) > NAME_BYTES:
        problem = f"is {len(data)} bytes long; at most {NAME_BYTES} fit"
        raise InputError(field=field, problem=problem)
    return data


def _cannot(what: str, why: str) -> NotSupported:
    return NotSupported(
        model="This device", what=what, why=why, action="Use the device's own page or buttons."
    )


def _refuse(what: str) -> NoReturn:
    raise _cannot(what, "Improv Wi-Fi brings devices into a network and does nothing else.")
