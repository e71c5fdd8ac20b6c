"""The Python prompt of a simulated board: friendly, raw and raw-paste mode, byte by byte.

Sources: micropython/micropython: shared/runtime/pyexec.c; adafruit/circuitpython: main.c.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from agent.simulator.repl_disk import Disk, Drive
from agent.simulator.tiny_python import Hangs, Thing, Thrown, TinyPython

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW: Final = 128
"""Of raw-paste mode: what the firmware takes before it says that there is room again."""
LINE_BYTES: Final = 256 * 1024
"""The longest program."""
_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = 1, 2, 3, 4, 5

_WRONG = (
    "Traceback (most recent call last):\r\n"
    '  File "<stdin>", line 1\r\n'
    "SyntaxError: invalid syntax\r\n"
)
"""What it says to a line that is none of Python; it reads no programs in this mode."""
Mode = Literal["program", "any key", "friendly", "raw", "paste", "hangs"]


class ReplConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the board is."""

    firmware: Literal["micropython", "circuitpython"] = "micropython"
    version: tuple[int, int, int] = (1, 26, 0)
    machine: str = "Raspberry Pi Pico W with RP2040"
    platform: str = "rp2"
    unique_id: str = "e6614c311b7e6f35"
    """Hex digits, as the firmware tells it."""
    fat: bool = False
    """Its file system, CircuitPython's always: FAT; else littlefs."""
    room: Annotated[int, Meta(ge=0, le=16 << 20)] = 848 * 1024
    drive: Drive = "none"
    paste: bool = True
    """It has raw-paste mode."""
    hashing: bool = True
    """It has SHA-256."""
    says: str = ""
    """What its program prints when it starts."""
    stubborn: Annotated[int, Meta(ge=0, le=100)] = 0
    """How many interrupts its program survives."""


