"""How long a board takes for what, in milliseconds of board time."""

from __future__ import annotations

import msgspec


class Timing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Durations of what the firmware waits for.

    The waits of the firmware itself (attempt limits, rescans, validity of packets) are in the
    modules that hold them: they never change. The defaults let a demo show each phase; they are
    in the range that real boards show.
    """

    setup: float = 1500.0
    """Delay in the sketch's setup (Provisioning 2.0 sketch, setup)."""
    turn: float = 0.0
    """One turn of the sketch's loop in which something happened."""
    scan: float = 2000.0
    """A Wi-Fi scan; the board does nothing else meanwhile (2-10 s: protocol-v2, 2)."""
    failing_scan: float = 500.0
    """A scan that fails. Never 0: the board scans again at once."""
    join: float = 2500.0
    """The driver's call that joins a Wi-Fi network and gets an address."""
    failing_join: float = 4000.0
    """The same call with a wrong name or password; drivers give up after some seconds."""
    link: float = 1000.0
    """Ethernet with DHCP."""
    register: float = 6000.0
    """A modem's way into its network."""
    ping: float = 200.0
    lost_ping: float = 1000.0
    sign: float = 60.0
    """A signature of the secure element."""
    certificate: float = 1500.0
    """The certificate step when no cloud is asked."""
    reenumerate: float = 800.0
    """From the reset of a board with native USB until its port is there again."""
    touch: float = 250.0
    """From a touch until a sketch with native USB restarts (flashing, 2)."""
    bridge_reset: float = 300.0
    """How long the bridge of an UNO R4 WiFi holds its chip before the bootloader runs."""
    glitch: float = 100.0
    """How long a port that only flashes up is there, and then away."""


VECTOR_TIMING = Timing(
    turn=1.0,
    scan=50.0,
    failing_scan=50.0,
    join=0.0,
    failing_join=0.0,
    link=0.0,
    register=0.0,
    ping=0.0,
    lost_ping=0.0,
    sign=0.0,
    certificate=0.0,
    reenumerate=0.0,
)
"""The stand-ins of the recorded conversations: everything outside the firmware is immediate."""
