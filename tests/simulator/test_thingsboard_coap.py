"""The simulated ThingsBoard over CoAP: what is answered, and what another client makes of it."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from agent.protocols.coap.messages import DELETE, GET, POST
from agent.simulator.coap_server import CoapAnswer, CoapRequest
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_coap import CoapCalls
from agent.simulator.thingsboard_credentials import token_credentials
from agent.simulator.thingsboard_devices import Profile, Strategy
from agent.simulator.thingsboard_faults import Fault
from agent.simulator.thingsboard_session import Surroundings
from tests.simulator.thingsboard_talk import Clock, make_certificate, make_state, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PROVISION = ("api", "v1", "provision")
LIMIT_S = 30.0
"""libcoap's client starts and asks in a tenth of a second; a busy machine may take seconds."""


@pytest.fixture
def calls() -> CoapCalls:
    state = make_state()
    state.add_device("probe", state.profile_named("create"), token_credentials("tok"))
    return CoapCalls(Surroundings(state, Clock()))


def ask(
    calls: CoapCalls, path: tuple[str, ...], value: Any = None, method: int = POST
) -> CoapAnswer | None:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return calls.answer(CoapRequest(method, path, payload))


def code(answer: CoapAnswer | None) -> str:
    assert answer is not None
    return f"{answer.code >> 5}.{answer.code & 31:02}"


def test_a_success_is_created_and_a_refusal_a_bad_request_with_its_reason(calls):
    first = ask(calls, PROVISION, request())
    assert first is not None
    assert code(first) == "2.01"
    assert first.content_format == 0  # the library behind the server says so of every text
    assert json.loads(first.payload)["status"] == "SUCCESS"
    for value, status in ((request(), "FAILURE"), (request(key="x"), "NOT_FOUND")):
        answer = ask(calls, PROVISION, value)
        assert answer is not None
        assert code(answer) == "4.00"
        assert json.loads(answer.payload)["status"] == status


@pytest.mark.parametrize("value", [b"no json", [1], {}, {"provisionDeviceKey": None}])
def test_what_it_fails_on_is_a_bad_request_without_a_word(calls, value):
    answer = ask(calls, PROVISION, value)
    assert answer == CoapAnswer(0x80)


def test_a_profile_with_an_authority_is_an_internal_error(calls):
    pem, _ = make_certificate("CA")
    profile = Profile("chain", Strategy.CHAIN, chain_ca=pem)
    calls._state.add_profile(profile)
    assert ask(calls, PROVISION, request(key=profile.key)) == CoapAnswer(0xA0)


def test_the_path_has_three_parts_and_no_more(calls):
    assert code(ask(calls, (*PROVISION, "x"), request())) == "4.01"
    assert code(ask(calls, ("api", "v2", "provision"), request())) == "4.04"
    assert code(ask(calls, ("api", "v1"), request())) == "4.00"
    assert code(ask(calls, PROVISION, request(), GET)) == "4.00"
    assert code(ask(calls, PROVISION, request(), DELETE)) == "4.05"


def test_a_device_with_its_token_in_the_path(calls):
    mine = ("api", "v1", "tok")
    assert code(ask(calls, (*mine, "attributes"), method=GET)) == "4.04"
    assert code(ask(calls, (*mine, "attributes"), {"a": 1})) == "2.01"
    assert code(ask(calls, (*mine, "telemetry"), {"t": 1})) == "2.01"
    assert code(ask(calls, (*mine, "claim"), {})) == "2.01"
    answer = ask(calls, (*mine, "ATTRIBUTES"), method=GET)
    assert answer == CoapAnswer(0x45, b'{"client":{"a":1}}')
    assert code(ask(calls, (*mine, "telemetry"), b"[7]")) == "4.00"
    assert code(ask(calls, (*mine, "other"), {})) == "4.00"
    assert code(ask(calls, (*mine, "telemetry"), {}, DELETE)) == "4.05"
    assert code(ask(calls, ("api", "v1", "nobody", "telemetry"), {})) == "4.01"


