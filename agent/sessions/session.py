"""The interface of a session: what a procedure can ask a board, whatever the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from agent.settings import Secret

if TYPE_CHECKING:
    from agent.settings.network import NetworkSetting


class NetworkOption(msgspec.Struct, frozen=True, kw_only=True):
    """A Wi-Fi network that the board's own scan found."""

    ssid: str
    """Name fit to be shown; empty for a hidden network."""
    ssid_hex: str
    """The bytes of the name, which travel on unchanged."""
    rssi_dbm: int


class ImprovDevice(msgspec.Struct, frozen=True, kw_only=True):
    """What a device of Improv Wi-Fi says it is; cleaned, any field may be empty."""

    firmware: str = ""
    version: str = ""
    hardware: str = ""
    name: str = ""
    os_name: str = ""
    os_version: str = ""


class ModemFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a board with an nRF91 says of itself; what it does not say is empty."""

    dialect: str
    """What its port understands, in words."""
    port: str
    """The one of its ports that answered."""
    imei: str = ""
    model: str = ""
    firmware: str = ""
    """Of the modem: ``mfw_nrf91x1_2.0.2``."""
    chip: str = ""
    """As printed on it."""
    device_id: str = ""
    """UUID; by it nRF Cloud knows the board."""
    sim: str = ""
    """``READY``, ``absent``, or what the modem says."""
    claimed: bool | None = None
    """Whether the team that is signed in has it; None: nobody could ask."""
    tags: list[str] = []
    """Of its claim."""
    onboarded: bool | None = None
    """Whether it is a device there, which it becomes when it is online; None: that is not known."""
    link: str = ""
    """Where people see the device if the team has it; empty: nowhere."""


class BoardFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a session learned without changing anything on the board."""

    protocol: str = "2.0"
    sketch_version: str | None = None
    """Version of the provisioning sketch; None when an application sketch runs."""
    application_sketch: bool = False
    wifi_firmware: str | None = None
    """None if it was not safe to ask (board online with its cloud) or it has no Wi-Fi."""
    library_version: str | None = None
    ble_address: str | None = None
    """``A1:B2:C3:D4:E5:F6``; None if the board has none."""
    uhwid: str | None = None
    """64 hex digits; None from an application sketch."""
    initial_status: int | None = None
    """Status the board reported first: history, not an error of this session."""
    online: bool = False
    """The first report was CONNECTED: the board may be in its RUN state. A device of Improv Wi-Fi
    is in a network."""
    networks: list[NetworkOption] = []
    scans: bool = True
    """False: it cannot look for networks, so an empty list says nothing."""
    device: ImprovDevice | None = None
    """None for what does not speak Improv Wi-Fi, or does not say."""
    redirect: str | None = None
    """Where a person goes on with the device (http or https), if it is in a network and says so."""
    modem: ModemFacts | None = None
    """Of a board of nRF Cloud alone."""


class BoardIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What a cloud needs to know a board."""

    uhwid: str
    """64 lower-case hex digits."""
    public_key: str
    """PEM."""
    token: Secret
    """JWT that the board signed just now; valid for a short time."""


class Session(Protocol):
    """A protocol driven over a link. One request at a time; errors are ``agent.errors``."""

    async def read(self) -> BoardFacts:
        """Versions, addresses, identity and the networks of the opening scan."""

    async def scan(self) -> list[NetworkOption]:
        """A new scan, strongest first. In the RUN state: the networks of the opening."""

    async def read_identity(self, now: int) -> BoardIdentity:
        """Public key, hardware id and a fresh token; ``now`` in Unix seconds."""

    async def reset(self) -> None:
        """Wipe stored network settings and cloud identity; leads out of the RUN state."""

    async def configure(self, settings: NetworkSetting) -> str | None:
        """Send the settings and join; returns when joined, raises :class:`NetworkError`.

        What it returns is where a person goes on with the device, from one that says so.
        The settings are stored on the board even if the attempt fails. After a
        :class:`NetworkError` the session stays usable.
        """

    async def wait_ended(self) -> None:
        """Return when the board itself ends the session (it has its certificate)."""

    async def close(self) -> None:
        """Say goodbye and release the port; never raises, may be called again."""
