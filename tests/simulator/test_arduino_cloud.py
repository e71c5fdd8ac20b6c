"""The simulated Arduino Cloud as its callers see it: plain HTTP, every call, every refusal."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from tests.clouds.signing import UNO_R4_WIFI, SigningBoard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CLAIM = "/provisioning/v1/onboarding/claim"
LIST = "/provisioning/v1/onboarding"
REGISTER = "/provisioning/v1/boards/register"
CSR = "/provisioning/v1/onboarding/provision/csr"
COMPLETE = "/provisioning/v1/onboarding/provision/complete"


class Moving:
    """Unix seconds that a test can move."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def moving() -> Moving:
    return Moving()


@pytest.fixture
async def cloud(moving: Moving) -> AsyncIterator[SimulatedArduinoCloud]:
    async with SimulatedArduinoCloud(organizations=["space-1"], now=moving) as running:
        yield running


@pytest.fixture
async def http(cloud: SimulatedArduinoCloud) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=cloud.base_url, verify=False, trust_env=False) as client:
        yield client


async def ask_token(
    http: httpx.AsyncClient, cloud: SimulatedArduinoCloud, **changes: str
) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": cloud.client_id,
        "client_secret": cloud.client_secret.reveal(),
        "audience": "https://api2.arduino.cc/iot",
        **changes,
    }
    return await http.post("/iot/v1/clients/token", data=form)


@pytest.fixture
async def agent(http: httpx.AsyncClient, cloud: SimulatedArduinoCloud) -> httpx.AsyncClient:
    """Signed in."""
    token = (await ask_token(http, cloud)).json()["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"
    return http


def claim_body(board: SigningBoard, **changes: Any) -> dict[str, Any]:
    return {
        "ble_mac": "A1:B2:C3:D4:E5:F6",
        "board_token": board.token(),
        "connection_type": "wifi",
        "device_name": "bench-7",
        **changes,
    }


def register_body(board: SigningBoard, **changes: Any) -> dict[str, Any]:
    return {
        "pid": "1002",
        "vid": "2341",
        "public_key": board.public_key,
        "serial": "F412FA65",
        "unique_hardware_id": board.uhwid,
        **changes,
    }


def as_board(board: SigningBoard) -> dict[str, str]:
    return {"Authorization": f"Bearer {board.token()}"}


# --- signing in ---


async def test_the_right_key_gets_a_bearer_token_for_five_minutes(
    http: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    answer = (await ask_token(http, cloud)).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 300)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_secret": ""}, 401),
        ({"client_id": "unknown"}, 401),
        ({"client_id": "unknown", "client_secret": ""}, 401),
        ({"organization_id": "space-2"}, 401),
        ({"grant_type": "password"}, 400),
        ({"audience": "https://elsewhere.example"}, 400),
    ],
)
async def test_a_wrong_sign_in_is_refused_as_oauth_does(
    http: httpx.AsyncClient, cloud: SimulatedArduinoCloud, changes: dict[str, str], status: int
) -> None:
    answer = await ask_token(http, cloud, **changes)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "error_description"}


async def test_a_token_ends(
    agent: httpx.AsyncClient, moving: Moving, cloud: SimulatedArduinoCloud
) -> None:
    assert (await agent.get(LIST)).status_code == 200
    moving.ahead = 299
    assert (await agent.get(LIST)).status_code == 200
    moving.ahead = 301
    assert (await agent.get(LIST)).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/iot/v1/supported/devices"),
        ("GET", "/iot/v2/binaries/provisioningv2"),
        ("POST", REGISTER),
        ("POST", CLAIM),
        ("GET", LIST),
        ("DELETE", f"{LIST}/x"),
        ("POST", CSR),
        ("POST", COMPLETE),
    ],
)
async def test_every_call_needs_a_token(http: httpx.AsyncClient, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}):
        answer = await http.request(
            method, path, headers=headers, json={"csr": ""} if method == "POST" else None
        )
        assert answer.status_code == 401
        family = "err" if path.startswith("/provisioning") else "detail"
        assert answer.json()[family]


