"""The settings of the agent as a gateway of ThingsBoard; a part of :mod:`agent.settings.config`."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

_NOW: Final = {"x-applies": "now"}
_RESTART: Final = {"x-applies": "restart"}
_ADDRESS_CHARS: Final = 400
_PATH_CHARS: Final = 2000
_NAME_CHARS: Final = 255
"""ThingsBoard stores no longer name of a device."""


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[gateway]``: boards and jobs on a server's dashboards, and what the server may ask for."""

    enabled: Annotated[
        bool,
        Meta(
            title="Be a gateway of ThingsBoard",
            description="Register this agent as a gateway with the provision key of the ThingsBoard "
            "account, and report its boards and jobs there. Variables TB_GW_… switch that on as well, "
            "and then say where.",
            extra_json_schema=_RESTART,
        ),
    ] = False
    server: Annotated[
        str,
        Meta(
            max_length=_ADDRESS_CHARS,
            title="Server of the gateway",
            description="Where it connects, such as mqtts://tb.example:8883; empty: where the account "
            "says that boards connect.",
            extra_json_schema=_RESTART,
        ),
    ] = ""
    ca: Annotated[
        str,
        Meta(
            max_length=_PATH_CHARS,
            title="Authority of that server",
            description="The whole path of a file with certificates (PEM) of authorities that vouch "
            "for the server; empty: those of the account and of the system.",
            extra_json_schema=_RESTART,
        ),
    ] = ""
    device_name: Annotated[
        str,
        Meta(
            max_length=_NAME_CHARS,
            title="Name of the gateway",
            description="What this agent is called on the server; empty: a name is made once.",
            extra_json_schema=_RESTART,
        ),
    ] = ""
    allow_boards: Annotated[
        bool,
        Meta(
            title="The server may list boards",
            description="Answer the call “boards” of the server.",
            extra_json_schema=_NOW,
        ),
    ] = False
    allow_provision: Annotated[
        bool,
        Meta(
            title="The server may set boards up",
            description="Answer the call “provision” of the server: it starts a job that gives a board "
            "its cloud, and maybe its network, while nobody is asked anything.",
            extra_json_schema=_NOW,
        ),
    ] = False
    allow_configure: Annotated[
        bool,
        Meta(
            title="The server may change networks",
            description="Answer the call “configure” of the server: it starts a job that gives a board "
            "other network settings, while nobody is asked anything.",
            extra_json_schema=_NOW,
        ),
    ] = False
