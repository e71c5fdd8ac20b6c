"""Calls of the server: allowed one by one, checked, answered in time, without secrets."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.catalog import Catalog
from agent.clouds.accounts import AccountStore
from agent.errors import InputError, MooringError, NotSignedIn, PortBusy, RateExceeded
from agent.gateway.boards import Presence
from agent.gateway.names import DeviceNames
from agent.gateway.networks import StoredNetworks
from agent.gateway.rpc import Calls, explain
from agent.protocols.thingsboard.gateway import Call
from agent.settings import Secret
from agent.settings.config_gateway import GatewayConfig
from tests.gateway.here import HereBoards, HereJobs, board

if TYPE_CHECKING:
    from pathlib import Path

NAME = "uno_r4_wifi-F412FA65"
PASSWORD = "marker-password-1c7e"
ALL = GatewayConfig(allow_boards=True, allow_provision=True, allow_configure=True)
ROOM = 60_000


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load()


class Desk:
    """Calls, and what becomes of them."""

    def __init__(
        self,
        folder: Path,
        catalog: Catalog,
        config: GatewayConfig = ALL,
        boards: HereBoards | None = None,
        answer_s: float = 4.0,
    ) -> None:
        self.jobs = HereJobs()
        self.late: list[dict[str, Any]] = []
        self.config = config
        names = DeviceNames()
        self.presence = Presence(boards or HereBoards(board()), catalog, names, lambda: None)
        self.presence.begin()
        accounts = AccountStore(folder / "accounts.json", use_keyring=False)
        self.networks = StoredNetworks(accounts, folder / "networks.json")
        self.answer_s = answer_s
        self.calls = self.make_calls(self.networks)

    def make_calls(self, networks: StoredNetworks) -> Calls:
        return Calls(
            self.jobs,
            self.presence,
            networks,
            config=lambda: self.config,
            late=self.late.append,
            answer_s=self.answer_s,
        )

    async def ask(
        self, method: str, params: Any = None, device: str = "", room: int = ROOM
    ) -> dict[str, Any]:
        return await self.calls.answer(Call(device, 3, method, params), room)


@pytest.fixture
async def desk(tmp_path: Path, catalog: Catalog) -> Desk:
    made = Desk(tmp_path, catalog)
    wifi = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}
    await made.networks.put("workshop", wifi)
    return made


@pytest.mark.parametrize("method", ["boards", "provision", "configure"])
async def test_nothing_is_allowed_at_first_and_each_by_itself(desk, method):
    desk.config = GatewayConfig()
    said = await desk.ask(method, {"board": NAME, "network": "workshop"})
    assert said["code"] == 403
    assert f"gateway.allow_{method}" in said["error"]
    desk.config = msgspec.convert({f"allow_{method}": True}, GatewayConfig)
    params = None if method == "boards" else {"board": NAME, "network": "workshop"}
    assert "error" not in await desk.ask(method, params)
    for other in {"boards", "provision", "configure"} - {method}:
        assert (await desk.ask(other))["code"] == 403


@pytest.mark.parametrize("method", ["flash", "gateway_restart", "Boards", "", "__init__", "close"])
async def test_what_is_no_method_is_said_so(desk, method):
    said = await desk.ask(method)
    assert said == {"error": f"Method not found: {method}", "code": 404}


async def test_boards_are_listed_without_what_is_personal(desk):
    said = await desk.ask("boards")
    assert said == {
        "boards": [
            {
                "device": NAME,
                "board": NAME,
                "model": "uno_r4_wifi",
                "state": "ready",
                "link": "usb",
                "provisioning": None,
            }
        ],
        "total": 1,
        "next": None,
    }
    assert (await desk.ask("boards", device=NAME))["code"] == 404


async def test_a_list_that_is_too_long_comes_in_parts(tmp_path, catalog):
    boards = HereBoards(*(board(f"b-{number:03}") for number in range(150)))
    desk = Desk(tmp_path, catalog, boards=boards)
    found: list[str] = []
    offset: int | None = 0
    while offset is not None:
        said = await desk.ask("boards", {"offset": offset}, room=2000)
        assert len(json.dumps(said)) < 2600
        found += [each["board"] for each in said["boards"]]
        offset = said["next"]
    assert found == sorted(f"b-{number:03}" for number in range(150))
    assert (await desk.ask("boards"))["next"] == 100


async def test_a_board_is_set_up_with_a_network_by_its_name(desk):
    params = {"board": NAME, "cloud": "thingsboard", "name": "x", "network": "workshop"}
    assert await desk.ask("provision", params) == {"job": "1"}
    (request,) = desk.jobs.started
    password = request["network"].pop("password")
    assert isinstance(password, Secret)
    assert password.reveal() == PASSWORD
    assert request == {
        "kind": "provision",
        "board": NAME,
        "cloud": "thingsboard",
        "name": "x",
        "network": {"kind": "wifi", "ssid": "HomeNet", "ssid_hex": ""},
    }
    assert desk.jobs.attended == {False}


async def test_a_sub_device_is_asked_without_naming_the_board(desk):
    assert await desk.ask("configure", {"network": "workshop"}, NAME) == {"job": "1"}
    assert desk.jobs.started[0]["board"] == NAME
    said = await desk.ask("configure", {"network": "workshop", "board": NAME}, NAME)
    assert (said["code"], said["field"]) == (400, "board")


async def test_params_may_be_text_as_dashboards_send_it(desk):
    assert await desk.ask("configure", json.dumps({"network": "workshop", "board": NAME}))
    assert len(desk.jobs.started) == 1
    nothings: list[object] = [None, {}, "", " ", "{}", "null", []]
    for nothing in nothings:
        assert "boards" in await desk.ask("boards", nothing)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"board": NAME}, "network"),
        ({"board": NAME, "network": ""}, "network"),
        ({"board": NAME, "network": "other"}, "network"),
        ({"board": NAME, "network": 5}, "network"),
        (
            {"board": NAME, "network": {"kind": "wifi", "ssid": "x", "password": PASSWORD}},
            "network",
        ),
        ({"board": NAME, "network": ["x"]}, "network"),
        ({"network": "workshop"}, "board"),
        ({"board": NAME, "network": "workshop", "password": PASSWORD}, "password"),
        ({"board": NAME, "network": "workshop", "confirmed": "yes"}, "confirmed"),
        ("{", "params"),
        ("[1]", "params"),
        ([1], "params"),
        (5, "params"),
        ("x" * 20_000, "params"),
    ],
)
async def test_wrong_params_are_told_by_their_field_and_never_by_their_value(desk, params, field):
    said = await desk.ask("configure", params)
    assert (said["code"], said["field"], said["reason"]) == (400, field, InputError.code)
    assert PASSWORD not in json.dumps(said)
    assert desk.jobs.started == []


@pytest.mark.parametrize("wanted", ["other", "uno", "/dev/ttyACM0", "", "../x"])
async def test_only_a_board_by_its_whole_name_is_meant(desk, wanted):
    said = await desk.ask("configure", {"board": wanted, "network": "workshop"})
    assert (said["code"], said["reason"]) == (404, "board-unknown")


@pytest.mark.parametrize(
    ("params", "field"),
    [({"credentials": "lwm2m"}, "credentials"), ({"delivery": "pigeon"}, "delivery")],
)
async def test_words_that_are_not_known_are_told(desk, params, field):
    said = await desk.ask("provision", {"board": NAME, **params})
    assert (said["code"], said["field"]) == (400, field)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (PortBusy(port="/dev/ttyACM0", holder="Setting up Anna's lamp"), 409),
        (NotSignedIn(cloud="ThingsBoard", id="thingsboard"), 409),
        (RateExceeded(what="jobs at once", limit=256), 429),
        (InputError(field="name", problem="is longer than 255 characters"), 400),
    ],
)
async def test_why_a_job_cannot_start_is_told_without_names(desk, failure, code):
    desk.jobs.failure = failure
    said = await desk.ask("provision", {"board": NAME})
    assert (said["code"], said["reason"]) == (code, failure.code)
    assert said["error"]
    assert "Anna" not in json.dumps(said)
    assert "tty" not in json.dumps(said)


async def test_a_defect_is_answered(desk):
    desk.jobs.failure = ZeroDivisionError("secret")
    said = await desk.ask("provision", {"board": NAME})
    assert (said["code"], said["reason"]) == (500, "internal")
    assert "secret" not in json.dumps(said)


async def test_the_same_call_while_its_job_runs_is_the_same_job(desk):
    params = {"board": NAME, "cloud": "none", "network": "workshop"}
    assert await desk.ask("provision", params) == {"job": "1"}
    assert await desk.ask("provision", params) == {"job": "1", "already": True}
    assert await desk.ask("provision", params | {"cloud": "arduino"}) == {"job": "2"}
    desk.jobs.owners.clear()
    assert await desk.ask("provision", params) == {"job": "3"}


@pytest.mark.parametrize("failure", [None, NotSignedIn(cloud="x", id="x"), ZeroDivisionError()])
async def test_checks_that_take_long_are_told_later(tmp_path, catalog, failure):
    desk = Desk(tmp_path, catalog, answer_s=0.0)
    open_gate = asyncio.Event()
    desk.jobs.gate, desk.jobs.failure = open_gate.wait, failure
    said = await desk.ask("provision", {"board": NAME})
    assert said == {"job": None, "code": 202, "call": 3}
    open_gate.set()
    while not desk.late:
        await asyncio.sleep(0)
    word = {"call_job": "1"}
    if failure is not None:
        word = {"call_error": failure.code if isinstance(failure, MooringError) else "internal"}
    assert desk.late == [{"call": 3, "call_method": "provision", **word}]


async def test_a_keyring_that_waits_for_its_owner_holds_no_answer_up(tmp_path, catalog):
    unlocked = asyncio.Event()

    class Locked(AccountStore):
        async def get(self, cloud: str) -> dict[str, Secret] | None:
            await unlocked.wait()
            return await super().get(cloud)

    desk = Desk(tmp_path, catalog, answer_s=0.0)
    await desk.networks.put("workshop", {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD})
    accounts = Locked(tmp_path / "accounts.json", use_keyring=False)
    networks = StoredNetworks(accounts, tmp_path / "networks.json")
    desk.calls = desk.make_calls(networks)
    said = await desk.ask("configure", {"board": NAME, "network": "workshop"})
    assert said == {"job": None, "code": 202, "call": 3}
    assert desk.jobs.started == []
    unlocked.set()
    while not desk.late:
        await asyncio.sleep(0)
    assert desk.late[0]["call_job"] == "1"


async def test_a_session_that_ends_meanwhile_loses_nothing(tmp_path, catalog):
    desk = Desk(tmp_path, catalog)
    open_gate = asyncio.Event()
    desk.jobs.gate = open_gate.wait
    asking = asyncio.create_task(desk.ask("provision", {"board": NAME}))
    for _ in range(5):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking})
    open_gate.set()
    while not desk.late:
        await asyncio.sleep(0)
    assert desk.late[0]["call_job"] == "1"


async def test_what_is_still_checked_ends_with_the_agent(tmp_path, catalog):
    desk = Desk(tmp_path, catalog, answer_s=0.0)
    desk.jobs.gate = asyncio.Event().wait
    await desk.ask("provision", {"board": NAME})
    await desk.calls.close()
    assert (desk.late, desk.jobs.started) == ([], [])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["board", "network", "cloud", "limit", "offset", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@given(st.sampled_from(["boards", "provision", "configure"]), json_values, st.booleans())
def test_whatever_the_params_are_there_is_an_answer(catalog, tmp_path_factory, method, params, sub):
    desk = Desk(tmp_path_factory.getbasetemp(), catalog)
    said = asyncio.run(desk.ask(method, params, NAME if sub else ""))
    assert set(said) & {"error", "boards", "job"}
    json.dumps(said)


def test_an_error_without_a_plain_sentence_has_one():
    class OnlyFacts(MooringError):
        code = "only-facts"
        title = "{name} did."
        meaning = "{name} was."

    assert explain(OnlyFacts(name="Anna")) == {
        "error": "It cannot be done now.",
        "code": 409,
        "reason": "only-facts",
    }
