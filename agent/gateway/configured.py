"""The gateway as the settings want it: with the ThingsBoard account that a person entered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.clouds.thingsboard.account import parse_account
from agent.clouds.thingsboard.addresses import Server, parse_server
from agent.clouds.thingsboard.certificates import check_authorities
from agent.clouds.thingsboard.cloud import CA_ENTRY
from agent.errors import GatewayAccountMissing, GatewayUnset, InputError
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
    "ThingsBoard entered."
)
NO_KEY: Final = (
    "gateway.enabled is on and gateway.server is set, but this gateway was never registered, and "
    "there is no account of ThingsBoard to register it with."
)
LOCKED: Final = "The keyring that may have it is locked or does not answer."
ENTER: Final = "Enter it: “mooring cloud login thingsboard”."
UNLOCK: Final = "Unlock the keyring."
NOT_MQTT: Final = "boards of this account do not connect over MQTT; set gateway.server"


async def configured_setup(
    config: GatewayConfig, accounts: AccountStore, *, registered: bool
) -> GatewaySetup:
    """Where to and with what, by ``[gateway]`` and the account.

    Without an account a gateway that was ``registered`` before goes on. Raises
    :class:`GatewayUnset`, and :class:`GatewayAccountMissing`, which time may mend.
    """
    try:
        account = await _account(accounts)
        if account is None and not (config.server and registered):
            raise _missing(accounts, NO_KEY if config.server else NO_SERVER)
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
        raise InputError(field="gateway.server", problem="is missing")
    server = account.board_server
    if server.scheme not in {"mqtt", "mqtts"}:
        raise InputError(field="gateway.server", problem=f"is empty, and {NOT_MQTT}")
    return server


def _missing(accounts: AccountStore, why: str) -> GatewayAccountMissing:
    if accounts.keyring_failed:
        return GatewayAccountMissing(detail=LOCKED, mend=UNLOCK)
    return GatewayAccountMissing(detail=why, mend=ENTER)
