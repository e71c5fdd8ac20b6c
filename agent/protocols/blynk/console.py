r"""The serial console of a Blynk board: lines that it is sent, and what is to be found in its output.

Log lines stand between answers, and all that is typed is echoed, passwords too: nothing of what is heard
may be kept or shown but what the functions here make of it. A word with a blank goes as ``\x20``:
the console splits a line first and undoes ``\x``, ``\t``, ``\\`` in each word after that.

Sources: src/Blynk/BlynkConsole.h of the Blynk library (both generations; unescape since 1.0.0),
Console.h of Edgent_ESP32 (generation 1), BlynkEdgentConsole.h of the Edgent library (generation 2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.errors import InputError
from agent.protocols.blynk.failures import BY_CODE, Failure, from_code
from agent.protocols.blynk.info import SeenNetwork

if TYPE_CHECKING:
    from agent.protocols.blynk.config import BlynkConfig
    from agent.protocols.blynk.names import Generation

BAUD: Final = 115_200
COMMAND_BYTES: Final = 240
"""Of the console's 255, which count ends of empty lines before it too; a longer line is run from its
256th byte on."""
LINE_BYTES: Final = 1024
"""More than this without an end is given out as it is; longest answer: 256 bytes, list of commands: 200."""

WAKE: Final = b"\n"
"""Ends what another program may have left half written."""
DEVINFO: Final = b"devinfo\n"
HELP: Final = b"help\n"
SCAN: Final = b"wifi scan\n"
ERASE: Final = b"config erase\n"
REBOOT: Final = b"reboot\n"
PROMPT: Final = 0x3E
CONFIG_START: Final = b"config start\n"
"""Back to waiting for settings; obeyed while the board tries to connect, too."""
WIFI_STATE: Final[dict[Generation, bytes]] = {1: b"wifi show\n", 2: b"wifi info\n"}


# --- what is sent ----------------------------------------------------------------------------

_PLAIN: Final = frozenset(range(0x21, 0x100)) - {0x5C, 0x7F}


def quote(word: bytes) -> bytes:
    """One word of a command, whatever is in it; ValueError for an empty one or a zero byte."""
    if not word or 0 in word:
        msg = "a word is not empty and has no zero byte"
        raise ValueError(msg)
    return b"".join(
        bytes([byte]) if byte in _PLAIN else rb"\\" if byte == 0x5C else b"\\x%02x" % byte
        for byte in word
    )


def command(*words: bytes) -> bytes:
    """A whole line."""
    return b" ".join(map(quote, words)) + b"\n"


def marker(number: int) -> bytes:
    """A line whose echo shows that all before it was done: a command that no console knows."""
    return b"mooring%d\n" % number


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a delivery. It holds secrets."""

    line: bytes
    answers: bool = False
    """It has an answer of its own; the others say nothing."""

    def __repr__(self) -> str:
        return "Step(***)"


def delivery(config: BlynkConfig, generation: Generation) -> list[Step]:
    """The commands that give a board this configuration, checked before.

    Raises :class:`InputError` for what does not fit into a line of the console.
    """
    token = config.token.reveal().encode()
    wifi: list[bytes] = []
    if config.wifi is not None:
        wifi = [config.wifi.ssid_bytes, config.wifi.password.reveal().encode()]
        wifi = [word for word in wifi if word]
    if generation == 1:
        steps = [Step(command(b"connect", token, *wifi), answers=True)]
    else:
        host = [config.host.encode()] * bool(config.host)
        steps = []
        if wifi:
            # Networks of before stay: the board could come online over another one than was asked for.
            steps += [
                Step(command(b"wifi", b"clear")),
                Step(command(b"wifi", b"add", *wifi)),
            ]
        steps.append(Step(command(b"connect", token, *host), answers=True))
    if any(len(step.line) > COMMAND_BYTES for step in steps):
        problem = "is too long for the board's console, with all its blanks and signs"
        raise InputError(field="password", problem=problem)
    return steps


# --- what is heard ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line: an answer, an echo, or a line of the log."""

    data: bytes

    def __repr__(self) -> str:
        return "Line(***)"

    @property
    def text(self) -> str:
        """As text, not cleaned."""
        return self.data.decode("utf-8", "replace")


_ANSI: Final = re.compile(rb"\x1b\[[0-9;]*m")


class ConsoleReader:
    """Cuts what a port carries into lines, without prompts; cut anywhere, the same comes out."""

    def __init__(self) -> None:
        self._line = bytearray()

    def feed(self, data: bytes) -> list[Line]:
        """The lines that these bytes complete."""
        lines: list[Line] = []
        for byte in data:
            if byte in b"\r\n" or len(self._line) >= LINE_BYTES:
                line = _ANSI.sub(b"", bytes(self._line))
                self._line.clear()
                if line.strip():
                    lines.append(Line(line))
            # A prompt has no end: what is echoed or logged stands right behind it.
            if byte not in b"\r\n" and not (byte == PROMPT and not self._line):
                self._line.append(byte)
        return lines


