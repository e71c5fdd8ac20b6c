"""Whether the agent is connected where it is a gateway of ThingsBoard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.desktop.doctor.found import fine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.desktop.doctor.found import Found
    from agent.settings.notices import GatewayInfo

AREA: Final = "agent"


class AsGateway:
    """Looks at the gateway of the running agent. What is wrong with it is among the notices."""

    area = AREA

    def __init__(self, state: Callable[[], GatewayInfo | None]) -> None:
        """``state``: None where the agent is no gateway."""
        self._state = state

    async def look(self) -> Sequence[Found]:
        """Connected; or nothing to say."""
        state = self._state()
        if state is None or state.phase != "connected":
            return []
        return [fine(AREA, "It is connected to its ThingsBoard server as a gateway.")]
