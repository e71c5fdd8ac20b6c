"""What the client makes of answers that the simulated cloud never gives."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from agent.clouds.arduino import ArduinoCloud
from agent.errors import (
    CaptivePortal,
    ClaimRefused,
    CloudAnswer,
    CloudError,
    KeyMismatch,
    NotAuthorised,
    Unreachable,
)
from agent.simulator.loopback_server import LoopbackServer
from tests.clouds.signing import UNO_R4_WIFI, SigningBoard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from agent.catalog import Catalog
    from agent.clouds.accounts import AccountStore
    from tests.clouds.manual_clock import ManualClock

GRANT = {"access_token": "MARKER-bearer", "token_type": "Bearer", "expires_in": 300}
ACCOUNT = {"client_id": "key", "client_secret": "MARKER-secret"}
TOKEN = "/iot/v1/clients/token"
CLAIM = "/provisioning/v1/onboarding/claim"
LIST = "/provisioning/v1/onboarding"


class Scripted:
    """Answers each path with what it was told; the token is granted unless told otherwise."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.seen: list[str] = []
        self.bodies: dict[str, bytes] = {}
        self.say(TOKEN, 200, GRANT)

    def say(self, path: str, status: int, body: Any) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path] = (status, data)

    async def answer(self, request: Request) -> Response:
        self.bodies[request.url.path] = await request.body()
        self.seen.append(request.url.path)
        status, body = self.answers.get(request.url.path, (404, b"nothing here"))
        return Response(body, status)


@pytest.fixture
async def scripted() -> AsyncIterator[tuple[Scripted, LoopbackServer]]:
    script = Scripted()
    methods = ["GET", "POST", "DELETE"]
    routes = [Route("/{rest:path}", script.answer, methods=methods)]
    server = LoopbackServer(Starlette(routes=routes))
    await server.start()
    yield script, server
    await server.stop()


@pytest.fixture
async def script(scripted: tuple[Scripted, LoopbackServer]) -> Scripted:
    return scripted[0]


@pytest.fixture
async def client(
    scripted: tuple[Scripted, LoopbackServer],
    store: AccountStore,
    catalog: Catalog,
    clock: ManualClock,
) -> AsyncIterator[ArduinoCloud]:
    url = f"http://127.0.0.1:{scripted[1].port}"
    made = ArduinoCloud(base_url=url, accounts=store, catalog=catalog, clock=clock)
    yield made
    await made.close()


@asynccontextmanager
async def failing(kind: type[CloudError]) -> AsyncIterator[dict[str, str]]:
    """Collects the error; no sentence of it may hold a secret."""
    said: dict[str, str] = {}
    with pytest.raises(kind) as caught:
        yield said
    report = caught.value.report()
    said.update(meaning=report.meaning, title=report.title)
    assert "MARKER" not in repr(report)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": "access_denied", "error_description": "Unauthorized MARKER-secret"}),
        (401, b""),
        (403, {"error": "forbidden"}),
        (400, {"error": "invalid_client"}),
        (400, {"error": "unauthorized_client", "error_description": "no MARKER-secret"}),
        (400, {"error": "invalid_grant"}),
    ],
)
async def test_an_account_is_refused_in_several_ways(
    client: ArduinoCloud, script: Scripted, status: int, body: Any
) -> None:
    script.say(TOKEN, status, body)
    async with failing(NotAuthorised) as said:
        await client.login(dict(ACCOUNT))
    assert said["meaning"]
    assert not (await client.info()).signed_in


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_request", "error_description": "audience MARKER-secret"}),
        (404, b"<html>not here</html>"),
        (302, b""),
        (200, b""),
        (200, b"[]"),
        (200, {}),
        (200, {"access_token": "", "expires_in": 300}),
        (200, {"access_token": 5, "expires_in": 300}),
        (200, {"access_token": "x", "expires_in": "soon"}),
    ],
)
async def test_an_answer_that_is_no_token_is_told_apart_from_a_refusal(
    client: ArduinoCloud, script: Scripted, status: int, body: Any
) -> None:
    script.say(TOKEN, status, body)
    async with failing(CloudAnswer):
        await client.login(dict(ACCOUNT))
    assert not (await client.info()).signed_in