@dataclass(frozen=True, slots=True)
class Taken:
    """How a board answered to ``connect``."""

    ok: bool
    words: str = ""
    """Why not, not cleaned."""


_TAKEN: Final = re.compile(
    r'\{"status":"(?P<status>OK|error)","msg":"(?P<msg>[^"]*)"\}'
    r"|(?P<trying>Trying to connect\.\.\.)$|^(?P<why>(?:Error|Usage): .*|Command not found\.)"
)


def parse_taken(line: str) -> Taken | None:
    """The answer to ``connect``, of either generation."""
    found = _TAKEN.search(line)
    if found is None:
        return None
    if found["status"]:
        return Taken(found["status"] == "OK", "" if found["status"] == "OK" else found["msg"])
    return Taken(bool(found["trying"]), found["why"] or "")


_COMMANDS: Final = "Available commands: "


def parse_help(line: str) -> frozenset[str] | None:
    """The commands that a console knows."""
    _, found, rest = line.partition(_COMMANDS)
    return frozenset(word.strip() for word in rest.split(",")) if found else None


def generation_of(commands: frozenset[str]) -> Generation:
    """Whose console knows these."""
    return 1 if "status" in commands and "sys" not in commands else 2


_ROW: Final = re.compile(
    rb"^[* ] (?P<ssid>.*?) *\[(?P<bssid>[0-9A-Fa-f:]{17})\] (?P<sec>\S{1,16}) "
    rb"ch:(?P<ch>\d{1,3}) rssi:(?P<rssi>-?\d{1,3})$"
)


def parse_row(line: bytes) -> SeenNetwork | None:
    """One network of ``wifi scan``; None: another line, or a name that is no text."""
    found = _ROW.search(line)
    if found is None:
        return None
    try:
        ssid = found["ssid"].decode()
    except UnicodeDecodeError:
        return None
    return SeenNetwork(
        ssid=ssid,
        rssi_dbm=int(found["rssi"]),
        security=found["sec"].decode("ascii", "replace"),
        bssid=found["bssid"].decode("ascii"),
        channel=min(int(found["ch"]), 255),
    )


# --- how a connection comes about ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Joined:
    """The board is in the network."""

    address: str


@dataclass(frozen=True, slots=True)
class Online:
    """Blynk let it in."""


@dataclass(frozen=True, slots=True)
class State:
    """A new state of the board, in words of its own with blanks: ``CONNECTING NET``."""

    name: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something failed. ``final``: the board has given up; else it may still be trying."""

    failure: Failure
    final: bool


News: TypeAlias = Joined | Online | State | Trouble

_STAMP: Final = re.compile(r"^(?:\[ *\d+\]|[EWID] \(\d+\) )")
"""Of a line of the log. An echo has none, so a password cannot be taken for news."""
_IP: Final = r"(?P<ip>\d{1,3}(?:\.\d{1,3}){3})"
_JOINED: Final = re.compile(rf"Using (?:Dynamic|Static) IP: {_IP}$")
_ONLINE: Final = re.compile(r"\bReady(?: \(ping: -?\d+ms\)\.)?$")
_REFUSED: Final = re.compile(r"\bInvalid (?:auth )?token$")
_LAST: Final = re.compile(r"\bLast error code: (?P<code>\d{1,4})$")
_STATE: Final = re.compile(r"\b[A-Z][A-Z_ ]+ => (?P<state>[A-Z][A-Z_ ]+)$")
_WIFI: Final = re.compile(rf"^mac:\S+ ip:{_IP} (?:\(|status:(?P<status>\w+))")
_ERROR: Final = re.compile(r"^error: (?P<word>[A-Z_]+)$")
_WORDS: Final = {
    "NETWORK_NOT_FOUND": 720,
    "NO_CABLE": 721,
    "AUTH_FAILED": 722,
    "IP_NOT_ASSIGNED": 723,
    "UNKNOWN": 704,
}


def parse_news(line: str) -> News | None:
    """What a line of the log, or of ``wifi show`` and ``wifi info``, says of the connection."""
    wifi = _WIFI.search(line)
    if wifi is not None:
        # Generation 1 shows the address of the network before until it begins to join.
        there = wifi["ip"] != "0.0.0.0" and wifi["status"] in {None, "ready"}  # noqa: S104  (none yet)
        return Joined(wifi["ip"]) if there else None
    error = _ERROR.search(line)
    if error is not None:
        return Trouble(BY_CODE[_WORDS.get(error["word"], 704)], final=False)
    if not _STAMP.match(line):
        return None
    if found := _JOINED.search(line):
        return Joined(found["ip"])
    if _ONLINE.search(line):
        return Online()
    if _REFUSED.search(line):
        return Trouble(BY_CODE[703], final=True)
    if found := _LAST.search(line):
        failure = from_code(int(found["code"]))
        return None if failure is None else Trouble(failure, final=True)
    if found := _STATE.search(line):
        return State(found["state"].replace("_", " "))
    return None
