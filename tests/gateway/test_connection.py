from __future__ import annotations

import asyncio
import json
import logging
import stat
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agent.clouds.thingsboard.certificates import make_certificate
from agent.gateway.connection import Gateway
from agent.gateway.setup import read_setup
from agent.gateway.stored import GatewayStore, Kept
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Certificate
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import CredentialsType, certificate_credentials
from agent.simulator.thingsboard_faults import Fault
from tests.gateway.running import QuickClock, direct, running, variables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

REMOVE = "gateway_remove_provisioned_credentials"


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard(coap=False) as simulated:
        yield simulated


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "gateway.json"


def provisioned(server: SimulatedThingsBoard) -> list[str]:
    return [seen.outcome for seen in server.record.requests if seen.operation == "provision"]


async def test_it_registers_itself_once_and_connects_again_at_the_next_start(server, file):
    async with running(variables(server), file) as seen:
        await seen.connected()
        device = server.state.devices["gw-1"]
        assert device.gateway
        assert seen.limits[0]["maxPayloadSize"] == 65536
        assert seen.links[0].name == "gw-1"
        phases = [state.phase for state in seen.states]
        assert phases == ["provisioning", "connecting", "connected"]
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    async with running(variables(server), file) as seen:
        await seen.connected()
    assert provisioned(server) == ["SUCCESS"]
    assert seen.store.kept.current is not None
    assert seen.store.kept.fresh is None
    assert seen.store.kept.draft is None


async def test_without_a_name_it_takes_one_and_keeps_it(server, file):
    given = variables(server)
    del given["TB_GW_PROVISIONING_DEVICE_NAME"]
    server.faults.add(Fault("lose", "provision", "mqtt"))
    async with running(given, file, clock=QuickClock()) as seen:
        await seen.connected()
    (name,) = server.state.devices
    assert name.startswith("Gateway ")
    assert len(name) == 13


async def test_an_answer_that_is_lost_loses_nothing(server, file):
    server.faults.add(Fault("lose", "provision", "mqtt"))
    async with running(variables(server), file) as seen:
        await seen.connected()
    assert provisioned(server) == ["SUCCESS"]


async def test_a_crash_between_the_server_s_yes_and_the_file_loses_nothing(server, file):
    server.faults.add(Fault("lose", "provision", "mqtt"))
    # Who asks whether it knows these credentials is not answered either: as if power had failed.
    server.faults.add(Fault("hang", "connect", "mqtt"))
    given = variables(server, ACCESS_TOKEN="my-own-token")
    async with running(given, file) as seen:
        async with asyncio.timeout(30):
            while provisioned(server) != ["SUCCESS"]:
                await asyncio.sleep(0.005)
    server.faults.clear()
    async with running(given, file) as seen:
        await seen.connected()
    assert server.state.devices["gw-1"].credentials.id == "my-own-token"
    assert seen.store.kept.current is not None


@pytest.mark.parametrize("act", ["close", "lose", "twice", "text", "status"])
async def test_whatever_the_server_does_to_the_request_there_is_one_device(server, file, act):
    server.faults.add(Fault(act, "provision", "mqtt", times=2))
    async with running(variables(server), file, clock=QuickClock()) as seen:
        await seen.connected()
    assert list(server.state.devices) == ["gw-1"]
    assert seen.store.kept.draft is None


async def test_of_two_agents_that_register_under_one_name_one_is_told_what_to_do(server, tmp_path):
    clocks = QuickClock(), QuickClock()
    async with (
        running(variables(server), tmp_path / "one.json", clock=clocks[0]) as one,
        running(variables(server), tmp_path / "other.json", clock=clocks[1]) as other,
    ):
        await one.until(lambda: "connected" in (one.phase, other.phase))
        first, second = (one, other) if one.phase == "connected" else (other, one)
        await second.until(lambda: second.codes().count("gateway-refused") >= 2)
        assert first.phase == "connected"
        assert first.codes() == []


