"""``settings.*``: how the agent works, as a person wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.settings.service import SettingList

if TYPE_CHECKING:
    from agent.bridge.services import Services


class NewValues(Params, frozen=True, kw_only=True):
    """Settings to change."""

    values: dict[str, Any]
    """By key; null: back to the default. Each value as the schema of its key says."""


def methods(services: Services) -> list[Method[Any, Any]]:
    """Get and set."""
    settings = services.settings

    async def get(_call: Call, _params: Nothing) -> SettingList:
        return await settings.get()

    async def change(_call: Call, params: NewValues) -> SettingList:
        return await settings.set(params.values)

    # They name files, programs and addresses of this computer, which is nothing for foreign pages.
    return [
        Method(
            "settings.get",
            "All settings; what was changed with an editor is seen.",
            Nothing,
            SettingList,
            get,
            own=True,
        ),
        Method(
            "settings.set",
            "Change settings: all of these, or none and an error.",
            NewValues,
            SettingList,
            change,
            own=True,
        ),
    ]