async def test_the_shared_space_of_token_and_header_must_agree(
    http: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    grant = (await ask_token(http, cloud, organization_id="space-1")).json()
    headers = {"Authorization": f"Bearer {grant['access_token']}"}
    assert (await http.get(LIST, headers=headers)).status_code == 401
    headers["X-Organization"] = "space-1"
    assert (await http.get(LIST, headers=headers)).status_code == 200
    headers["X-Organization"] = "space-2"
    assert (await http.get(LIST, headers=headers)).status_code == 401


# --- what it supports ---


async def test_boards_with_provisioning_2_are_listed_with_minimum_versions(
    agent: httpx.AsyncClient,
) -> None:
    boards = {b["fqbn"]: b for b in (await agent.get("/iot/v1/supported/devices")).json()}
    uno = boards[UNO_R4_WIFI]
    assert (uno["provisioning"], uno["type"], uno["vendor"]) == ("v2", "unor4wifi", "arduino")
    assert uno["min_provisioning_sketch_version"]
    assert uno["min_provisioning_wifi_version"] == "0.6.0"
    assert "provisioning" not in boards["arduino:samd:mkr1000"]
    assert "esp32:esp32:esp32" not in boards


async def test_a_sketch_is_there_when_it_was_given(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    path = f"/iot/v2/binaries/provisioningv2?fqbn={UNO_R4_WIFI}"
    assert (await agent.get(path)).status_code == 404
    cloud.give_binary(UNO_R4_WIFI, "p.bin", b"sketch")
    answer = (await agent.get(path)).json()
    assert (answer["bin"], answer["filename"], len(answer["sha256"])) == ("c2tldGNo", "p.bin", 64)


# --- registration ---


async def test_a_board_is_registered_once_and_again_with_the_same_key(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    board = SigningBoard()
    for _ in range(2):
        assert (await agent.post(REGISTER, json=register_body(board))).status_code == 200
    answer = await agent.post(REGISTER, json=register_body(SigningBoard()))
    assert (answer.status_code, answer.json()["err_code"]) == (400, 3)
    assert cloud.state.boards[board.uhwid].public_key == board.public_key


@pytest.mark.parametrize(
    "changes",
    [
        {"pid": "0x1002"},
        {"pid": "005e"},
        {"pid": ""},
        {"vid": "2a03"},
        {"unique_hardware_id": "AB" * 32},
        {"unique_hardware_id": "ab"},
        {"public_key": "no key"},
        {"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
        {"public_key": 5},
    ],
)
async def test_a_registration_that_is_wrong_is_refused(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud, changes: dict[str, Any]
) -> None:
    answer = await agent.post(REGISTER, json=register_body(SigningBoard(), **changes))
    assert (answer.status_code, answer.json()["err_code"]) == (400, 8)
    assert cloud.state.boards == {}


# --- claims ---


async def test_a_registered_board_is_claimed_with_a_token_of_its_key(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    board = SigningBoard()
    cloud.know_board(board.uhwid, board.public_key)
    onboarding_id = (await agent.post(CLAIM, json=claim_body(board))).json()["id"]
    entries = (await agent.get(LIST, params={"all": "true"})).json()["onboardings"]
    assert len(entries) == 1
    assert entries[0]["id"] == onboarding_id
    assert entries[0]["unique_hardware_id"] == board.uhwid
    assert entries[0]["device_id"] is entries[0]["ended_at"] is entries[0]["provisioned_at"] is None
    assert entries[0]["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("known", "code"),
    [("unknown", 1), ("without key", 2), ("legacy", 15), ("another key", 3)],
)
async def test_a_board_that_cannot_be_verified_is_refused_with_the_documented_code(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud, known: str, code: int
) -> None:
    board = SigningBoard()
    if known == "without key":
        cloud.know_board(board.uhwid)
    elif known == "legacy":
        cloud.know_board(board.uhwid, legacy=True)
    elif known == "another key":
        cloud.know_board(board.uhwid, SigningBoard().public_key)
    answer = await agent.post(CLAIM, json=claim_body(board))
    assert (answer.status_code, answer.json()["err_code"]) == (400, code)
    assert cloud.record.claims == {}


def bent_tokens(board: SigningBoard) -> dict[str, tuple[str, int]]:
    good = board.token()
    head, body, signature = good.split(".")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    return {
        "empty": ("", 4),
        "not a token": ("abc", 4),
        "two parts": (f"{head}.{body}", 4),
        "four parts": (f"{good}.x", 4),
        "not base64": (f"{head}.{body}.***", 4),
        "too long": (good + "A" * 100, 4),
        "another algorithm": (board.token(alg="HS256"), 4),
        "no signature": (f"{head}.{body}.", 4),
        "short signature": (f"{head}.{body}.{signature[:-8]}", 4),
        "issuer without sense": (board.token(iss="somebody"), 4),
        "issuer in capitals": (board.token(iss=board.uhwid.upper()), 4),
        "another board": (board.token(iss="ab" * 32), 1),
        "changed signature": (f"{head}.{body}.{flipped}", 3),
        "too old": (board.token(iat=time.time() - 400), 5),
        "from the future": (board.token(iat=time.time() + 400), 5),
    }


@pytest.mark.parametrize("kind", list(bent_tokens(SigningBoard())))
async def test_a_token_that_is_not_the_boards_of_just_now_is_refused(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud, kind: str
) -> None:
    board = SigningBoard()
    cloud.know_board(board.uhwid, board.public_key)
    token, code = bent_tokens(board)[kind]
    answer = await agent.post(CLAIM, json=claim_body(board, board_token=token))
    assert (answer.status_code, answer.json()["err_code"]) == (400, code)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"device_name": ""}, 6),
        ({"device_name": "x" * 65}, 6),
        ({"device_name": "!!"}, 6),
        ({"connection_type": "ethernet"}, 7),
        ({"connection_type": ""}, 7),
    ],
)
async def test_a_claim_with_a_wrong_field_is_refused(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud, changes: dict[str, str], code: int
) -> None:
    board = SigningBoard()
    cloud.know_board(board.uhwid, board.public_key)
    answer = await agent.post(CLAIM, json=claim_body(board, **changes))
    assert answer.json()["err_code"] == code


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b"\xff", b'"x"', b"{" + b" " * 70_000])
async def test_a_body_that_is_no_object_is_refused(agent: httpx.AsyncClient, body: bytes) -> None:
    answer = await agent.post(CLAIM, content=body)
    assert answer.status_code == 400
    assert answer.json()["err"]


