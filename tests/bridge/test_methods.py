"""The methods over a running server: what they answer, and who may see what."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from agent.bridge import limits
from agent.errors import BoardSilent
from agent.jobs.job import JobState
from agent.settings import Secret
from agent.settings.notices import Update
from tests.bridge.running import FOREIGN, NOTICE, OTHER, Bridge, Client

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import pytest

MARKER = "mArKeR-5ecret"
WIFI = {"kind": "wifi", "ssid": "HomeNet", "password": MARKER}


async def until_started(bridge: Bridge, work: Awaitable[Any]) -> asyncio.Future[Any]:
    """``work`` on its way, with its job begun."""
    bridge.jobs.started.clear()
    task = asyncio.ensure_future(work)
    await bridge.jobs.started.wait()
    return task


# agent, boards, models


async def test_info_says_what_this_agent_is(bridge: Bridge) -> None:
    await bridge.board()
    client = await bridge.open()
    info = await client.call("agent.info")
    assert info["name"] == "mooring"
    assert info["version"] == "1.2.3"
    assert info["protocol"] == 1
    assert info["simulated"] is True
    assert info["capabilities"] == ["identify", "provision", "serial"]
    assert (info["boards"], info["jobs"]) == (1, 0)


async def test_what_is_wrong_with_the_agent_is_told_to_its_own_people_only(bridge: Bridge) -> None:
    own = await (await bridge.open()).call("agent.info")
    assert own["notices"] == [msgspec.to_builtins(NOTICE)]
    foreign = await (await bridge.open(FOREIGN)).call("agent.info")
    assert foreign["notices"] == []


async def test_who_follows_the_agent_is_told_what_it_may_see(bridge: Bridge) -> None:
    own, foreign = await bridge.open(), await bridge.open(FOREIGN)
    for client in (own, foreign):
        told = await client.call("agent.subscribe")
        assert told == await client.call("agent.subscribe")
        assert told == await client.call("agent.info")
    bridge.services.notices.set("journal", None)
    assert (await own.next("agent.changed"))["notices"] == []
    bridge.services.update.set(Update(version="9.0", url="https://example.com/9"))
    newer = {"version": "9.0", "url": "https://example.com/9"}
    assert (await own.next("agent.changed"))["update"] == newer
    assert (await own.call("agent.info"))["update"] == newer
    # Nothing that concerns it has changed.
    assert (await foreign.call("agent.info"))["update"] is None
    assert foreign.notifications == own.notifications == []
    await own.close()
    await foreign.close()


async def test_a_subscriber_sees_boards_come_and_go(bridge: Bridge) -> None:
    client = await bridge.open(FOREIGN)
    nothing: dict[str, Any] = {"boards": [], "bluetooth": None}
    assert await client.call("boards.subscribe") == nothing
    assert await client.call("boards.subscribe") == nothing
    board, name = await bridge.board()
    change = await client.next("boards.changed")
    assert [appeared["id"] for appeared in change["appeared"]] == [name]
    board.unplug()
    assert (await client.next("boards.changed"))["vanished"] == [name]
    assert client.notifications == []


async def test_a_page_of_the_agent_is_before_a_person_while_it_is_visible(bridge: Bridge) -> None:
    seen = bridge.services.seen
    first, second = await bridge.open(own=True), await bridge.open(own=True)
    for client in (first, second, await bridge.open(), await bridge.open(FOREIGN)):
        await client.call("boards.subscribe", ble=True)
        await client.call("boards.subscribe", ble=True)
    assert seen.value == 2
    await first.call("boards.subscribe", ble=False)
    assert seen.value == 1
    gone = asyncio.Event()
    seen.subscribe(gone.set)
    await second.close()
    await gone.wait()
    assert seen.value == 0


async def test_models_are_the_whole_catalogue(bridge: Bridge) -> None:
    client = await bridge.open(FOREIGN)
    models = (await client.call("models.list"))["models"]
    assert len(models) == len(bridge.services.catalog.models)
    assert {"id", "name", "fqbn", "connectivity", "provisioning", "networks", "drawing"} <= set(
        models[0]
    )
    over_the_air = {model["id"] for model in models if model["ble"]}
    assert "uno_r4_wifi" in over_the_air
    assert "mkr_gsm_1400" not in over_the_air


async def test_identify_is_a_job_whose_result_is_the_answer(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    facts = {"uhwid": "ab" * 32, "sketch_version": "1.0.0"}
    asked = await until_started(bridge, client.call("board.identify", board=board[-8:]))
    assert bridge.jobs.requests == [
        {"kind": "identify", "board": board, "attended": False, "owner": "own"}
    ]
    bridge.jobs.end("1", result=facts)
    assert (await asked)["uhwid"] == "ab" * 32


async def test_networks_are_a_job_too(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    option = {"ssid": "HomeNet", "ssid_hex": "486f6d654e6574", "rssi_dbm": -50}
    asked = await until_started(bridge, client.call("board.networks", board=board))
    bridge.jobs.end("1", result={"networks": [option], "scanned_at": 5.0})
    assert await asked == {"networks": [option], "scanned_at": 5.0, "scans": True}


async def test_blinking_is_a_job_too_over_the_link_that_was_chosen(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    asked = await until_started(bridge, client.call("board.blink", board=board, via="ble"))
    bridge.jobs.end("1")
    assert await asked == {}
    assert (bridge.jobs.requests[0]["kind"], bridge.jobs.requests[0]["via"]) == ("blink", "ble")


async def test_the_link_of_a_job_is_one_of_the_two(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    await client.call("jobs.start", kind="identify", board=board, via="ble")
    assert bridge.jobs.requests[0]["via"] == "ble"
    await client.call("jobs.start", kind="identify", board=board)
    assert "via" not in bridge.jobs.requests[1]
    error = await client.fail("jobs.start", kind="identify", board=board, via="telepathy")
    assert error["data"]["facts"]["field"] == "via"


async def test_jobs_that_are_begun_together_have_a_mark_in_common(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    await client.call("jobs.start", kind="identify", board=board, group="class-7b")
    assert bridge.jobs.requests[0]["group"] == "class-7b"
    for group in ("", "7 b", "x" * 65, "7b\n"):
        error = await client.fail("jobs.start", kind="identify", board=board, group=group)
        assert error["data"]["facts"]["field"] == "group"


async def test_a_job_that_fails_is_the_error_of_the_call(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    asked = await until_started(bridge, client.fail("board.identify", board=board))
    bridge.jobs.end("1", error=BoardSilent(seconds=30).report())
    assert (await asked)["data"]["code"] == "board-silent"
    asked = await until_started(bridge, client.fail("board.identify", board=board))
    await bridge.jobs.cancel("2")
    assert (await asked)["data"]["code"] == "interrupted"


async def test_a_caller_that_leaves_takes_its_identify_along(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    asked = await until_started(bridge, client.call("board.identify", board=board))
    asked.cancel()
    await client.close()
    while bridge.jobs.cancelled != ["1"]:
        await asyncio.sleep(0.005)


async def test_what_a_board_needs_is_told_without_starting_anything(bridge: Bridge) -> None:
    page = await bridge.open(FOREIGN)
    pty, board = await bridge.board()
    advice = await page.call("board.procedure", board=pty.address, cloud="arduino")
    assert (advice["procedure"], advice["old_devices"]) == (
        "migrate",
        [{"id": "d-1", "name": "kitchen"}],
    )
    assert bridge.jobs.requests == [
        {"board": board, "cloud": "arduino", "procedure": None, "model": None}
    ]
    assert bridge.jobs.jobs == {}
    wrong = await page.fail("board.procedure", board=board, procedure="magic")
    assert wrong["data"]["facts"]["field"] == "procedure"


async def test_an_unknown_board_is_named(bridge: Bridge) -> None:
    client = await bridge.open()
    for method in ("board.identify", "board.networks"):
        assert (await client.fail(method, board="nothing"))["data"]["code"] == "board-unknown"


# jobs


async def test_a_job_is_started_answered_and_ended(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    assert await client.call("jobs.subscribe") == {"jobs": []}
    started = await client.call(
        "jobs.start", kind="provision", board=board, network=WIFI, cloud="arduino", name="kitchen"
    )
    assert started == {"job": "1"}
    request = bridge.jobs.requests[0]
    assert request["network"]["ssid"] == "HomeNet"
    assert request["network"]["password"] == Secret(MARKER)
    assert (request["cloud"], request["name"], request["attended"]) == ("arduino", "kitchen", True)
    bridge.jobs.ask("1")
    while (change := await client.next("job.changed"))["state"] != "asking":
        pass
    assert change["snapshot"]["question"]["actions"][0]["id"] == "retry"
    await client.call(
        "jobs.answer", job="1", answer={"action": "retry", "password": MARKER}, question=1
    )
    assert bridge.jobs.answers == [("1", {"action": "retry", "password": Secret(MARKER)}, 1)]
    bridge.jobs.end("1", result={"device": "d"})
    assert (await client.next("job.changed"))["state"] == "done"
    assert (await client.call("jobs.get", job="1"))["result"] == {"device": "d"}
    assert (await client.call("jobs.list", board=board))["jobs"][0]["id"] == "1"
    assert (await client.call("jobs.list", board="other"))["jobs"] == []


async def test_a_job_for_a_cloud_with_credentials_is_asked_for_and_named(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    wanted = {"cloud": "thingsboard", "credentials": "mqtt_basic", "delivery": "header"}
    await client.call("jobs.start", kind="provision", board=board, **wanted)
    request = bridge.jobs.requests[0]
    assert {key: request[key] for key in wanted} == wanted
    assert "network" not in request
    bridge.jobs.ask("1")
    await client.call("jobs.answer", job="1", answer={"action": "retry", "name": "greenhouse"})
    assert bridge.jobs.answers == [("1", {"action": "retry", "name": "greenhouse"}, None)]
    for field in ("credentials", "delivery"):
        error = await client.fail("jobs.start", kind="provision", board=board, **{field: "pigeon"})
        assert error["data"]["facts"]["field"] == field


async def test_wrong_input_of_a_job_names_the_field_and_starts_nothing(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    for changed, field in (
        ({"kind": "dance"}, "kind"),
        ({"network": {"kind": "wifi", "ssid": "x" * 33}}, "ssid"),
        ({"network": {"kind": "wifi", "ssid": "x", "password": "y" * 64}}, "password"),
        ({"network": {"kind": "wifi", "ssid": "x", "pin": "1"}}, "pin"),
        ({"network": {"kind": "smoke"}}, "kind"),
        ({"network": []}, "network"),
        ({"attended": "yes"}, "attended"),
        ({"wrong": 1}, "wrong"),
        ({"confirmed": 1}, "confirmed"),
    ):
        error = await client.fail("jobs.start", **{"kind": "configure", "board": board, **changed})
        assert error["code"] == -32602, changed
        assert error["data"]["facts"]["field"] == field
    for answer, field in (
        ({}, "answer.action"),
        ({"action": "retry", "x": 1}, "answer.x"),
        ({"action": "retry", "network": {"kind": "wifi", "ssid": ""}}, "ssid"),
    ):
        error = await client.fail("jobs.answer", job="1", answer=answer)
        assert error["data"]["facts"]["field"] == field
    assert bridge.jobs.requests == []


async def test_changes_while_the_journal_is_read_follow_the_answer(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    await client.call("jobs.start", kind="forget", board=board)
    await client.send({"jsonrpc": "2.0", "id": "s", "method": "jobs.subscribe"})
    while not bridge.jobs.subscribers:
        await asyncio.sleep(0)
    bridge.jobs.ask("1")
    first = await client.take()
    assert first is not None
    assert first["id"] == "s"
    assert (await client.next("job.changed"))["state"] == "asking"


async def test_a_foreign_page_sees_only_the_jobs_that_it_started(bridge: Bridge) -> None:
    _, board = await bridge.board()
    own, page, other = (
        await bridge.open(own=True),
        await bridge.open(FOREIGN),
        await bridge.open(OTHER),
    )
    second_tab = await bridge.open(FOREIGN)
    for client in (own, page, other):
        await client.call("jobs.subscribe")
    mine = (await own.call("jobs.start", kind="forget", board=board))["job"]
    theirs = (await page.call("jobs.start", kind="configure", board=board, network=WIFI))["job"]
    bridge.jobs.ask(theirs)
    bridge.jobs.ask(mine)

    assert [job["id"] for job in (await own.call("jobs.list"))["jobs"]] == [theirs, mine]
    for client in (page, second_tab):
        assert [job["id"] for job in (await client.call("jobs.list"))["jobs"]] == [theirs]
        assert (await client.call("jobs.get", job=theirs))["id"] == theirs
        listed = (await client.call("jobs.subscribe"))["jobs"]
        assert [job["id"] for job in listed] == [theirs]
    assert (await other.call("jobs.list"))["jobs"] == []
    for client, job in ((page, mine), (other, mine), (other, theirs), (other, "99")):
        for method, params in (
            ("jobs.get", {}),
            ("jobs.cancel", {}),
            ("jobs.answer", {"answer": {"action": "retry"}}),
        ):
            error = await client.fail(method, job=job, **params)
            assert error["data"]["code"] == "job-unknown"
    assert {n["params"]["job"] for n in own.notifications} == {mine, theirs}
    assert {n["params"]["job"] for n in page.notifications} == {theirs}
    assert other.notifications == []
    bridge.jobs.end(theirs)
    # It stays visible to its page after its end.
    assert (await page.call("jobs.get", job=theirs))["state"] == "done"
    assert (await page.call("agent.info"))["own"] is False


async def test_a_job_knows_whether_a_foreign_page_began_it_and_no_page_can_say_so(
    bridge: Bridge,
) -> None:
    _, board = await bridge.board()
    own, page = await bridge.open(own=True), await bridge.open(FOREIGN)
    for client, foreign in ((own, None), (page, True)):
        await client.call("jobs.start", kind="identify", board=board)
        assert bridge.jobs.requests[-1].get("foreign") is foreign
        refused = await client.fail("jobs.start", kind="identify", board=board, foreign=False)
        assert refused["code"] == -32602


async def test_a_file_with_secrets_is_for_who_started_the_job_and_for_programs(
    bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page, other = await bridge.open(FOREIGN), await bridge.open(OTHER)
    program, own = await bridge.open(), await bridge.open(own=True)
    _, board = await bridge.board()
    job = (await page.call("jobs.start", kind="provision", board=board))["job"]
    bridge.jobs.files[job, "arduino_secrets.h"] = Secret(MARKER)
    bridge.jobs.end(job, result={"files": ["arduino_secrets.h"]})
    wanted = {"job": job, "name": "arduino_secrets.h"}
    for client in (page, program, own):
        assert await client.call("jobs.file", **wanted) == {
            "name": "arduino_secrets.h",
            "text": MARKER,
        }
    refused = await other.fail("jobs.file", **wanted)
    unknown = await other.fail("jobs.file", job="99", name="arduino_secrets.h")
    assert refused["data"]["code"] == unknown["data"]["code"] == "job-unknown"
    missing = await page.fail("jobs.file", job=job, name="other.h")
    assert missing["data"]["facts"]["field"] == "name"
    mine = (await program.call("jobs.start", kind="provision", board=board))["job"]
    bridge.jobs.files[mine, "arduino_secrets.h"] = Secret(MARKER)
    assert (await page.fail("jobs.file", **{**wanted, "job": mine}))["data"]["code"] == (
        "job-unknown"
    )
    # The client of this test logs what it receives; the agent must not log what it sends.
    logged = [r for r in caplog.records if r.name != "websockets.client"]
    assert all(MARKER not in record.getMessage() for record in logged)


async def test_a_page_that_is_behind_learns_the_last_state_of_a_job(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open()
    await client.call("jobs.subscribe")
    await client.call("jobs.start", kind="forget", board=board)
    job = bridge.jobs.jobs["1"]
    for number in range(10 * limits.BEHIND):
        bridge.jobs.put(msgspec.structs.replace(job, title=str(number)))
    bridge.jobs.end("1")
    changes = 0
    while (await client.next("job.changed"))["state"] != JobState.DONE.value:
        changes += 1
    assert changes <= limits.BEHIND + 1


# clouds, networks, origins


async def test_an_account_is_checked_kept_and_forgotten(bridge: Bridge) -> None:
    client = await bridge.open(own=True)
    account = {"client_id": "me", "client_secret": "wrong"}
    error = await client.fail("clouds.login", cloud="arduino", account=account)
    assert error["data"]["code"] == "cloud-not-authorised"
    account["client_secret"] = "right"
    info = await client.call("clouds.login", cloud="arduino", account=account)
    assert (info["signed_in"], info["account"]) == (True, {"client_id": "me"})
    page = await bridge.open(FOREIGN)
    seen, _ = (await page.call("clouds.list"))["clouds"]
    assert (seen["signed_in"], seen["account"]) == (True, {})
    assert (await client.call("clouds.logout", cloud="arduino"))["signed_in"] is False
    error = await client.fail("clouds.logout", cloud="nowhere")
    assert error["data"]["facts"]["field"] == "cloud"


async def test_a_device_is_looked_up_by_its_name(bridge: Bridge) -> None:
    client = await bridge.open(own=True)
    asked = {"method": "clouds.device", "cloud": "thingsboard"}
    found = (await client.call(**asked, name="greenhouse"))["device"]
    assert (found["strategy"], found["used_up"]) == ("prepared", False)
    assert await client.call(**asked, name="other") == {"device": None}
    told = await client.call("clouds.profile", cloud="thingsboard")
    assert told["profile"] == {"name": "boards", "strategy": "create"}
    error = await client.fail("clouds.device", cloud="arduino", name="greenhouse")
    assert error["data"]["facts"]["field"] == "cloud"


async def test_accounts_origins_and_the_end_are_closed_to_foreign_pages(bridge: Bridge) -> None:
    page = await bridge.open(FOREIGN)
    for method, params in (
        ("clouds.login", {"cloud": "arduino", "account": {}}),
        ("clouds.logout", {"cloud": "arduino"}),
        ("clouds.device", {"cloud": "thingsboard", "name": "greenhouse"}),
        ("clouds.profile", {"cloud": "thingsboard"}),
        ("origins.list", {}),
        ("origins.allow", {"url": "https://more.example.com"}),
        ("origins.revoke", {"url": OTHER}),
        ("settings.get", {}),
        ("settings.set", {"values": {"log.level": "debug"}}),
        ("agent.show", {}),
        ("agent.quit", {}),
    ):
        assert (await page.fail(method, **params))["data"]["code"] == "not-allowed"


async def test_settings_are_changed_together_or_not_at_all(bridge: Bridge) -> None:
    page = await bridge.open()
    before = await page.call("settings.get")
    wrong = {"log.level": "debug", "bridge.first_port": 80}
    error = (await page.fail("settings.set", values=wrong))["data"]
    assert (error["code"], error["facts"]["field"]) == ("setting-refused", "bridge.first_port")
    assert await page.call("settings.get") == before
    seen = await page.call("settings.set", values={"log.level": "debug", "bridge.first_port": 8995})
    changed = {each["key"]: each for each in seen["settings"] if each["source"] == "file"}
    assert {key: each["pending"] for key, each in changed.items()} == {
        "log.level": False,
        "bridge.first_port": True,
    }
    assert seen == await page.call("settings.get")


async def test_a_broken_file_of_settings_is_told_and_not_written(bridge: Bridge) -> None:
    page = await bridge.open()
    file = Path((await page.call("settings.get"))["path"])
    file.write_text("[log]\nlevle = 'debug'\n")
    seen = await page.call("settings.get")
    assert seen["problem"]["facts"]["line"] == 2
    error = (await page.fail("settings.set", values={"log.level": "debug"}))["data"]
    assert error == seen["problem"]
    assert file.read_text() == "[log]\nlevle = 'debug'\n"


async def test_the_password_of_a_proxy_never_comes_back(bridge: Bridge) -> None:
    page = await bridge.open()
    values = {"network.proxy": "http://me:hunter22@proxy.example:3128"}
    seen = await page.call("settings.set", values=values)
    assert "hunter22" not in json.dumps(seen)
    assert "http://***@proxy.example:3128" in json.dumps(seen)
    error = await page.fail("settings.set", values={"network.proxy": "ftp://me:hunter22@h"})
    assert "hunter22" not in json.dumps(error)


async def test_a_program_has_the_page_opened_at_a_place_and_learns_whether_it_was(
    bridge: Bridge,
) -> None:
    client = await bridge.open()
    assert await client.call("agent.show") == {"shown": True}
    assert await client.call("agent.show", page="job/3") == {"shown": True}
    bridge.desktop = False
    assert await client.call("agent.show", page="clouds") == {"shown": False}
    assert bridge.shown == ["", "job/3", "clouds"]
    assert (await client.fail("agent.show", page="x" * 401))["data"]["facts"]["field"] == "page"


async def test_quit_is_answered_before_it_happens(bridge: Bridge) -> None:
    client = await bridge.open()
    assert await client.call("agent.quit") == {}
    assert bridge.quits == 1


async def test_the_check_of_a_network_names_field_and_warnings(bridge: Bridge) -> None:
    _, board = await bridge.board()
    client = await bridge.open(FOREIGN)
    seen = [{"ssid": "HomeNet", "ssid_hex": b"HomeNet".hex(), "rssi_dbm": -50}]

    async def check(**params: Any) -> Any:
        return await client.call("networks.check", **params)

    assert await check(network=WIFI, board=board, networks=seen) == {"problems": [], "warnings": []}
    near = await check(network={"kind": "wifi", "ssid": "homenet"}, networks=seen)
    assert near["warnings"][0]["code"] == "look-alike"
    assert await check(network={"kind": "wifi", "ssid": "homenet"}) == {
        "problems": [],
        "warnings": [],
    }
    long = await check(network={"kind": "wifi", "ssid": "é" * 17})
    assert long["problems"][0]["field"] == "ssid"
    other = await check(network={"kind": "gsm"}, board=board)
    assert other["problems"][0]["field"] == "kind"
    assert "Wi-Fi" in other["problems"][0]["problem"]


async def test_a_network_name_that_cannot_be_text_is_not_json_at_all(bridge: Bridge) -> None:
    client = await bridge.open()
    await client.socket.send(
        '{"jsonrpc":"2.0","id":1,"method":"networks.check",'
        '"params":{"network":{"kind":"wifi","ssid":"\\ud800"}}}'
    )
    answer = await client.take()
    assert answer is not None
    assert answer["error"]["code"] == -32700


async def test_the_schema_of_networks_marks_the_secrets(bridge: Bridge) -> None:
    client = await bridge.open(FOREIGN)
    schema = await client.call("networks.schema")
    assert '"format": "password"' in json.dumps(schema)


async def test_the_list_of_pages_is_managed(bridge: Bridge) -> None:
    client = await bridge.open(own=True)
    listed = await client.call("origins.allow", url="https://More.example.com/")
    assert "https://more.example.com" in [entry["url"] for entry in listed["origins"]]
    assert await client.call("origins.list") == listed
    listed = await client.call("origins.revoke", url="https://more.example.com")
    assert "https://more.example.com" not in [entry["url"] for entry in listed["origins"]]
    error = await client.fail("origins.allow", url="http://app.example.com")
    assert error["data"]["facts"]["field"] == "url"


async def test_a_password_reaches_the_job_and_nothing_else(
    bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, board = await bridge.board()
    clients: list[Client] = [await bridge.open(origin) for origin in (None, FOREIGN, OTHER)]
    for client in clients:
        await client.call("jobs.subscribe")
        await client.call("boards.subscribe")
    await clients[1].call("jobs.start", kind="configure", board=board, network=WIFI)
    await clients[1].fail("jobs.start", kind="configure", board="x", network=WIFI)
    await clients[1].fail("jobs.start", kind=MARKER.lower(), board="x", network=WIFI)
    wrong = {**WIFI, "ssid_hex": 5}
    await clients[1].fail("jobs.start", kind="configure", board=board, network=wrong)
    await clients[1].fail("jobs.answer", job="1", answer={"action": "x", "password": MARKER})
    await clients[0].fail(
        "clouds.login", cloud="arduino", account={"client_secret": MARKER, "client_id": "a"}
    )
    seen = [json.dumps(client.notifications) for client in clients]
    # The client of this test logs what it sends; the agent must not.
    logged = [r for r in caplog.records if r.name != "websockets.client"]
    assert all(MARKER not in record.getMessage() for record in logged)
    assert all(MARKER not in text for text in seen)