async def test_a_name_that_is_taken_does_not_end_it(server, file, caplog):
    taken = server.prepare("gw-1")
    clock = QuickClock()
    async with running(variables(server), file, clock=clock) as seen:
        await seen.until(lambda: seen.codes().count("gateway-refused") >= 3)
        assert seen.states[-1].name == "gw-1"
        server.state.delete(taken)
        await seen.connected()
    assert clock.slept[:3] == [30.0, 60.0, 120.0]
    assert caplog.text.count("is not registered") == 1
    assert server.state.devices["gw-1"].gateway


async def test_a_token_from_outside_that_is_another_device_s_is_not_used(server, file):
    other = server.prepare("other")
    given = variables(server, ACCESS_TOKEN=other.credentials.id)
    async with running(given, file, clock=QuickClock()) as seen:
        await seen.until(lambda: seen.codes().count("gateway-refused") >= 2)
        assert not any(state.phase == "connected" for state in seen.states)


async def test_a_basic_login_and_a_certificate_connect(server, tmp_path):
    async with running(variables(server, USERNAME="its-name"), tmp_path / "a.json") as seen:
        await seen.connected()
        basic = server.state.devices["gw-1"].credentials.basic
        assert basic is not None
        assert basic.username == "its-name"
        assert basic.client_id
        assert basic.password
    (tmp_path / "ca.pem").write_text(server.ca)
    given = variables(server, "mqtts", NAME="gw-2", CA_CERT_FILENAME=str(tmp_path / "ca.pem"))
    async with running(given, tmp_path / "b.json") as seen:
        await seen.connected()
        kept = server.state.devices["gw-2"].credentials
        assert kept.kind is CredentialsType.X509_CERTIFICATE


async def test_a_certificate_that_ends_soon_is_told_while_it_is_in_use(server, tmp_path):
    (tmp_path / "ca.pem").write_text(server.ca)
    given = variables(server, "mqtts", CA_CERT_FILENAME=str(tmp_path / "ca.pem"))
    clock = QuickClock()
    async with running(given, tmp_path / "g.json", clock=clock) as seen:
        await seen.connected()
        assert seen.codes() == []
        clock.ahead_s = 340 * 86_400.0
        await seen.until(lambda: seen.codes() == ["gateway-certificate"])
        assert seen.phase == "connected"
    assert set(clock.slept) == {86_400.0}


async def test_a_certificate_is_renewed_by_an_administrator_who_sets_the_new_one(server, tmp_path):
    (tmp_path / "ca.pem").write_text(server.ca)
    given = variables(server, "mqtts", CA_CERT_FILENAME=str(tmp_path / "ca.pem"))
    file = tmp_path / "g.json"
    async with running(given, file) as seen:
        await seen.connected()
    old = make_certificate("gw-1", datetime.now(UTC) - timedelta(days=340))
    await seen.store.change(current=Kept(name="gw-1", credentials=old))
    device = server.state.devices["gw-1"]
    server.state.replace_credentials(device, certificate_credentials(old.certificate))
    for _ in range(2):  # the same one is offered after a restart
        async with running(given, file) as seen:
            await seen.connected()
            assert seen.codes() == ["gateway-certificate"]
            renewed = seen.store.kept.renewed
            assert renewed is not None
            new = renewed.credentials
            assert isinstance(new, Certificate)
            assert device.attributes["CLIENT_SCOPE"]["newCertificate"] == new.certificate
            pem = new.certificate
    async with running(given, file, clock=QuickClock()) as seen:
        await seen.connected()
        server.state.replace_credentials(device, certificate_credentials(pem))
        await seen.connected(2)
        await seen.until(lambda: seen.states[-1].error is None)
        assert seen.phase == "connected"
        assert seen.store.kept.current == renewed
        assert seen.store.kept.renewed is None
    assert server.record.count("provision", "SUCCESS") == 1


