"""What can be asked with a board's token alone: on any plan, without an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.clouds.http import Request, detail_of
from agent.errors import BlynkRefused, BlynkTokenUnknown, CloudAnswer
from agent.protocols.blynk import device_api as wire

if TYPE_CHECKING:
    from agent.clouds.blynk.regional import Regional
    from agent.settings import Secret


class DeviceInterface:
    """One server; a token travels in the query, so no address is ever shown."""

    def __init__(self, http: Regional) -> None:
        self._http = http

    async def connected(self, token: Secret, *, repeatable: bool = True) -> bool:
        """Whether the board of this token is online; :class:`BlynkTokenUnknown`."""
        query = wire.connected_query(token)
        request = Request(
            "GET", wire.CONNECTED_PATH, query=query, repeatable=repeatable, secrets=(token,)
        )
        answer = await self._http.send(request)
        match wire.parse_connected(answer.status, answer.body):
            case wire.Connected(now=now):
                return now
            case other:
                raise self._error(other, token, "tell whether the board is connected")

    async def activate(self, token: Secret, firmware: wire.Firmware) -> None:
        """Complete the activation of a new token in place of the board's first login."""
        query = wire.provision_query(token, firmware)
        request = Request("GET", wire.PROVISION_PATH, query=query, secrets=(token,))
        answer = await self._http.send(request)
        match wire.parse_provision(answer.status, answer.body):
            case wire.Done():
                return
            case other:
                raise self._error(other, token, "activate the device")

    def _error(
        self, reply: wire.Reply, token: Secret, action: str
    ) -> BlynkTokenUnknown | BlynkRefused | CloudAnswer:
        cloud = self._http.title
        match reply:
            case wire.TokenUnknown():
                return BlynkTokenUnknown(cloud=cloud, server=self._http.host)
            case wire.Refused(detail=said):
                return BlynkRefused(cloud=cloud, action=action, detail=detail_of(said, (token,)))
            case wire.NoAnswer(detail=said):
                return CloudAnswer(cloud=cloud, detail=f"To {action}: {detail_of(said, (token,))}")
            case _:
                return CloudAnswer(cloud=cloud, detail=f"To {action}: it says something else.")
