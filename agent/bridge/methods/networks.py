"""``networks.*``: network settings as a form needs them. Nothing is sent to a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge.fields import NetworkData
from agent.bridge.rpc import Call, Method, Nothing, Params
from agent.errors import InputError, NotSupported
from agent.jobs.check import NetworkWarning, check_kind, check_network
from agent.sessions.session import NetworkOption
from agent.settings.network import network_schema

if TYPE_CHECKING:
    from agent.bridge.services import Services
    from agent.settings.network import NetworkSetting


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a setting cannot be used."""

    field: str
    problem: str
    """What follows the name of the field in a sentence."""


class CheckParams(Params, frozen=True, kw_only=True):
    """A setting, for which board, and what that board sees."""

    network: NetworkData
    board: str | None = None
    networks: list[NetworkOption] | None = None
    """What the board's scan found; without it no warning is given."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks against a setting; both empty: nothing."""

    problems: list[Problem]
    warnings: list[NetworkWarning]


def methods(services: Services) -> list[Method[Any, Any]]:
    """Schema and check."""

    async def schema(_call: Call, _params: Nothing) -> dict[str, Any]:
        return network_schema()

    async def check(_call: Call, params: CheckParams) -> Checked:
        try:
            setting = params.network.parse()
            if params.board is not None:
                check_model(setting, params.board)
        except InputError as error:
            facts = {name: str(value) for name, value in error.facts.items()}
            return Checked(problems=[Problem(**facts)], warnings=[])
        except NotSupported as error:
            report = error.report()
            problem = f"{report.title} {report.remedy}"
            return Checked(problems=[Problem(field="kind", problem=problem)], warnings=[])
        warnings = [] if params.networks is None else check_network(setting, params.networks)
        return Checked(problems=[], warnings=warnings)

    def check_model(setting: NetworkSetting, board: str) -> None:
        model_id = services.boards.find(board).model
        model = services.catalog.get(model_id) if model_id else None
        if model is not None:
            check_kind(setting, model.name, model.networks)

    return [
        Method(
            "networks.schema",
            "JSON Schema of the seven kinds of network setting.",
            Nothing,
            dict[str, Any],
            schema,
        ),
        Method(
            "networks.check",
            "What speaks against a network setting, before anything is sent.",
            CheckParams,
            Checked,
            check,
        ),
    ]