class TestFaults:
    @pytest.mark.parametrize("act", ["hang", "close"])
    def test_silence(self, calls, act):
        calls._around.faults.add(Fault(act))
        assert ask(calls, PROVISION, request()) is None
        assert list(calls._state.devices) == ["probe"]

    def test_done_and_lost(self, calls):
        calls._around.faults.add(Fault("lose", "provision", "coap"))
        assert ask(calls, PROVISION, request()) is None
        assert "bench-07" in calls._state.devices

    def test_refused_slow_and_another_text(self, calls):
        calls._around.faults.add(Fault("status", status=429))
        assert code(ask(calls, PROVISION, request())) == "4.29"
        calls._around.faults.add(Fault("slow", seconds=2))
        answer = ask(calls, PROVISION, request())
        assert answer is not None
        assert answer.delay_s == 2
        calls._around.faults.add(Fault("text", "device", text="<x>"))
        answer = ask(calls, ("api", "v1", "tok", "claim"), {})
        assert answer is not None
        assert answer.payload == b"<x>"


@pytest.mark.needs("libcoap")
class TestLibcoap:
    """A client that nobody here wrote."""

    @pytest.fixture
    async def server(self) -> AsyncIterator[SimulatedThingsBoard]:
        async with SimulatedThingsBoard(tls=False) as running:
            yield running

    async def post(
        self, server: SimulatedThingsBoard, folder: Path, path: str, value: Any
    ) -> tuple[str, str]:
        """What it prints for a value that is posted: errors and the answer, apart."""
        names = ("coap-client-openssl", "coap-client", "coap-client-gnutls")
        program = next(filter(None, map(shutil.which, names)))
        file = folder / "request.json"
        file.write_text(json.dumps(value))
        url = f"{server.addresses['coap']}{path}"
        process = await asyncio.create_subprocess_exec(
            *(program, "-v", "3", "-m", "post", "-t", "50", "-B", "10", "-f", str(file), url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(LIMIT_S):
            output, errors = await process.communicate()
        return errors.decode().strip(), output.decode().strip()

    def request(self, server: SimulatedThingsBoard, **more: Any) -> dict[str, Any]:
        secret = server.create.secret.reveal()
        pair = {"provisionDeviceKey": server.create.key, "provisionDeviceSecret": secret}
        return {"deviceName": "bench-07", **pair, **more}

    async def test_it_reads_created_and_bad_request(self, server, tmp_path):
        path = "/api/v1/provision"
        errors, said = await self.post(server, tmp_path, path, self.request(server))
        assert errors == ""
        assert json.loads(said)["status"] == "SUCCESS"
        errors, said = await self.post(server, tmp_path, path, self.request(server))
        assert errors.startswith("4.00")
        assert "FAILURE" in errors

    async def test_a_certificate_travels_in_blocks(self, server, tmp_path):
        pem, _ = make_certificate("bench-07")
        long = pem + pem  # two certificates: more than one block of 1024 bytes both ways
        value = self.request(server, credentialsType="X509_CERTIFICATE", hash=long)
        errors, said = await self.post(server, tmp_path, "/api/v1/provision", value)
        assert errors == ""
        assert json.loads(said)["credentialsValue"] == "".join(
            line for line in long.splitlines() if not line.startswith("-----")
        )

    async def test_a_device_says_its_telemetry(self, server, tmp_path):
        server.state.add_device("probe", server.create, token_credentials("tok"))
        assert await self.post(server, tmp_path, "/api/v1/tok/telemetry", {"t": 1}) == ("", "")
        assert server.state.devices["probe"].telemetry[0][1] == {"t": 1}
        errors, _ = await self.post(server, tmp_path, "/api/v1/nobody/telemetry", {"t": 1})
        assert errors.startswith("4.01")