async def test_a_server_of_an_authority_that_nobody_knows_is_told_nothing(server, tmp_path):
    (tmp_path / "ca.pem").write_text(make_certificate("other", datetime.now(UTC)).certificate)
    given = variables(server, "mqtts", CA_CERT_FILENAME=str(tmp_path / "ca.pem"))
    async with running(given, tmp_path / "g.json", clock=QuickClock()) as seen:
        await seen.until(lambda: "certificate-unknown" in seen.codes())
    assert provisioned(server) == []


async def test_a_reset_gets_other_credentials_and_keeps_the_old_ones_until_then(server, file):
    clock = QuickClock()
    async with running(variables(server), file, clock=clock) as seen:
        await seen.connected()
        old = server.state.devices["gw-1"]
        token = old.credentials.id
        assert (await server.call("gw-1", REMOVE, {"x": 1}))["code"] == 400
        assert (await server.call("gw-1", REMOVE))["code"] == 200
        assert (await server.call("gw-1", REMOVE))["code"] == 404
        await seen.until(lambda: "gateway-refused" in seen.codes())
        # The name is taken, and all goes on as before.
        assert seen.phase == "connected"
        assert server.state.sessions[old.id]
        assert seen.store.kept.current is not None
        server.state.delete(old)
        await seen.until(lambda: seen.phase == "connected" and not seen.store.kept.reset)
        new = server.state.devices["gw-1"]
        assert new is not old
        assert new.credentials.id != token
        assert seen.states[-1].error is None
    assert token not in file.read_text()


@pytest.mark.parametrize("params", [None, {}, "{}"])
async def test_a_reset_takes_all_that_means_nothing(server, tmp_path, params):
    async with running(variables(server), tmp_path / "g.json", clock=QuickClock()) as seen:
        await seen.connected()
        server.state.rename(server.state.devices["gw-1"], "gw-old")
        assert (await server.call("gw-old", REMOVE, params))["code"] == 200
        await seen.connected(2)
        assert set(server.state.devices) == {"gw-old", "gw-1"}
        assert seen.codes() == []


async def test_a_reset_that_was_not_done_at_the_end_is_done_at_the_next_start(server, file):
    async with running(variables(server), file, clock=QuickClock()) as seen:
        await seen.connected()
        assert (await server.call("gw-1", REMOVE))["code"] == 200
    server.state.delete(server.state.devices["gw-1"])
    async with running(variables(server), file, clock=QuickClock()) as seen:
        await seen.until(lambda: seen.phase == "connected" and not seen.store.kept.reset)
    assert "gw-1" in server.state.devices


async def test_after_a_reset_it_asks_again_as_soon_as_the_device_is_gone(server, file):
    async with running(variables(server), file) as seen:  # with the computer's own clock
        await seen.connected()
        assert (await server.call("gw-1", REMOVE))["code"] == 200
        await seen.until(lambda: "gateway-refused" in seen.codes())
        server.state.delete(server.state.devices["gw-1"])
        await seen.connected(2)
    assert "gw-1" in server.state.devices


async def test_what_was_given_before_a_crash_is_used_and_not_asked_for_again(server, file):
    async with running(variables(server), file) as seen:
        await seen.connected()
    new = server.prepare("gw-2")
    fresh = Kept(name="gw-2", credentials=AccessToken(token=Secret(new.credentials.id)))
    await seen.store.change(fresh=fresh, reset=True)
    async with running(variables(server), file) as seen:
        await seen.connected()
        assert seen.store.kept.current == fresh
        assert seen.links[0].name == "gw-2"
    assert provisioned(server) == ["SUCCESS"]


