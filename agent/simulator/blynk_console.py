"""The serial console of a simulated Blynk board: bytes of a host in, bytes of the board out.

Written from BlynkConsole.h apart from the agent's own side, so that one checks the other: all is echoed,
a line ends with CR or LF, is split at blanks, and each word is unescaped then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.settings import Secret
from agent.simulator.blynk_settings import Settings

if TYPE_CHECKING:
    from agent.simulator.blynk_device import EdgentDevice
    from agent.simulator.world import Network

BUFFER_BYTES: Final = 256
WORDS: Final = 15
RECEIVE_BYTES: Final = 256
"""Of the port's own buffer, while the board does something else; what comes then is lost."""
SCAN_MS: Final = 2000.0
_CONTROLS: Final = {ord("0"): 0, ord("b"): 8, ord("n"): 10, ord("r"): 13, ord("t"): 9}
_NAMES: Final = {
    1: "help, ?, reboot, config, devinfo, connect, wifi, firmware, status",
    2: "help, ?, reboot, devinfo, connect, config, firmware, sys, wifi",
}


class BlynkConsoleFace:
    """Let the device run first, then :meth:`hear` and :meth:`take`."""

    def __init__(self, device: EdgentDevice) -> None:
        self.device = device
        self.flood = b""
        """Printed behind each byte that is echoed: other tasks of the firmware that log much."""
        self.refuses = ""
        """Answer of a firmware that refuses ``connect``, whatever it is given."""
        self._received = bytearray()
        self._line = bytearray()
        self._out = bytearray(b"\r\n>")
        self._boots = device.boots
        self._busy_until = 0.0
        self._late = b""

    @property
    def wake_at(self) -> float:
        """When something is to be printed by itself."""
        return self._busy_until if self._late else float("inf")

    def hear(self, data: bytes) -> None:
        """Bytes of the host."""
        self._received += data[: RECEIVE_BYTES - len(self._received)]

    def take(self) -> bytes:
        """What the board printed."""
        self._serve()
        for line in self.device.take_log():
            self._out += line.encode() + b"\r\n"
        out = bytes(self._out)
        self._out.clear()
        return out

    # --- inside ------------------------------------------------------------------------------

    def _serve(self) -> None:
        device = self.device
        if device.boots != self._boots:
            self._boots = device.boots
            self._received.clear()
            self._line.clear()
            self._late = b""
            self._out += b"\r\n>"
        if self._late and device.now >= self._busy_until:
            self._out += self._late
            self._late = b""
        while self._received and not device.deaf and not self._late:
            byte = self._received.pop(0)
            if len(self._line) >= BUFFER_BYTES - 1:
                self._line.clear()
            self._line.append(byte)
            if byte not in b"\r\n":
                self._out.append(byte)
                self._out += self.flood
            elif words := _split(bytes(self._line)):
                self._line.clear()
                self._obey(words)

    def _obey(self, words: list[bytes]) -> None:
        self._out += b"\r\n"
        name = words[0].decode("latin-1").lower()
        answer = self._answer(name, words[1:])
        if answer is None:
            answer = "Command not found.\r\n"
        said = answer.encode() + b">"
        if self._busy_until > self.device.now:
            self._late = said
        else:
            self._out += said

    def _answer(self, name: str, words: list[bytes]) -> str | None:
        device = self.device
        generation = device.generation
        tool = words[0].decode("latin-1") if words else ""
        match name:
            case "help" | "?":
                return f"Available commands: {_NAMES[generation]}\r\n"
            case "devinfo":
                c = device.config
                return (
                    f'{{"name":"{device.name}","board":"{c.template}","tmpl_id":"{c.template_id}",'
                    f'"fw_type":"{c.template_id}","fw_ver":"{c.version}"}}\n'
                )
            case "reboot":
                device.restart()
                said = '{"status":"OK","msg":"rebooting wifi module"}\n'
                return said if generation == 1 else "Rebooting...\n"
            case "connect" if self.refuses:
                return self.refuses
            case "connect":
                return self._connect_1(words) if generation == 1 else self._connect_2(words)
            case "config":
                return self._config(tool)
            case "wifi":
                return self._wifi(tool, words)
            case "firmware":
                return f" Version:   {device.config.version} (build Nov  1 2026 10:00:00)\n"
            case "status" if generation == 1:
                return " Uptime:          0d 0h 1m 2s\n"
            case "sys" if generation == 2:
                return " Uptime:          1m 2s\n"
        return None

    def _connect_1(self, words: list[bytes]) -> str:
        if len(words) < 2:
            return '{"status":"error","msg":"invalid arguments. expected: <auth> <ssid> <pass>"}\n'
        token, ssid, password = (*words, b"")[:3]
        if len(token) != 32:
            return '{"status":"error","msg":"invalid token size"}\n'
        settings = Settings(ssid=ssid[:33], password=_secret(password[:63]), token=_secret(token))
        # Nothing is stored before it is online, and no single try is asked for.
        self.device.configure(settings, once=False)
        return '{"status":"OK","msg":"trying to connect..."}\n'

    def _connect_2(self, words: list[bytes]) -> str:
        if not words:
            return "Usage: connect <auth> [host]\n"
        if len(words[0]) != 32:
            return "Error: invalid token size\n"
        device = self.device
        network = device.networks[-1] if device.networks else Settings()
        host = words[1].decode("latin-1") if len(words) > 1 else "blynk.cloud"
        device.networks.clear()
        settings = Settings(
            ssid=network.ssid, password=network.password, token=_secret(words[0]), host=host
        )
        device.configure(settings, once=True)
        return "Trying to connect...\n"

    def _config(self, tool: str) -> str:
        if tool in {"", "start"}:
            self.device.wait_for_settings()
        elif tool == "erase":
            self.device.erase()
        elif self.device.generation == 2 and tool != "stop":
            return "Available commands: start, stop, erase\r\n"
        return ""

    def _wifi(self, tool: str, words: list[bytes]) -> str:
        device = self.device
        if tool == "scan":
            self._busy_until = device.now + SCAN_MS
            networks = sorted(device.world.networks, key=lambda each: -each.rssi)
            return "".join(map(self._row, networks))
        if device.generation == 1:
            ip = device.address or "0.0.0.0"  # noqa: S104  (none yet)
            ssid = device.settings.ssid.decode(errors="replace") if device.address else ""
            return f"mac:{device.mac} ip:{ip} ({ssid} [00:11:22:33:44:55] -48dBm)\n"
        if tool in {"", "info"}:
            status, ip = ("ready", device.address) if device.address else ("down", "0.0.0.0")  # noqa: S104  (none yet)
            error = f"error: {device.net_error}\n" if device.net_error else ""
            return f"mac:{device.mac} ip:{ip} status:{status}\n{error}"
        if tool == "add" and len(words) > 1:
            password = _secret(words[2] if len(words) > 2 else b"")
            device.networks.append(Settings(ssid=words[1], password=password))
            return ""
        if tool == "clear":
            device.networks.clear()
            return ""
        return "Available commands: info, scan, add ssid [pass], clear, on, off\r\n"

    def _row(self, network: Network) -> str:
        ssid = network.listed_name.decode(errors="replace")
        if self.device.generation == 2:
            ssid = f"{ssid:<20}"
        secured = "WPA2" if network.password else "OPEN"
        return f"  {ssid} [00:11:22:33:44:55] {secured} ch:6 rssi:{network.rssi}\n"


def _secret(word: bytes) -> Secret:
    return Secret(word.decode(errors="replace"))


def _split(line: bytes) -> list[bytes]:
    return [_unescape(word) for word in line.split()[:WORDS]]


def _unescape(word: bytes) -> bytes:
    out = bytearray()
    at = 0
    while at < len(word):
        if word[at] != 0x5C:
            out.append(word[at])
            at += 1
        elif word[at + 1 : at + 2] == b"x":
            digits = word[at + 2 : at + 4]
            out.append(int(digits, 16) if len(digits) == 2 and digits.isalnum() else 0)
            at += 4
        else:
            following = word[at + 1 : at + 2]
            out += bytes([_CONTROLS.get(following[0], following[0])]) if following else b""
            at += 2
    return bytes(out).split(b"\0", 1)[0]
