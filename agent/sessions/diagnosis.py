"""What a session makes of a board's words for people: networks, failures to join, log lines."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from agent.errors import (
    BoardBusy,
    BoardSilent,
    JoinFailed,
    MooringError,
    NetworkModuleFailed,
    NoInternet,
    NoNetworkList,
    NotProvisioned,
    NotSupported,
    ReceiverStuck,
    StatusReported,
    WrongSketch,
)
from agent.protocols.v2.status import StatusCode, status_info
from agent.protocols.v2.talk import HostFailure, Reason
from agent.sessions.session import NetworkOption
from agent.settings import Secret, clean_text, decode_text
from agent.settings.network import Ethernet, LoRa, NetworkSetting, WiFi

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.protocols.v2.messages import Network

WEAK_DBM: Final = -75
"""Below this, Wi-Fi modules of these boards often see a network but cannot join it."""

LOG_LINES: Final = 200
"""Lines of a board's log that are kept; the oldest go first."""
LINE_BYTES: Final = 800
"""A longer line is cut into several; a clean line shows at most 200 characters."""
SECRET_BYTES: Final = 100
"""No secret that goes to a board is longer, so none is cut in two unseen."""


def options(networks: Sequence[Network]) -> list[NetworkOption]:
    """Networks of a scan as people choose from them, strongest first."""
    strongest = sorted(networks, key=lambda network: -network.rssi_dbm)
    return [
        NetworkOption(
            ssid=decode_text(network.ssid), ssid_hex=network.ssid.hex(), rssi_dbm=network.rssi_dbm
        )
        for network in strongest
    ]


def join_error(
    code: int, settings: NetworkSetting, networks: Sequence[Network]
) -> MooringError | None:
    """The error for a status that ended a configuration; None if the status says all there is."""
    name = clean_text(settings.label)
    match code:
        case StatusCode.FAILED_TO_CONNECT | StatusCode.CONNECTION_LOST | StatusCode.DISCONNECTED:
            why = _why(code, settings, networks)
            return JoinFailed(network=name, status=code, why=why, action=_action(settings))
        case StatusCode.INTERNET_NOT_AVAILABLE:
            return NoInternet(network=name, status=code)
        case StatusCode.INVALID_PARAMS:
            return NotSupported(
                model="This board",
                what=f"join {name}",
                why="Its sketch has no adapter for this kind of network, or refuses the settings.",
                action="Check the settings, or choose a kind of network that this board has.",
                status=code,
            )
    return None


def _why(code: int, settings: NetworkSetting, networks: Sequence[Network]) -> str:
    match settings:
        case WiFi():
            return why_wifi(settings, networks)
        case Ethernet(ip=""):
            return "There is no cable, or no DHCP server answered on it."
        case Ethernet():
            return "There is no cable, or the address does not fit the network on it."
        case LoRa():
            return "No gateway in reach accepted the board: keys, band, or coverage."
    if code == StatusCode.DISCONNECTED:
        return "The network turned the modem away: PIN, access point name or login may be wrong."
    return "There is no coverage here, or PIN, access point name or login are wrong."


def _action(settings: NetworkSetting) -> str:
    match settings:
        case WiFi():
            return "Check the password and try again, or choose another network."
        case Ethernet(ip=""):
            return "Check the cable and the router at its other end, and try again."
        case Ethernet():
            return "Check the cable, the address, the gateway and the netmask, and try again."
        case LoRa():
            return "Check the keys and the band, go where a gateway is in reach, and try again."
    return "Check the SIM, its PIN, the access point name and the login, and try again."


def why_wifi(settings: WiFi, networks: Sequence[Network]) -> str:
    """Why a board could not join, as far as its own scan tells: a sentence for people."""
    seen = [network.rssi_dbm for network in networks if network.ssid == settings.ssid_bytes]
    if not seen:
        return (
            "The board's own scan does not show this network: it is hidden, out of reach, "
            "on 5 GHz only, or its name is spelt differently."
        )
    strength = max(seen)
    if strength < WEAK_DBM:
        return (
            f"The board sees it only weakly ({strength} dBm): it may be too far away, "
            "or the password is wrong."
        )
    if not settings.password:
        return f"The board sees it well ({strength} dBm), but no password was given."
    return f"The board sees it well ({strength} dBm), so the password is most likely wrong."


def session_error(
    failure: HostFailure, *, opened: bool, what: str = "answer this request"
) -> MooringError:
    """The error for a conversation that failed.

    ``opened``: the board had sent its list before. ``what``: what was asked of it.
    """
    match failure.reason:
        case Reason.NO_LIST:
            return NoNetworkList(seconds=round(failure.seconds))
        case Reason.SILENT if not opened:
            return BoardSilent(seconds=round(failure.seconds))
        case Reason.SILENT | Reason.GARBLED:
            # It spoke on this link before, and a restart would have shown.
            return ReceiverStuck(seconds=round(failure.seconds))
        case Reason.BUSY | Reason.ENDED | Reason.RESTARTED:
            return BoardBusy()
        case Reason.ONLINE:
            return NotProvisioned(
                action="Set the board up anew (this erases its cloud identity), or use its "
                "reconfigure pin or button."
            )
        case Reason.STATUS:
            return _status_error(failure.status or 0, what)


def _status_error(code: int, what: str) -> MooringError:
    info = status_info(code)
    if code == StatusCode.INVALID_REQUEST:
        return WrongSketch(what=what, why=info.meaning, status=code)
    if code in {StatusCode.HW_ERROR_CONN_MODULE, StatusCode.HW_CONN_MODULE_STOPPED}:
        return NetworkModuleFailed(why=info.meaning, status=code)
    return StatusReported(status=code, name=info.name, text=info.meaning, action=info.action)


class LogLines:
    """Collects the log of a sketch line by line, cleaned, without the secrets sent to the board."""

    def __init__(self, observer: Callable[[str], None] | None) -> None:
        self.lines: deque[str] = deque(maxlen=LOG_LINES)
        self._observer = observer
        self._rest = b""
        self._secrets: set[bytes] = set()

    def hide(self, settings: NetworkSetting) -> None:
        """Keep the secrets of ``settings`` out of all lines from now on."""
        for name in settings.__struct_fields__:
            value = getattr(settings, name)
            if isinstance(value, Secret) and value:
                self._secrets.add(value.reveal().encode())

    def add(self, data: bytes) -> None:
        """Bytes between frames."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._show(line)
        if len(self._rest) > LINE_BYTES + SECRET_BYTES:
            # What is still missing of a secret can only stand behind the cut.
            self._rest = self._without_secrets(self._rest)
        while len(self._rest) > LINE_BYTES + SECRET_BYTES:
            self._show(self._rest[:LINE_BYTES])
            self._rest = self._rest[LINE_BYTES:]

    def flush(self) -> None:
        """Show a last line that has no end."""
        self._show(self._rest)
        self._rest = b""

    def _show(self, line: bytes) -> None:
        shown = decode_text(self._without_secrets(line).rstrip(b"\r"))
        if shown:
            self.lines.append(shown)
            if self._observer is not None:
                self._observer(shown)

    def _without_secrets(self, line: bytes) -> bytes:
        for secret in self._secrets:
            line = line.replace(secret, b"***")
        return line