async def test_what_was_given_and_is_not_known_gives_way_to_what_was_before(server, file):
    async with running(variables(server), file) as seen:
        await seen.connected()
    fresh = Kept(name="gw-2", credentials=AccessToken(token=Secret("nobody's")))
    await seen.store.change(fresh=fresh, reset=True)
    async with running(variables(server), file, clock=QuickClock()) as seen:
        await seen.connected()
        assert seen.links[0].name == "gw-1"
        # And others are asked for again; the name is taken now.
        await seen.until(lambda: "gateway-refused" in seen.codes())
        assert seen.codes()[0] == "gateway-unknown"


async def test_a_server_that_is_away_at_first_is_asked_again_soon(server, file):
    server.down = True
    clock = QuickClock()
    async with running(variables(server), file, clock=clock) as seen:
        await seen.until(lambda: seen.codes().count("cloud-unreachable") >= 4)
        server.down = False
        await seen.connected()
    assert max(clock.slept) <= 75.0  # with what agents are apart


async def test_a_certificate_that_is_kept_is_shown_with_tls_whatever_the_port(server, tmp_path):
    (tmp_path / "ca.pem").write_text(server.ca)
    given = variables(server, "mqtts", CA_CERT_FILENAME=str(tmp_path / "ca.pem"))
    async with running(given, tmp_path / "g.json") as seen:
        await seen.connected()
    less = {"TB_GW_HOST": "127.0.0.1", "TB_GW_PORT": given["TB_GW_PORT"]}
    async with running(less, tmp_path / "g.json", clock=QuickClock()) as seen:
        # It is spoken to with TLS, and the authority is not named any more.
        await seen.until(lambda: "certificate-unknown" in seen.codes())


async def test_a_damaged_file_is_told_and_the_gateway_registers_anew(server, file):
    file.parent.mkdir()
    file.write_text("{")
    async with running(variables(server), file) as seen:
        await seen.connected()
        assert seen.states[-1].error is not None
        assert seen.states[-1].error.code == "gateway-damaged"


async def test_what_the_vendor_s_gateway_kept_counts_at_the_first_start_only(server, tmp_path):
    device = server.prepare("theirs")
    text = {"status": "SUCCESS", "credentialsType": "ACCESS_TOKEN"}
    text["credentialsValue"] = device.credentials.id
    (tmp_path / ".credentials").write_text(json.dumps(text))
    given = variables(server) | {"TB_GW_CONFIG_DIR": str(tmp_path)}
    async with running(given, tmp_path / "g.json") as seen:
        await seen.connected()
        assert server.state.sessions[device.id]
        assert (await server.call("theirs", REMOVE))["code"] == 200
        await seen.connected(2)
    async with running(given, tmp_path / "g.json") as seen:
        await seen.connected()
        assert server.state.sessions[server.state.devices["gw-1"].id]


async def test_a_defect_of_who_serves_is_not_hidden(server, file):
    setup = read_setup(variables(server))
    assert setup is not None

    async def serve(_link: object, _limits: object) -> None:
        raise KeyError

    gateway = Gateway(setup, GatewayStore(file), serve=serve, tell=lambda _: None, routes=direct())
    with pytest.raises(ExceptionGroup) as failed:
        await gateway.run()
    assert isinstance(failed.value.exceptions[0], KeyError)


async def test_without_the_right_to_get_others_a_reset_keeps_them(server, file):
    async with running(variables(server), file) as seen:
        await seen.connected()
    given = {name: text for name, text in variables(server).items() if "PROV" not in name}
    async with running(given, file) as seen:
        await seen.connected()
        assert (await server.call("gw-1", REMOVE))["code"] == 500
    assert seen.store.kept.current is not None


async def test_two_agents_with_one_gateway_name_do_not_storm_the_server(server, tmp_path):
    clocks = QuickClock(), QuickClock()
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    async with running(variables(server), one) as seen:
        await seen.connected()
    other.write_bytes(one.read_bytes())
    async with (
        running(variables(server), one, clock=clocks[0]) as first,
        running(variables(server), other, clock=clocks[1]) as second,
    ):
        both = (first, second)
        await first.until(lambda: first.codes().count("gateway-taken-over") >= 3)
        await second.until(lambda: second.codes().count("gateway-taken-over") >= 3)
    for clock, seen in zip(clocks, both, strict=True):
        assert set(seen.codes()) == {"gateway-taken-over"}
        assert clock.slept[:3] == [60.0, 120.0, 240.0]


