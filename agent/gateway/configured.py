"""The gateway as the settings want it: with the ThingsBoard account that a person entered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.clouds.thingsboard.account import parse_account
from agent.clouds.thingsboard.addresses import Server, parse_server
from agent.clouds.thingsboard.certificates import check_authorities
from agent.clouds.thingsboard.cloud import CA_ENTRY
from agent.errors import GatewayUnset, InputError
from agent.gateway.environment import Proof, Provisioning
from agent.gateway.setup import GatewaySetup
from agent.gateway.vendor import read_text

if TYPE_CHECKING:
    from agent.clouds.accounts import AccountStore
    from agent.clouds.thingsboard.account import Account
    from agent.settings.config_gateway import GatewayConfig

ACCOUNT: Final = "thingsboard"
NO_SERVER: Final = (
    "gateway.enabled is on, but there is no server: neither gateway.server is set nor an account of "
    "ThingsBoard entered (“mooring cloud login thingsboard”)."
)
NOT_MQTT: Final = "boards of this account do not connect over MQTT; set gateway.server"


async def configured_setup(config: GatewayConfig, accounts: AccountStore) -> GatewaySetup:
    """Where to and with what, by ``[gateway]`` and the account.

    Without an account a gateway that was registered before goes on. Raises :class:`GatewayUnset`.
    """
    try:
        account = await _account(accounts)
        server = _server(config, account)
        ca = read_text("", str(Path(config.ca))) if config.ca else ""
        if ca:
            check_authorities("gateway.ca", ca)
    except InputError as error:
        raise GatewayUnset(detail=f"{error.facts['field']} {error.facts['problem']}.") from None
    provisioning = None
    if account is not None:
        provisioning = Provisioning(
            key=account.provision_key,
            secret=account.provision_secret,
            name=config.device_name,
            proof=Proof(kind="access_token"),
        )
        ca = ca or account.ca
    return GatewaySetup(server=server, provisioning=provisioning, ca=ca if server.encrypted else "")


async def _account(accounts: AccountStore) -> Account | None:
    fields = await accounts.get(ACCOUNT)
    if not fields:
        return None
    authorities = await accounts.get(CA_ENTRY) or {}
    return parse_account({**fields, **authorities})


def _server(config: GatewayConfig, account: Account | None) -> Server:
    clear = account.insecure_host if account is not None else ""
    if config.server:
        schemes = ("mqtts", "mqtt")
        return parse_server("gateway.server", config.server, schemes=schemes, insecure_host=clear)
    if account is None:
        raise GatewayUnset(detail=NO_SERVER)
    server = account.board_server
    if server.scheme not in {"mqtt", "mqtts"}:
        raise InputError(field="gateway.server", problem=f"is empty, and {NOT_MQTT}")
    return server