async def test_a_second_claim_ends_the_first_and_an_undone_one_is_gone(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    board = SigningBoard()
    cloud.know_board(board.uhwid, board.public_key)
    ids = [(await agent.post(CLAIM, json=claim_body(board))).json()["id"] for _ in range(2)]
    entries = (await agent.get(LIST, params={"all": "true"})).json()["onboardings"]
    assert [(entry["id"], entry["ended_at"] is None) for entry in entries] == [
        (ids[0], False),
        (ids[1], True),
    ]
    assert (await agent.delete(f"{LIST}/{ids[1]}")).status_code == 200
    for gone in (*ids, "never"):
        answer = await agent.delete(f"{LIST}/{gone}")
        assert (answer.status_code, answer.json()["err_code"]) == (404, 9)
    assert (await agent.get(LIST)).json() == {"onboardings": []}
    assert (cloud.record.claims[board.uhwid], cloud.record.unclaims[board.uhwid]) == (2, 1)


# --- the board's side ---


async def test_a_claimed_board_gets_a_certificate_that_verifies_and_becomes_a_device(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    board = SigningBoard()
    cloud.know_board(board.uhwid, board.public_key)
    onboarding_id = (await agent.post(CLAIM, json=claim_body(board))).json()["id"]
    answer = await agent.post(CSR, json={"csr": board.csr()}, headers=as_board(board))
    assert answer.status_code == 200
    device_id, key_id, not_before, serial, x, y = answer.text.split("|")
    assert [len(part) for part in (device_id, key_id, serial, x, y)] == [36, 40, 32, 64, 64]
    assert len(not_before) >= 10
    entry = cloud.state.onboardings[onboarding_id]
    assert entry.device_id is None
    assert entry.certificate is not None

    certificate = x509.load_pem_x509_certificate(entry.certificate.pem.encode())
    signature = encode_dss_signature(int(x, 16), int(y, 16))
    cloud.state.authority.public_key.verify(
        signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256())
    )
    assert certificate.public_key() == board.certified.public_key()
    assert certificate.serial_number == int(serial, 16)
    assert certificate.subject.rfc4514_string() == f"CN={device_id}"
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    assert begin.strftime("%Y-%m-%dT%H:%M:%SZ") == not_before
    assert (end.year - begin.year, begin.minute) == (31, 0)
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert (authority.value.key_identifier or b"").hex() == key_id

    done = await agent.post(COMPLETE, json={"wifi_fw_version": "0.6.0"}, headers=as_board(board))
    assert done.status_code == 200
    listed = (await agent.get(LIST, params={"all": "true"})).json()["onboardings"][0]
    assert listed["device_id"] == device_id
    assert listed["provisioned_at"]


async def test_a_board_that_asks_again_keeps_its_device_id(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    board = SigningBoard()
    cloud.know_board(board.uhwid, board.public_key)
    await agent.post(CLAIM, json=claim_body(board))
    answers = [
        await agent.post(CSR, json={"csr": board.csr()}, headers=as_board(board)) for _ in range(2)
    ]
    first, second = (answer.text.split("|") for answer in answers)
    assert first[0] == second[0]
    assert first[3] != second[3]


async def test_a_board_that_is_not_claimed_or_not_known_gets_nothing(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    board = SigningBoard()
    for path in (CSR, COMPLETE):
        answer = await agent.post(path, json={"csr": board.csr()}, headers=as_board(board))
        assert (answer.status_code, answer.json()["err_code"]) == (401, 1)
    cloud.know_board(board.uhwid, board.public_key)
    for path in (CSR, COMPLETE):
        answer = await agent.post(path, json={"csr": board.csr()}, headers=as_board(board))
        assert (answer.status_code, answer.json()["err_code"]) == (404, 9)
    await agent.post(CLAIM, json=claim_body(board))
    answer = await agent.post(COMPLETE, json={}, headers=as_board(board))
    assert answer.status_code == 400


async def test_a_request_for_a_certificate_that_is_wrong_is_refused(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    board = SigningBoard()
    cloud.know_board(board.uhwid, board.public_key)
    await agent.post(CLAIM, json=claim_body(board))
    good = board.csr()
    lines = good.splitlines()
    middle = len(lines) // 2
    lines[middle] = lines[middle][::-1]
    for csr in ("", "nonsense", board.csr("another"), board.csr("ab" * 32), "\n".join(lines)):
        answer = await agent.post(CSR, json={"csr": csr}, headers=as_board(board))
        assert (answer.status_code, answer.json()["err_code"]) == (400, 10)


# --- faults ---


async def test_a_request_limit_looks_like_the_gateways(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    cloud.faults.answer(None, 429, retry_after="3", times=2)
    for path in (LIST, "/iot/v1/supported/devices"):
        answer = await agent.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
        assert answer.text == "request limit reached"
    assert (await agent.get(LIST)).status_code == 200


async def test_a_fault_meets_only_its_call_and_only_so_often(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    cloud.faults.answer("list", 503)
    cloud.faults.answer("list", 500, times=None)
    assert (await agent.get("/iot/v1/supported/devices")).status_code == 200
    assert [(await agent.get(LIST)).status_code for _ in range(3)] == [503, 500, 500]
    cloud.faults.clear()
    assert (await agent.get(LIST)).status_code == 200


@pytest.mark.parametrize(("when", "claims"), [("before", 0), ("after", 1)])
async def test_a_cut_connection_gives_not_one_byte(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud, when: str, claims: int
) -> None:
    board = SigningBoard()
    cloud.know_board(board.uhwid, board.public_key)
    cloud.faults.drop("claim", "before" if when == "before" else "after")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await agent.post(CLAIM, json=claim_body(board))
    assert cloud.record.claims[board.uhwid] == claims
    assert cloud.record.requests[-1].status is None
    assert (await agent.get(LIST)).status_code == 200


async def test_while_it_is_down_every_connection_is_cut_open_ones_too(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    cloud.faults.slow("list", 600)
    slow = asyncio.create_task(agent.get(LIST))
    while cloud.faults.waiting:
        await asyncio.sleep(0)
    cloud.down = True
    with pytest.raises(httpx.TransportError):
        await slow
    with pytest.raises(httpx.TransportError):
        await agent.get(LIST)
    cloud.down = False
    assert (await agent.get(LIST)).status_code == 200


async def test_it_stops_at_once_with_a_request_under_way(moving: Moving) -> None:
    async with SimulatedArduinoCloud(now=moving) as cloud:
        cloud.faults.slow("list", 600)
        client = httpx.AsyncClient(base_url=cloud.base_url, verify=False, trust_env=False)
        under_way = asyncio.create_task(client.get(LIST))
        while cloud.faults.waiting:
            await asyncio.sleep(0)
    with pytest.raises(httpx.TransportError):
        await under_way
    await client.aclose()


async def test_thirty_two_boards_at_once_end_as_thirty_two_devices(
    agent: httpx.AsyncClient, cloud: SimulatedArduinoCloud
) -> None:
    boards = [SigningBoard(f"board {n}") for n in range(32)]

    async def whole_way(board: SigningBoard) -> str:
        assert (await agent.post(CLAIM, json=claim_body(board))).json()["err_code"] == 1
        assert (await agent.post(REGISTER, json=register_body(board))).status_code == 200
        assert (await agent.post(CLAIM, json=claim_body(board))).status_code == 200
        csr = await agent.post(CSR, json={"csr": board.csr()}, headers=as_board(board))
        assert (await agent.post(COMPLETE, json={}, headers=as_board(board))).status_code == 200
        return csr.text[:36]

    devices = await asyncio.gather(*(whole_way(board) for board in boards))
    entries = (await agent.get(LIST, params={"all": "true"})).json()["onboardings"]
    assert {entry["unique_hardware_id"]: entry["device_id"] for entry in entries} == dict(
        zip((board.uhwid for board in boards), devices, strict=True)
    )