async def test_the_page_of_a_hotel_is_no_token_and_told_as_what_it_is(
    client: ArduinoCloud, script: Scripted
) -> None:
    script.say(TOKEN, 200, b"<html>Log in to the hotel's Wi-Fi</html>")
    async with failing(CaptivePortal):
        await client.login(dict(ACCOUNT))
    assert not (await client.info()).signed_in


async def test_a_token_is_asked_for_with_the_clouds_own_audience_in_the_body(
    client: ArduinoCloud, script: Scripted
) -> None:
    await client.login({**ACCOUNT, "organization": "space-1"})
    form = {name: values[0] for name, values in parse_qs(script.bodies[TOKEN].decode()).items()}
    assert form == {
        "grant_type": "client_credentials",
        **ACCOUNT,
        "audience": "https://api2.arduino.cc/iot",
        "organization_id": "space-1",
    }


async def test_a_token_that_lives_shortly_is_not_fetched_for_every_call(
    client: ArduinoCloud, script: Scripted, clock: ManualClock
) -> None:
    script.say(TOKEN, 200, {**GRANT, "expires_in": 20})
    script.say(LIST, 200, {"onboardings": []})
    await client.login(dict(ACCOUNT))
    await client.find("00")
    clock.now += 11
    await client.find("00")
    assert script.seen.count(TOKEN) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"\xff\xfe",
        b"null",
        b"{}trailing",
        b'{"onboardings": 5}',
        b'{"onboardings": [{"device_id": "without id"}]}',
        b'{"onboardings": [{"id": 5}]}',
        b"[" * 100_000,
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
async def test_a_list_that_is_not_as_documented_is_reported(
    client: ArduinoCloud, script: Scripted, body: bytes
) -> None:
    script.say(LIST, 200, body)
    await client.login(dict(ACCOUNT))
    async with failing(CloudAnswer):
        await client.find("00")


async def test_fields_that_are_new_missing_or_empty_do_no_harm(
    client: ArduinoCloud, script: Scripted
) -> None:
    uhwid = "ab" * 32
    entries = [
        {"id": "new", "unique_hardware_id": uhwid.upper(), "device_id": "", "later": {"x": 1}},
        {
            "id": "dated",
            "unique_hardware_id": uhwid,
            "created_at": "2026-11-22T10:00:00.123456789Z",
        },
        {
            "id": "odd",
            "unique_hardware_id": uhwid,
            "created_at": "yesterday",
            "device_name": "a\x07b",
        },
        {"id": "ended", "unique_hardware_id": uhwid, "ended_at": "2026-11-22T10:00:00Z"},
        {"id": "nobody", "unique_hardware_id": None},
    ]
    script.say(LIST, 200, {"onboardings": entries, "more": True})
    await client.login(dict(ACCOUNT))
    found = await client.find(uhwid)
    assert [(claim.id, claim.device_id) for claim in found] == [
        ("dated", None),
        ("new", None),
        ("odd", None),
    ]
    assert found[0].created_at == pytest.approx(1795341600.123456)
    assert found[2].name == "a·b"
    script.say(LIST, 200, {"onboardings": None})
    assert await client.find(uhwid) == []


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
async def test_an_iot_error_is_shown_by_its_detail(
    client: ArduinoCloud, script: Scripted, status: int
) -> None:
    body = {"id": "x", "code": "oops", "status": status, "detail": "no MARKER-bearer\n", "meta": {}}
    script.say("/iot/v1/supported/devices", status, body)
    await client.login(dict(ACCOUNT))
    async with failing(NotAuthorised if status == 403 else CloudAnswer) as said:
        await client.requirements(UNO_R4_WIFI)
    assert "no ***" in said["meaning"]


@pytest.mark.parametrize("status", [400, 403, 429, 503])
async def test_a_gateway_that_repeats_what_was_sent_does_not_get_the_token_shown(
    client: ArduinoCloud, script: Scripted, status: int
) -> None:
    await client.login(ACCOUNT)
    said = "refused: Bearer MARKER-bearer"
    script.say(LIST, status, said.encode() if status >= 429 else {"detail": said})
    async with failing(CloudError) as shown:
        await client.find("1a2b")
    assert "refused: Bearer ***" in shown["meaning"]


