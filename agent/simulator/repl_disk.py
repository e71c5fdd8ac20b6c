"""The file system of a simulated MicroPython or CircuitPython board.

Each change of it is a step, and power can go at each: what had been changed before stays. Sources:
micropython/micropython: extmod/vfs_fat.c, extmod/vfs_lfsx.c; adafruit/circuitpython:
shared-module/os/getenv.c, shared-module/storage/__init__.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from agent.simulator.tiny_python import Thing, Thrown

if TYPE_CHECKING:
    from collections.abc import Callable

EROFS, ENOENT, ENOSPC, EEXIST = 30, 2, 28, 17
BLOCK_BYTES: Final = 512
MOST_FILES: Final = 64

DiskStep = Literal["write", "remove", "rename", "renamed"]
"""Before each but the last, which is behind a rename."""
Drive = Literal["none", "in-use", "ejected"]
"""CircuitPython's drive: switched off by its boot.py, used by the computer, or ejected there."""


class PowerLost(Exception):
    """The board has no power any more."""


class Disk:
    """All files, by their absolute names; ``room`` bytes in all.

    ``fat``: a rename onto a file removes that one first, which is two steps; else it is one.
    """

    def __init__(self, *, fat: bool, room: int, drive: Drive = "none") -> None:
        self.files: dict[str, bytes] = {}
        self.drive: Drive = drive
        self.steps = 0
        """Changes so far."""
        self.power_for: int | None = None
        """How many more changes there is power for."""
        self.flip = False
        """The next byte that is written goes wrong."""
        self.watch: Callable[[DiskStep], None] | None = None
        """Hears of each change; what it raises stops the board there."""
        self._fat = fat
        self._room = room
        self._remounted = False

    def power_on(self) -> None:
        """Start again with what was stored."""
        self.power_for = None
        self._remounted = False

    def used(self) -> int:
        """Bytes of all files, in whole blocks."""
        return sum(-(-len(data) // BLOCK_BYTES) * BLOCK_BYTES for data in self.files.values())

    # --- what programs can call --------------------------------------------------------------

    def open(self, name: str, mode: str = "r") -> Thing:
        """A file: ``rb`` and ``wb``, or ``r``, which reads text."""
        path = _path(name)
        if "w" in mode:
            self._require_writable()
            self._store(path, b"")
            return Thing({"write": lambda data: self._append(path, data), "close": lambda: None})
        if path not in self.files:
            raise Thrown("OSError", ENOENT, "ENOENT")
        data, place = self.files[path], 0

        def read(count: int = -1) -> bytes | str:
            nonlocal place
            end = len(data) if count < 0 else place + count
            part, place = data[place:end], min(end, len(data))
            return part if "b" in mode else part.decode()

        return Thing({"read": read, "close": lambda: None})

    def stat(self, name: str) -> tuple[int, ...]:
        """Raises where there is no such file."""
        path = _path(name)
        if path not in self.files and path != "/":
            raise Thrown("OSError", ENOENT, "ENOENT")
        return (0x8000, 0, 0, 0, 0, 0, len(self.files.get(path, b"")), 0, 0, 0)

    def statvfs(self, _name: str) -> tuple[int, ...]:
        """Size of a block, and how many are free."""
        free = max(0, self._room - self.used()) // BLOCK_BYTES
        return (BLOCK_BYTES, BLOCK_BYTES, self._room // BLOCK_BYTES, free, free, 0, 0, 0, 0, 255)

    def listdir(self, _name: str = "/") -> list[str]:
        """Names in the only folder."""
        return [path[1:] for path in self.files]

    def remove(self, name: str) -> None:
        """As ``os.remove``."""
        self._require_writable()
        self.stat(name)
        self._change("remove", lambda: self.files.pop(_path(name)))

    def rename(self, old: str, new: str) -> None:
        """As ``os.rename``."""
        self._require_writable()
        self.stat(old)
        if self._fat and _path(new) in self.files:
            self.remove(new)
        moved = _path(old), _path(new)
        self._change("rename", lambda: self.files.update({moved[1]: self.files.pop(moved[0])}))
        if self.watch is not None:
            self.watch("renamed")

    def remount(self, _name: str, readonly: bool = False) -> None:
        """As ``storage.remount``: not while the computer has the drive."""
        if self.drive == "in-use":
            raise Thrown("RuntimeError", "Cannot remount path when visible via USB.")
        self._remounted = not readonly

    def getenv(self, key: str) -> str | None:
        """A value of ``settings.toml``, as the firmware looks for it."""
        for line in self.files.get("/settings.toml", b"").split(b"\n"):
            text = line.decode(errors="replace").strip()
            if text.startswith("["):
                break
            name, equals, value = text.partition("=")
            if equals and name.strip() == key:
                return _string(value.strip())
        return None

    # --- inside ------------------------------------------------------------------------------

    def _append(self, path: str, data: bytes) -> int:
        if self.used() + len(data) > self._room:
            raise Thrown("OSError", ENOSPC, "ENOSPC")
        if self.flip and data:
            self.flip = False
            data = bytes([data[0] ^ 1]) + data[1:]
        half = len(data) // 2
        self._store(path, self.files[path] + data[:half])
        self._store(path, self.files[path] + data[half:])
        return len(data)

    def _store(self, path: str, data: bytes) -> None:
        if path not in self.files and len(self.files) >= MOST_FILES:
            raise Thrown("OSError", ENOSPC, "ENOSPC")
        self._change("write", lambda: self.files.update({path: data}))

    def _change(self, step: DiskStep, change: Callable[[], object]) -> None:
        if self.power_for is not None:
            if self.power_for <= 0:
                raise PowerLost
            self.power_for -= 1
        self.steps += 1
        if self.watch is not None:
            self.watch(step)
        change()

    def _require_writable(self) -> None:
        if self.drive != "none" and not self._remounted:
            raise Thrown("OSError", EROFS, "Read-only filesystem")


def _path(name: str) -> str:
    return name if name.startswith("/") else f"/{name}"


def _string(text: str) -> str | None:
    """A quoted value, its escapes read from left to right."""
    if not text.startswith('"'):
        return None
    out, place = "", 1
    while place < len(text) and text[place] != '"':
        char = text[place]
        if char == "\\":
            place += 1
            char = text[place : place + 1]
            if char in "uU":
                digits = 4 if char == "u" else 8
                char = chr(int(text[place + 1 : place + 1 + digits], 16))
                place += digits
            else:
                char = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v"}.get(
                    char, char
                )
        out += char
        place += 1
    return out
