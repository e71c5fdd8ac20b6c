"""The gateway by the settings and the account of ThingsBoard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.accounts import AccountStore
from agent.errors import GatewayAccountMissing, GatewayUnset
from agent.gateway.configured import configured_setup
from agent.settings import Secret
from agent.settings.config_gateway import GatewayConfig
from agent.simulator.thingsboard_tls import Certificates

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = {
    "server": "https://tb.example",
    "provision_key": "the-key",
    "provision_secret": "the-secret",
}


async def accounts(folder: Path, **fields: str) -> AccountStore:
    store = AccountStore(folder / "accounts.json", use_keyring=False)
    if fields:
        await store.set("thingsboard", {name: Secret(text) for name, text in fields.items()})
    return store


async def setup(
    folder: Path, account: dict[str, str] | None, *, registered: bool = False, **config: Any
) -> Any:
    store = await accounts(folder, **(account or {}))
    wanted = GatewayConfig(enabled=True, **config)
    return await configured_setup(wanted, store, registered=registered)


async def test_the_account_has_key_secret_and_server(tmp_path):
    made = await setup(tmp_path, ACCOUNT, device_name="bench")
    assert made.server.url == "mqtts://tb.example"
    assert made.provisioning.key.reveal() == "the-key"
    assert made.provisioning.secret.reveal() == "the-secret"
    assert made.provisioning.name == "bench"
    assert made.provisioning.proof.kind == "access_token"
    assert (made.fixed, made.vendor, made.ca) == (None, None, "")
    assert "the-secret" not in repr(made)


async def test_the_settings_name_another_server(tmp_path):
    made = await setup(tmp_path, ACCOUNT, server="mqtts://other.example:9883")
    assert made.server.url == "mqtts://other.example:9883"


async def test_without_an_account_a_gateway_of_before_goes_on(tmp_path):
    made = await setup(tmp_path, None, registered=True, server="mqtts://tb.example")
    assert made.provisioning is None


@pytest.mark.parametrize("server", ["", "mqtts://tb.example"])
async def test_without_an_account_that_can_still_come(tmp_path, server):
    with pytest.raises(GatewayAccountMissing, match="account") as raised:
        await setup(tmp_path, None, server=server)
    assert "mooring cloud login thingsboard" in raised.value.report().remedy


async def test_the_authority_is_that_of_the_file_or_of_the_account(tmp_path):
    certificates = Certificates(lambda: 1_760_000_000.0)
    try:
        pem = certificates.ca_pem
    finally:
        certificates.close()
    file = tmp_path / "ca.pem"
    file.write_text(pem)
    made = await setup(tmp_path, ACCOUNT, ca=str(file))
    assert made.ca.strip() == pem.strip()
    store = await accounts(tmp_path, **ACCOUNT)
    await store.set("thingsboard-ca", {"ca": Secret(pem)})
    made = await configured_setup(GatewayConfig(enabled=True), store, registered=False)
    assert made.ca.strip() == pem.strip()


@pytest.mark.parametrize(
    ("account", "config", "said"),
    [
        (ACCOUNT, {"server": "mqtt://tb.example"}, "gateway.server sends secrets in clear"),
        (ACCOUNT | {"board_server": "coaps://tb.example"}, {}, "gateway.server is empty"),
        (ACCOUNT | {"provision_key": ""}, {}, "provision_key is missing"),
        (ACCOUNT, {"ca": "/nowhere/ca.pem"}, "cannot be read"),
    ],
)
async def test_what_cannot_be_is_said(tmp_path, account, config, said):
    with pytest.raises(GatewayUnset) as raised:
        await setup(tmp_path, account, **config)
    assert said in raised.value.report().meaning


async def test_to_the_one_host_of_the_account_it_may_be_in_clear(tmp_path):
    account = ACCOUNT | {"insecure_host": "tb.lan", "server": "http://tb.lan"}
    made = await setup(tmp_path, account)
    assert made.server.url == "mqtt://tb.lan"