async def test_a_server_that_is_away_is_tried_again_and_a_device_that_is_gone_is_told(server, file):
    clock = QuickClock()
    async with running(variables(server), file, clock=clock) as seen:
        await seen.connected()
        server.down = True
        await seen.until(lambda: seen.codes().count("cloud-unreachable") >= 3)
        server.down = False
        await seen.connected(2)
        assert clock.slept[:2] == [1.0, 2.0]
        # Told until it was mended, also while it tried.
        trying = [state for state in seen.states if state.phase == "connecting"]
        assert [state.error is not None for state in trying[:3]] == [False, True, True]
        assert seen.states[-1].error is None
        server.state.delete(server.state.devices["gw-1"])
        await seen.until(lambda: "gateway-unknown" in seen.codes())
    # It was deleted by somebody: it does not come back by itself.
    assert "gw-1" not in server.state.devices


async def test_messages_are_passed_on_and_answered(server, file):
    async with running(variables(server), file) as seen:
        await seen.connected()
        asked = asyncio.create_task(server.call("gw-1", "boards", {"a": 1}))
        await seen.until(lambda: seen.messages)
        ((topic, payload),) = seen.messages
        assert json.loads(payload) == {"method": "boards", "params": {"a": 1}}
        await seen.links[0].publish(topic.replace("request", "response"), b'{"boards":[]}')
        assert await asked == {"boards": []}


async def test_no_secret_is_logged(server, file, caplog):
    caplog.set_level(logging.DEBUG)
    given = variables(server, ACCESS_TOKEN="marker-token")
    async with running(given, file, clock=QuickClock()) as seen:
        await seen.connected()
        server.state.delete(server.state.devices["gw-1"])
        await seen.until(lambda: "gateway-unknown" in seen.codes())
    for secret in ("marker-token", server.create.key, server.create.secret.reveal()):
        assert secret not in caplog.text
        assert not any(secret in repr(state) for state in seen.states)


async def test_where_nothing_says_who_connects_that_is_told(server, file):
    async with running({"TB_GW_HOST": "127.0.0.1"}, file) as seen:
        await seen.until(lambda: seen.codes() == ["gateway-settings"])


async def test_a_damaged_file_is_told_where_nothing_else_says_who_connects(file):
    file.parent.mkdir()
    file.write_text("{")
    async with running({"TB_GW_HOST": "127.0.0.1"}, file) as seen:
        await seen.until(lambda: seen.codes() == ["gateway-damaged"])


async def test_a_file_that_cannot_be_written_is_told_until_it_can(server, file, tmp_path):
    async with running(variables(server), file) as seen:
        await seen.connected()
    new = server.prepare("gw-2")
    fresh = Kept(name="gw-2", credentials=AccessToken(token=Secret(new.credentials.id)))
    await seen.store.change(fresh=fresh)
    server.down = True
    async with running(variables(server), file, clock=QuickClock()) as seen:
        await seen.until(lambda: "cloud-unreachable" in seen.codes())
        file.parent.rename(tmp_path / "elsewhere")
        file.parent.write_text("a file where the folder was")
        server.down = False
        await seen.connected()
        assert seen.links[0].name == "gw-2"
        assert seen.codes()[-1] == "gateway-file"
        file.parent.unlink()
        (tmp_path / "elsewhere").rename(file.parent)
        server.down = True
        await seen.until(lambda: seen.codes()[-1] == "cloud-unreachable")
        server.down = False
        await seen.connected(2)
        assert seen.states[-1].error is None
        assert seen.store.kept.current == fresh