class ReplFirmware:
    """One board with power; ``write`` sends to the host."""

    def __init__(self, config: ReplConfig, disk: Disk, write: Callable[[bytes], None]) -> None:
        self.config = config
        self.disk = disk
        self.mode: Mode = "program"
        self.starts = 0
        """How often its program was started."""
        self._write = write
        self._circuitpython = config.firmware == "circuitpython"
        self._line = bytearray()
        self._room = WINDOW
        self._stubborn = 0
        self._modes: dict[Mode, Callable[[int], None]] = {
            "program": self._in_program,
            "any key": self._in_any_key,
            "friendly": self._in_friendly,
            "raw": self._in_raw,
            "paste": self._in_paste,
            "hangs": self._in_hangs,
        }
        self._python = self._interpreter()
        self._start()

    def receive(self, data: bytes) -> None:
        """Bytes of the host. Raises :class:`agent.simulator.repl_disk.PowerLost`."""
        for byte in data:
            self._modes[self.mode](byte)

    # --- modes -------------------------------------------------------------------------------

    def _in_program(self, byte: int) -> None:
        if byte != _CTRL_C:
            return
        if self._stubborn:
            self._stubborn -= 1
            return
        self._say(_traceback("KeyboardInterrupt", ()))
        if self._circuitpython:
            self._say(
                "\r\nCode done running.\r\n\r\n"
                "Press any key to enter the REPL. Use CTRL-D to reload.\r\n"
            )
            self.mode = "any key"
        else:
            self._greet()

    def _in_any_key(self, byte: int) -> None:
        if byte == _CTRL_D:
            self._soft_reset()
        else:
            self._greet()

    def _in_friendly(self, byte: int) -> None:
        if byte == _CTRL_A and not self._line:
            self.mode = "raw"
            self._say("\r\nraw REPL; CTRL-B to exit\r\n>")
        elif byte == _CTRL_B:
            self._greet()
        elif byte == _CTRL_C:
            self._line.clear()
            self._say("\r\n>>> ")
        elif byte == _CTRL_D and not self._line:
            self._soft_reset()
        elif byte == ord("\r"):
            wrong = self._line.strip()
            self._line.clear()
            self._say(f"\r\n{_WRONG if wrong else ''}>>> ")
        elif len(self._line) < LINE_BYTES:
            self._line.append(byte)
            self._write(bytes([byte]))

    def _in_raw(self, byte: int) -> None:
        if byte == _CTRL_A:
            asked = bytes(self._line) == bytes([_CTRL_E]) + b"A"
            self._line.clear()
            if asked and self.config.paste:
                self.mode = "paste"
                self._room = WINDOW
                self._write(b"R\x01" + WINDOW.to_bytes(2, "little") + b"\x01")
            else:
                self._say("raw REPL; CTRL-B to exit\r\n>")
        elif byte == _CTRL_B:
            self._greet()
        elif byte == _CTRL_C:
            self._line.clear()
        elif byte == _CTRL_D:
            self._say("OK")
            if self._line:
                self._run()
            else:
                self._say("\r\n")
                self._soft_reset()
        elif len(self._line) < LINE_BYTES:
            self._line.append(byte)

    def _in_paste(self, byte: int) -> None:
        if byte in {_CTRL_C, _CTRL_D}:
            self._write(b"\x04")
            self.mode = "raw"
            if byte == _CTRL_C:
                self._line.clear()
                self._write(b"\x04")
                self._say(_traceback("KeyboardInterrupt", ()))
                self._write(b"\x04>")
            else:
                self._run()
            return
        if len(self._line) < LINE_BYTES:
            self._line.append(byte)
        self._room -= 1
        if not self._room:
            self._room = WINDOW
            self._write(b"\x01")

    def _in_hangs(self, byte: int) -> None:
        if byte == _CTRL_C:
            self.mode = "raw"
            self._write(b"\x04")
            self._say(_traceback("KeyboardInterrupt", ()))
            self._write(b"\x04>")

    # --- what happens ------------------------------------------------------------------------

    def _run(self) -> None:
        code = self._line.decode(errors="replace")
        self._line.clear()
        error = ""
        try:
            self._python.run(code)
        except Thrown as thrown:
            error = _traceback(thrown.kind, thrown.values)
        except Hangs:
            self.mode = "hangs"
            return
        self._write(b"\x04")
        self._say(error)
        self._write(b"\x04>")

    def _soft_reset(self) -> None:
        self._say("\r\nsoft reboot\r\n" if self._circuitpython else "\r\nMPY: soft reboot\r\n")
        self._line.clear()
        self._python = self._interpreter()
        self._start()

    def _start(self) -> None:
        self.mode = "program"
        self.starts += 1
        self._stubborn = self.config.stubborn
        self._say("".join(f"{line}\r\n" for line in self.config.says.splitlines()))

    def _greet(self) -> None:
        self._line.clear()
        self.mode = "friendly"
        name = "Adafruit CircuitPython" if self._circuitpython else "MicroPython"
        version = ".".join(map(str, self.config.version))
        self._say(f"\r\n{name} {version} on 2026-01-01; {self.config.machine}\r\n>>> ")

    def _say(self, text: str) -> None:
        if text:
            self._write(text.encode())

    # --- what programs find ------------------------------------------------------------------

    def _interpreter(self) -> TinyPython:
        config, disk = self.config, self.disk
        implementation = {
            "name": config.firmware,
            "version": (*config.version, ""),
            "_machine": config.machine,
        }
        files = ("stat", "statvfs", "listdir", "remove", "rename")
        system: dict[str, Any] = {name: getattr(disk, name) for name in files}
        unique_id = bytes.fromhex(config.unique_id)
        modules = {
            "sys": Thing({"implementation": Thing(implementation), "platform": config.platform}),
            "json": Thing({"load": _load_json}),
        }
        if self._circuitpython:
            system["getenv"] = disk.getenv
            modules["microcontroller"] = Thing({"cpu": Thing({"uid": unique_id})})
            modules["storage"] = Thing({"remount": disk.remount})
        else:
            modules["machine"] = Thing({"unique_id": lambda: unique_id})
        system["sync"] = lambda: None
        modules["os"] = Thing(system)
        if config.hashing:
            kinds = {"new": _hash} if self._circuitpython else {"sha256": lambda: _hash("sha256")}
            modules["hashlib"] = Thing(kinds)
        return TinyPython(modules, {"open": disk.open}, self._say)


def _hash(name: str) -> Thing:
    if name not in {"sha256", "sha1"}:
        raise Thrown("ValueError", "Unsupported hash algorithm")
    hashed = hashlib.sha256() if name == "sha256" else hashlib.sha1(usedforsecurity=False)
    return Thing({"update": hashed.update, "digest": hashed.digest})


def _load_json(file: Thing) -> object:
    try:
        return json.loads(file.members["read"]())
    except RecursionError:
        raise Thrown("ValueError", "syntax error in JSON") from None


def _traceback(kind: str, values: tuple[object, ...]) -> str:
    words = str(values[0]) if values else ""
    if kind == "OSError" and len(values) > 1:
        words = f"[Errno {values[0]}] {values[1]}"
    head = 'Traceback (most recent call last):\r\n  File "<stdin>", line 1, in <module>\r\n'
    return f"{head}{kind}: {words}\r\n"
