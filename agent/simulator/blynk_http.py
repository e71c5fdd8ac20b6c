"""The web server of a simulated Blynk board's access point, as an ASGI application.

While the access point is not there every connection is cut without a byte. Sources: ConfigMode.h
(generation 1), BlynkInjectWiFiAP.cpp (generation 2).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from agent.settings import Secret
from agent.simulator.blynk_settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.simulator.blynk_device import EdgentDevice
    from agent.simulator.world import Network

SCAN_MS: Final = 2000.0
LISTED: Final = 15
WEAKEST_DBM: Final = -90
BSSID: Final = "00:11:22:33:44:55"
_OK: Final = b'{"status":"ok","msg":"%s"}'
_INVALID: Final = b'{"status":"error","msg":"Configuration invalid"}'


class BlynkHttpFace:
    """``wait`` lets board time pass, ``cut`` drops a connection without an answer."""

    def __init__(
        self,
        device: EdgentDevice,
        *,
        wait: Callable[[float], Awaitable[None]],
        cut: Callable[[Any], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.device = device
        self.requests: list[str] = []
        """Paths that were asked for, without what followed them."""
        self.last_fields: frozenset[str] = frozenset()
        """Names of the parameters of the last settings."""
        self._wait = wait
        self._cut = cut
        self._changed = changed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
        """One request."""
        assert receive is not None  # noqa: S101  (no request has a body that counts)
        path = scope["path"]
        self.requests.append(path)
        if not self.device.access_point or path == "/reboot":
            if self.device.access_point:
                self.device.restart()
                self._changed()
            self._cut(scope["client"])
            return
        status, kind, body = await self._answer(path, scope["query_string"])
        self._changed()
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    # --- inside ------------------------------------------------------------------------------

    async def _answer(self, path: str, query: bytes) -> tuple[int, bytes, bytes]:
        device, kind = self.device, b"application/json"
        match path:
            case "/board_info.json":
                device.touch()
                return 200, kind, self._info()
            case "/wifi_scan.json":
                await self._wait(SCAN_MS)
                return 200, kind, self._scan()
            case "/config":
                status, body = self._config(query)
                return status, kind, body
            case "/reset":
                if device.generation == 1:
                    device.erase()
                device.networks.clear()
                return 200, kind, _OK % b"Configuration reset"
            case "/":
                return 200, b"text/html", b"<html><body>WiFi setup</body></html>"
        return 404, b"text/plain", b"Not found"

    def _info(self) -> bytes:
        device = self.device
        c = device.config
        bssid = device.mac[:-2] + f"{(int(device.mac[-2:], 16) + 1) % 256:02X}"
        if device.generation == 1:
            # Printed into a text, so a quote in a name goes out as it is.
            return (
                f'{{"board":"{c.template}","tmpl_id":"{c.template_id}","fw_type":"{c.template_id}",'
                f'"fw_ver":"{c.version}","ssid":"{device.name}","bssid":"{bssid}","mac":"{device.mac}",'
                f'"last_error":{device.last_error},"wifi_scan":true,"static_ip":true}}'
            ).encode()
        wifi = {"name": "wifi", "mac": device.mac, "scan": 1, "5ghz": 0, "static_ip": 1}
        said = {
            "vendor": c.vendor,
            "tmpl_id": c.template_id,
            "fw_type": c.template_id,
            "fw_ver": c.version,
            "name": device.name,
            "uid": f"{c.chip:08x}",
            "bssid": bssid,
            "last_error": device.last_error,
            "ifs": [wifi],
        }
        return json.dumps(said, ensure_ascii=False).encode()

    def _scan(self) -> bytes:
        networks = sorted(self.device.world.networks, key=lambda each: -each.rssi)[:LISTED]
        if self.device.generation == 2:
            heard = [n for n in networks if n.rssi >= WEAKEST_DBM and n.listed_name]
            return json.dumps([listed(each) for each in heard], ensure_ascii=False).encode()
        if not networks:
            return b"[]"
        return b"[\n" + b",\n".join(map(_printed, networks)) + b"\n]"

    def _config(self, query: bytes) -> tuple[int, bytes]:
        given = arguments(query)
        self.last_fields = frozenset(given)
        device = self.device
        ssid = given.get("ssidManual") or given.get("ssid", b"")
        kind = given.get("if", b"").decode("latin-1")
        token = given.get("blynk", b"")
        two = device.generation == 2
        usable = bool(ssid) if not two or kind == "wifi" else kind in {"cell", "eth"}
        if len(token) != 32 or not usable:
            return 500, _INVALID
        port = given.get("port_ssl", b"")
        settings = Settings(
            kind=kind if two else "wifi",
            ssid=ssid[:33],
            password=Secret(given.get("pass", b"")[:63].decode(errors="replace")),
            token=Secret(token.decode(errors="replace")),
            host=given.get("host", b"")[:33].decode("latin-1") or "blynk.cloud",
            port=int(port) if port.isdigit() and not two else 443,
            static_ip=given.get("ip", b"").decode("latin-1"),
        )
        save = given.get("save", b"").lower() in {b"1", b"true"}
        device.configure(settings, once=True, save=save)
        said = b"Configuration saved" if save and not two else b"Trying to connect..."
        return 200, _OK % said


def arguments(query: bytes) -> dict[str, bytes]:
    """Names and values, as the firmware's server reads them: a plus is a blank."""
    found: dict[str, bytes] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        found[unquote_to_bytes(name).decode("latin-1")] = unquote_to_bytes(
            value.replace(b"+", b" ")
        )
    return found


def listed(network: Network) -> dict[str, Any]:
    """A network as generation 2 says it."""
    return {
        "ssid": network.listed_name.decode(errors="replace"),
        "bssid": BSSID,
        "rssi": network.rssi,
        "sec": "WPA2" if network.password else "OPEN",
        "ch": 6,
    }


def _printed(network: Network) -> bytes:
    """As generation 1 prints it: a quote in a name goes out as it is."""
    secured = b"WPA2" if network.password else b"OPEN"
    return b'  {"ssid":"%s","bssid":"%s","rssi":%d,"sec":"%s","ch":6}' % (
        network.listed_name,
        BSSID.encode(),
        network.rssi,
        secured,
    )