async def test_a_missing_minimum_means_any_version(client: ArduinoCloud, script: Scripted) -> None:
    boards = [
        {"label": "without an FQBN", "provisioning": "v2"},
        {"fqbn": UNO_R4_WIFI, "label": "older entry"},
        {"fqbn": UNO_R4_WIFI, "provisioning": "v2", "min_provisioning_wifi_version": ""},
    ]
    script.say("/iot/v1/supported/devices", 200, boards)
    await client.login(dict(ACCOUNT))
    needed = await client.requirements(UNO_R4_WIFI)
    assert (needed.min_sketch, needed.min_wifi_firmware) == (None, None)


@pytest.mark.parametrize("body", [b"", b"accepted", b"{}", b'{"id": 7}', b"\xff"])
async def test_a_claim_that_was_accepted_in_an_unreadable_way_counts_as_a_lost_answer(
    client: ArduinoCloud, script: Scripted, body: bytes
) -> None:
    script.say(CLAIM, 200, body)
    await client.login(dict(ACCOUNT))
    async with failing(Unreachable):
        await client.claim(SigningBoard().claim_request())
    assert script.seen.count(CLAIM) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"err": "other key", "err_code": 3}, KeyMismatch),
        (409, {"err": "other key", "err_code": "3"}, KeyMismatch),
        (401, {"err": "other key", "err_code": 3}, KeyMismatch),
        (400, {"err": "no", "err_code": 99}, ClaimRefused),
        (422, {"err": "no number"}, ClaimRefused),
        (400, {"err_code": 42}, ClaimRefused),
        (401, {"err": "unauthorized"}, NotAuthorised),
        (403, {"message": "forbidden"}, NotAuthorised),
        (404, b"nothing here", CloudAnswer),
        (400, {"detail": "bad"}, CloudAnswer),
        (302, b"", CloudAnswer),
    ],
)
async def test_every_shape_of_refusing_a_claim_has_its_error(
    client: ArduinoCloud, script: Scripted, status: int, body: Any, kind: type[CloudError]
) -> None:
    script.say(CLAIM, status, body)
    await client.login(dict(ACCOUNT))
    async with failing(kind) as said:
        await client.claim(SigningBoard().claim_request())
    assert "None" not in repr(said)


async def test_a_registration_that_is_refused_ends_the_claim_with_its_reason(
    client: ArduinoCloud, script: Scripted
) -> None:
    script.say(CLAIM, 400, {"err": "unknown", "err_code": 1})
    script.say("/provisioning/v1/boards/register", 400, {"err": "pid not known", "err_code": 50})
    await client.login(dict(ACCOUNT))
    async with failing(ClaimRefused) as said:
        await client.claim(SigningBoard().claim_request())
    assert "pid not known" in said["title"]
    assert script.seen.count(CLAIM) == 1


async def test_undoing_a_claim_that_the_cloud_words_as_gone_in_its_own_way_is_fine(
    client: ArduinoCloud, script: Scripted
) -> None:
    await client.login(dict(ACCOUNT))
    ended = {"id": "a", "ended_at": "2026-11-22T10:00:00Z"}
    script.say(LIST, 200, {"onboardings": [ended, {"id": "b"}]})
    script.say(f"{LIST}/a", 400, {"err": "already ended", "err_code": 8})
    script.say(f"{LIST}/b", 410, b"gone, I say")
    await client.unclaim("a")
    await client.unclaim("c")
    async with failing(CloudAnswer):
        await client.unclaim("b")


@pytest.mark.parametrize(
    ("sha256", "bin_text"),
    [("00" * 32, base64.b64encode(b"sketch").decode()), ("", "not base64!"), ("x", "")],
)
async def test_a_sketch_that_was_damaged_on_its_way_is_not_used(
    client: ArduinoCloud, script: Scripted, sha256: str, bin_text: str
) -> None:
    body = {
        "bin": bin_text,
        "filename": "p.bin",
        "fqbn": UNO_R4_WIFI,
        "name": "p",
        "sha256": sha256,
    }
    script.say("/iot/v2/binaries/provisioningv2", 200, body)
    await client.login(dict(ACCOUNT))
    async with failing(CloudAnswer):
        await client.fetch_sketch(UNO_R4_WIFI)
