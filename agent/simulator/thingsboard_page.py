"""What a person sees of a device of the simulated ThingsBoard in the browser: one page, no secrets.

It stands where the real server's console shows the device, so that its link leads somewhere.
"""

from __future__ import annotations

import html
import json
import time
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse
from starlette.routing import Route

from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from agent.simulator.thingsboard_devices import Device
    from agent.simulator.thingsboard_state import ThingsBoardState

SHOWN_CHARS: Final = 200
"""Of anything that a device says."""
_CREDENTIALS: Final = {
    "ACCESS_TOKEN": "an access token",
    "MQTT_BASIC": "an MQTT login",
    "X509_CERTIFICATE": "a certificate",
}
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.5rem }}
dt {{ opacity: .7 }} dd {{ margin: 0; overflow-wrap: anywhere }}
small {{ opacity: .7 }}
</style>
<h1>{title}</h1>
{body}
<p><small>A simulated ThingsBoard, which runs on this computer. The real one shows its console
here.</small></p>
</html>
"""


class DevicePages:
    """``now`` is the server's clock, in Unix seconds."""

    def __init__(self, state: ThingsBoardState, now: Callable[[], float]) -> None:
        self._state = state
        self._now = now

    @property
    def routes(self) -> list[Route]:
        """A page for each device."""
        return [Route("/entities/devices/{id}", self._show)]

    async def _show(self, request: Request) -> HTMLResponse:
        device = self._state.device_by_id(request.path_params["id"])
        if device is None:
            body = "<p>There is no such device, or no longer.</p>"
            return HTMLResponse(_PAGE.format(title="No such device", body=body), 404)
        facts = "".join(
            f"<dt>{html.escape(name)}<dd>{html.escape(clean_text(value, SHOWN_CHARS))}"
            for name, value in self._facts(device).items()
        )
        title = html.escape(clean_text(device.name, SHOWN_CHARS))
        return HTMLResponse(_PAGE.format(title=title, body=f"<dl>{facts}</dl>"))

    def _facts(self, device: Device) -> dict[str, str]:
        kind = device.credentials.kind
        facts = {
            "State": "connected" if self._state.sessions.get(device.id) else "not connected",
            "Last seen": "never" if device.last_seen is None else self._ago(device.last_seen),
            "Device profile": device.profile.name,
            "Proves itself with": _CREDENTIALS.get(kind, kind),
        }
        if device.telemetry:
            facts["Last telemetry"] = json.dumps(device.telemetry[-1][1], ensure_ascii=False)
        return facts

    def _ago(self, then: float) -> str:
        seconds = max(0, round(self._now() - then))
        at = time.strftime("%H:%M:%S", time.localtime(then))
        return f"{at}, {seconds} s ago"
