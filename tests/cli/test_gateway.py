"""``mooring gateway``: in real processes, with an agent that is one and without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.simulator.thingsboard import SimulatedThingsBoard
from tests.cli.conftest import running_agent
from tests.gateway.running import variables

if TYPE_CHECKING:
    from tests.cli.conftest import Mooring

PASSWORD = "marker-password-1c7e"


async def test_networks_get_names_and_lose_them(alone: Mooring):
    words = ("gateway", "add-network", "workshop", "--ssid", "HomeNet", "--password-stdin")
    added = await alone.run(*words, stdin=f"{PASSWORD}\n")
    assert (added.status, added.out) == (0, "workshop is kept.\n")
    listed = await alone.run("gateway", "networks", "--json")
    assert listed.document == {"networks": [{"name": "workshop", "kind": "wifi"}]}
    assert PASSWORD not in added.out + added.err + listed.err
    removed = await alone.run("gateway", "remove-network", "workshop")
    assert (removed.status, removed.out) == (0, "workshop is forgotten.\n")
    again = await alone.run("gateway", "remove-network", "workshop", "--json")
    assert (again.status, again.document["error"]["facts"]["field"]) == (2, "NAME")


async def test_the_state_is_that_of_the_agent_which_hides_its_variables(alone: Mooring):
    async with SimulatedThingsBoard(coap=False, tls=False) as server:
        given = variables(server)
        alone.environ |= given
        async with running_agent(alone) as agent:
            said = await alone.run("gateway", "--json")
            while said.status:
                assert said.document["gateway"] is None or not said.document["gateway"]["error"]
                said = await alone.run("gateway", "--json")
            assert said.document["gateway"]["name"] == "gw-1"
            shown = await alone.run("gateway", "status")
            address = f"mqtt://127.0.0.1:{server.ports['mqtt']}"
            assert shown.out == f"gw-1 at {address}: it is connected.\n"
            assert server.state.devices["gw-1"].gateway
        assert agent is not None
    none = await alone.run("gateway")
    assert (none.status, none.out) == (1, "No agent runs.\n")
    secret = given["TB_GW_PROVISIONING_DEVICE_SECRET"]
    files = [path for path in alone.home.rglob("*") if path.is_file()]
    assert not [path for path in files if secret.encode() in path.read_bytes()]


async def test_an_agent_that_is_no_gateway_says_so(alone: Mooring):
    async with running_agent(alone):
        said = await alone.run("gateway", "--json")
        assert (said.status, said.document) == (1, {"running": True, "gateway": None})
        shown = await alone.run("gateway")
        assert "no gateway" in shown.out


async def test_a_gateway_without_an_account_is_told_what_to_do(alone: Mooring):
    with alone.home.joinpath("config.toml").open("a", encoding="utf-8") as file:
        file.write("[gateway]\nenabled = true\n")
    async with running_agent(alone):
        shown = await alone.run("gateway")
        while not shown.err:
            shown = await alone.run("gateway")
        assert shown.status == 1
        assert "mooring cloud login thingsboard" in shown.err
    assert json.dumps(shown.out)
