"""Bluetooth LE of a simulated Blynk board of generation 2: messages in, messages out.

Source: BlynkInjectBLE.cpp of the Edgent library. What is sent has at most 256 bytes, as the firmware's
buffers have.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from agent.settings import Secret
from agent.simulator.blynk_http import WEAKEST_DBM, listed
from agent.simulator.blynk_settings import Settings

if TYPE_CHECKING:
    from agent.simulator.blynk_device import EdgentDevice

BUFFER_BYTES: Final = 256
LISTED: Final = 30
KNOWN: Final = frozenset(
    ("if", "ssid", "pass", "blynk", "host", "port", "ip", "mask", "gw", "dns", "dns2", "save")
)
WAITING: Final = 256
"""Messages that wait for a host; older ones are lost."""


class BlynkBleFace:
    """One link at a time; make it, then :meth:`hear` and :meth:`take`."""

    def __init__(self, device: EdgentDevice) -> None:
        self.device = device
        self.known = KNOWN
        """Keys of ``set`` that its firmware knows."""
        self.deaf = False
        """It is stuck: nothing is answered any more."""
        self._staged: dict[str, Any] = {}
        self._out: deque[bytes] = deque(maxlen=WAITING)
        device.on_message = self._follow

    def hear(self, value: bytes) -> None:
        """One write."""
        if self.deaf:
            return
        try:
            said = json.loads(value.decode())
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            self._say("error", msg="wrong format")
            return
        kind = said.pop("t", None)
        match kind:
            case "info":
                self._info()
            case "ifs":
                self._say("ifs_start")
                wifi = {"mac": self.device.mac, "scan": 1, "5ghz": 0, "static_ip": 1}
                self._say("if", name="wifi", **wifi)
                self._say("ifs_end")
            case "scan":
                self._scan()
            case "set":
                self._staged |= {name: value for name, value in said.items() if name in self.known}
                self._say("set_ok" if said.keys() <= self.known else "set_fail")
            case "connect":
                self._connect()
            case "reset":
                self.device.networks.clear()
                self._say("reset_ok")
            case "reboot":
                self.device.restart()
            case _:
                self._say("error", msg="invalid command")

    def take(self) -> list[bytes]:
        """Notifications, in their order."""
        said = list(self._out)
        self._out.clear()
        return said

    def drop(self) -> None:
        """The link fell: what was sent for the next attempt is gone."""
        self._staged.clear()
        self._out.clear()
        self.device.leave()

    # --- inside ------------------------------------------------------------------------------

    def _say(self, kind: str, **more: object) -> None:
        said = json.dumps({"t": kind, **more}, ensure_ascii=False, separators=(",", ":"))
        self._out.append(said.encode()[:BUFFER_BYTES])

    def _follow(self, said: dict[str, Any]) -> None:
        if said["t"] in {"net_fail", "cloud_fail", "connect_fail"}:
            self._staged.clear()  # it waits for settings as if it had just begun to
        self._say(**{"kind": said["t"], **{n: v for n, v in said.items() if n != "t"}})

    def _info(self) -> None:
        device = self.device
        device.touch()
        config = device.config
        self._say(
            "info",
            vendor=config.vendor,
            tmpl_id=config.template_id,
            fw_type=config.template_id,
            fw_ver=config.version,
            name=device.name,
            uid=f"{config.chip:08x}",
            caps=["live_status"],
        )

    def _scan(self) -> None:
        self._say("scan_start")
        networks = sorted(self.device.world.networks, key=lambda each: -each.rssi)[:LISTED]
        for network in networks:
            if network.rssi >= WEAKEST_DBM and network.listed_name:
                self._say("scan", **listed(network))
        self._say("scan_end")

    def _connect(self) -> None:
        staged = {name: str(value) for name, value in self._staged.items()}
        kind, ssid = staged.get("if", ""), staged.get("ssid", "")
        usable = bool(ssid) if kind == "wifi" else kind in {"cell", "eth"}
        if len(staged.get("blynk", "")) != 32 or not usable:
            self._say("connect_fail", msg="configuration invalid")
            return
        self._say("connecting")
        settings = Settings(
            kind=kind,
            ssid=ssid.encode(),
            password=Secret(staged.get("pass", "")),
            token=Secret(staged["blynk"]),
            host=staged.get("host") or "blynk.cloud",
            static_ip=staged.get("ip", ""),
        )
        self.device.configure(settings, once=True, save=self._staged.get("save") is True)
