"""What surrounds a simulated board: networks, cable, modem, and hardware that fails.

All of it may change while the board runs; :func:`change` does that from JSON.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from agent.errors import InputError
from agent.settings import Secret
from agent.settings.network import secret_from

BIG_LIST_NETWORKS = 12
BIG_LIST_NAME_CHARS = 24
"""Twelve names of 24 characters: the list that a board cannot send (protocol-v2, 4.2)."""


class Uplink(Enum):
    """State of a network that is not Wi-Fi: the Ethernet cable, the modem's network."""

    OK = "ok"
    """Works, with internet."""
    ABSENT = "absent"
    """No cable, no DHCP server, no coverage: the attempt never gets past its first state."""
    NO_INTERNET = "no_internet"
    """Joined, but the ping stays unanswered."""
    REFUSED = "refused"
    """The network ends the attempt: the attempt fails in the disconnected state (-3)."""
    STOPPED = "stopped"
    """The module switched itself off (-102)."""
    BROKEN = "broken"
    """The module does not answer (-101)."""


class SecureElement(Enum):
    """How far the secure element's self check gets."""

    OK = "ok"
    NO_ANSWER = "no_answer"
    """-150."""
    NO_CONFIGURATION = "no_configuration"
    """-151: unlocked, and its configuration cannot be written."""
    NO_LOCK = "no_lock"
    """-152."""
    NO_KEY = "no_key"
    """Starts, but makes neither key nor signature: GET_ID answers -255."""
    NO_WRITE = "no_write"
    """Starts, but its slots cannot be written: RESET answers -255."""


class Network(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A Wi-Fi network in reach of the board."""

    ssid: str = ""
    ssid_hex: str = ""
    """Hex digits of the name instead of ``ssid``, for names that are no text."""
    rssi: int = -60
    """dBm."""
    password: Secret = msgspec.field(default_factory=Secret)
    """Empty: an open network."""
    internet: bool = True
    dhcp: bool = True
    """Without it the board is let in but gets no address."""
    hidden: bool = False
    """In the list under an empty name; can be joined by who knows the real one."""

    @property
    def name(self) -> bytes:
        """The name as it is sent by radio."""
        return bytes.fromhex(self.ssid_hex) if self.ssid_hex else self.ssid.encode()

    @property
    def listed_name(self) -> bytes:
        """The name as a scan finds it: C text, ended by a zero byte."""
        return b"" if self.hidden else self.name.split(b"\0", 1)[0]

    def admits(self, ssid: bytes, password: bytes) -> bool:
        """Whether a board with these settings gets in."""
        return ssid == self.name and password == self.password.reveal().encode()


class World(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Everything outside the firmware that decides how an attempt ends."""

    networks: list[Network] = []
    internet: bool = True
    """False: no network leads anywhere."""
    dhcp: bool = True
    """False: no network gives addresses, neither by radio nor by cable."""
    ethernet: Uplink = Uplink.ABSENT
    modem: Uplink = Uplink.BROKEN
    """GSM, NB-IoT, CAT-M1, cellular."""
    wifi_module: bool = True
    """False: the module does not answer; scans fail and attempts end with -101."""
    scans: bool = True
    """False: scans fail."""
    storage: bool = True
    """False: the board's storage does not start (-200)."""
    storage_writes: bool = True
    """False: it starts but keeps nothing (-255)."""
    partition: bool = True
    """False: the storage cannot be partitioned (-201)."""
    unique_id: bool = True
    """False: no unique hardware id (-160)."""
    secure_element: SecureElement = SecureElement.OK
    certificates: bool = True
    """False: the certificate step is refused, where no cloud is asked."""

    def find(self, ssid: bytes, password: bytes) -> Network | None:
        """The strongest network that lets a board with these settings in."""
        found = [n for n in self.networks if n.admits(ssid, password)]
        return max(found, key=lambda n: n.rssi, default=None)


def demo_networks() -> list[Network]:
    """The surroundings of the demo; every password is a word of the documentation, not a secret."""
    return [
        Network(ssid="HomeNet", rssi=-45, password=Secret("correct horse")),
        Network(ssid="Café Größe 🧀", rssi=-58, password=Secret("zwei Stück")),
        Network(ssid="Office", rssi=-67, password=Secret("s3cret")),
        Network(ssid="NoInternet", rssi=-70, password=Secret("nopath"), internet=False),
        Network(ssid="Basement", rssi=-77, password=Secret("under stairs"), hidden=True),
    ]


def big_list() -> list[Network]:
    """Networks whose list the board cannot send."""
    return [
        Network(ssid=f"{'n' * (BIG_LIST_NAME_CHARS - 2)}{number:02}")
        for number in range(BIG_LIST_NETWORKS)
    ]


def demo_world() -> World:
    """Surroundings of a board whose owner said nothing else."""
    return World(networks=demo_networks(), ethernet=Uplink.ABSENT, modem=Uplink.OK)


def change(world: World, changes: dict[str, Any]) -> None:
    """Set fields of ``world``; raises :class:`InputError` that names the wrong one."""
    current = {name: getattr(world, name) for name in world.__struct_fields__}
    plain = {
        name: msgspec.to_builtins(value, enc_hook=reveal_for_pipe)
        for name, value in current.items()
    }
    try:
        wanted = msgspec.convert(plain | changes, World, dec_hook=secret_from)
    except msgspec.ValidationError as error:
        raise InputError(field="world", problem=str(error)) from None
    for name in changes:
        setattr(world, name, getattr(wanted, name))


def reveal_for_pipe(value: object) -> object:
    """Msgspec ``enc_hook`` for the private pipe to a simulator process, and nowhere else."""
    if isinstance(value, Secret):
        return value.reveal()
    msg = f"cannot encode {type(value).__name__}"
    raise NotImplementedError(msg)
