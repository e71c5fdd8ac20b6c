"""What a page with each scope can do over the running server, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.bridge.scopes import JOB_SCOPES, OWN_ANSWERS, OWN_FILES, OWN_JOBS, Scope, complete
from agent.jobs.job import JobKind
from agent.settings import Secret
from tests.bridge.running import FOREIGN, OTHER, Bridge, Client

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.system("linux", "darwin")

WIFI = {"kind": "wifi", "ssid": "HomeNet", "password": "12345678"}


async def page_with(bridge: Bridge, scopes: Iterable[Scope], url: str = FOREIGN) -> Client:
    """A page that may do just that."""
    bridge.services.consent.allow(url, complete(scopes))
    return await bridge.open(url)


def code(answer: dict[str, Any]) -> str:
    """How a call ended."""
    return str(answer["error"]["data"]["code"]) if "error" in answer else "done"


@pytest.mark.parametrize("scope", Scope)
async def test_each_method_needs_its_scope(bridge: Bridge, scope: Scope) -> None:
    page = await page_with(bridge, [scope])
    held = complete([scope])
    assert (await page.call("agent.info"))["may"] == [each for each in Scope if each in held]
    for method in bridge.server.dispatcher.methods:
        if method.own:
            expected = "not-allowed"
        elif method.scope is not None and method.scope not in held:
            expected = "scope-refused"
        else:
            # It got as far as its params.
            expected = "input"
        assert code(await page.request(method.name, wrong_on_purpose=1)) == expected, method.name


@pytest.mark.parametrize("kind", JobKind)
async def test_each_kind_of_job_needs_all_of_its_scopes(bridge: Bridge, kind: JobKind) -> None:
    _, board = await bridge.board()
    needed = complete(JOB_SCOPES[kind])
    for missing in needed - {Scope.BOARDS}:
        page = await page_with(bridge, set(Scope) - {missing})
        refused = await page.fail("jobs.start", kind=kind.value, board=board)
        assert refused["data"]["code"] == "scope-refused"
        assert refused["data"]["facts"]["scopes"] == missing
    assert bridge.jobs.requests == []
    page = await page_with(bridge, needed)
    if kind in OWN_JOBS:
        refused = await page.fail("jobs.start", kind=kind.value, board=board)
        assert refused["data"]["code"] == "not-allowed"
        assert bridge.jobs.requests == []
        return
    await page.call("jobs.start", kind=kind.value, board=board)
    assert [each["kind"] for each in bridge.jobs.requests] == [kind.value]


async def test_a_refused_job_is_not_told_whether_there_is_such_a_board(bridge: Bridge) -> None:
    _, board = await bridge.board()
    page = await page_with(bridge, [Scope.BOARDS])
    for name in (board, "no-such-board"):
        error = await page.fail("jobs.start", kind="forget", board=name)
        assert error["data"]["code"] == "scope-refused"


async def test_no_page_takes_this_computer_into_another_network(bridge: Bridge) -> None:
    page, own = await page_with(bridge, Scope), await bridge.open(own=True)
    asked = {"kind": "identify", "board": "", "cloud": "blynk", "access_point": "Blynk-4Y1H"}
    assert code(await page.request("jobs.start", **asked)) == "not-allowed"
    assert bridge.jobs.requests == []
    assert code(await own.request("jobs.start", **asked)) == "done"
    assert bridge.jobs.requests[0]["access_point"] == "Blynk-4Y1H"


async def test_no_page_claims_a_board_of_its_own_choice_into_the_account(bridge: Bridge) -> None:
    page, own = await page_with(bridge, Scope), await bridge.open(own=True)
    _, board = await bridge.board()
    for name in ("", board):
        asked = {"kind": "provision", "board": name, "cloud": "nrf", "token": "A.B", "tags": ["x"]}
        assert code(await page.request("jobs.start", **asked)) == "not-allowed"
        assert bridge.jobs.requests == []
    assert code(await own.request("jobs.start", **asked)) == "done"


@pytest.mark.parametrize(
    "named", [{"kind": "provision", "cloud": "blynk"}, {"kind": "configure"}], ids=["new", "known"]
)
async def test_no_page_makes_a_board_the_device_of_a_token_of_its_own(
    bridge: Bridge, named: dict[str, str]
) -> None:
    page, own = await page_with(bridge, Scope), await bridge.open(own=True)
    _, board = await bridge.board()
    asked = {**named, "board": board, "network": WIFI}
    token = "page_token_0123456789abcdef01234"
    assert code(await page.request("jobs.start", **asked, token=token)) == "not-allowed"
    assert bridge.jobs.requests == []
    job = (await page.call("jobs.start", **asked))["job"]
    bridge.jobs.ask(job)
    answer = {"job": job, "answer": {"action": "token", "token": token}}
    assert code(await page.request("jobs.answer", **answer)) == "not-allowed"
    assert bridge.jobs.answers == []
    assert code(await own.request("jobs.answer", **answer)) == "done"
    assert code(await own.request("jobs.start", **asked, token=token)) == "done"


async def test_its_own_jobs_are_closed_to_a_page_that_lost_the_scope(bridge: Bridge) -> None:
    _, board = await bridge.board()
    page = await page_with(bridge, [Scope.PROVISION, Scope.FLASH])
    kept = (await page.call("jobs.start", kind="flash", board=board, sketch="provisioning"))["job"]
    params: dict[str, Any] = {"cloud": "none", "name": "x", "network": WIFI}
    lost = (await page.call("jobs.start", kind="provision", board=board, **params))["job"]
    bridge.jobs.files[lost, "arduino_secrets.h"] = Secret("#define SECRET_DEVICE_KEY")
    bridge.jobs.ask(lost)
    page = await page_with(bridge, [Scope.FLASH])
    answer = {"action": "retry", "password": "87654321"}
    for method, more in (
        ("jobs.get", {}),
        ("jobs.cancel", {}),
        ("jobs.answer", {"answer": answer}),
        ("jobs.file", {"name": "arduino_secrets.h"}),
    ):
        assert code(await page.request(method, job=lost, **more)) == "scope-refused", method
    assert bridge.jobs.answers == []
    assert bridge.jobs.cancelled == []
    assert [each["id"] for each in (await page.call("jobs.list"))["jobs"]] == [kept]
    running = await page.call("jobs.subscribe")
    assert [each["id"] for each in running["jobs"]] == [kept]
    bridge.jobs.end(lost)
    bridge.jobs.end(kept)
    assert (await page.next("job.changed"))["job"] == kept
    assert page.notifications == []
    # The person's own page goes on with it.
    own = await bridge.open()
    assert (await own.call("jobs.get", job=lost))["id"] == lost


async def test_no_page_gets_the_credentials_of_a_device_or_acts_as_an_administrator(
    bridge: Bridge,
) -> None:
    _, board = await bridge.board()
    page = await page_with(bridge, Scope)
    order = {"cloud": "thingsboard", "name": "greenhouse", "delivery": "header"}
    job = (await page.call("jobs.start", kind="provision", board=board, **order))["job"]
    bridge.jobs.ask(job)
    own = await bridge.open(own=True)
    for action in sorted(OWN_ANSWERS):
        asked = {"job": job, "answer": {"action": action}}
        assert code(await page.request("jobs.answer", **asked)) == "not-allowed"
        assert bridge.jobs.answers == []
        assert code(await own.request("jobs.answer", **asked)) == "done"
        bridge.jobs.answers.clear()
    bridge.jobs.end(job)
    for name in sorted(OWN_FILES):
        bridge.jobs.files[job, name] = Secret("of a device that works")
        wanted = {"job": job, "name": name}
        assert code(await page.request("jobs.file", **wanted)) == "not-allowed"
        assert (await own.call("jobs.file", **wanted))["text"] == "of a device that works"


async def test_a_page_that_is_revoked_leaves_its_jobs_and_they_are_named(bridge: Bridge) -> None:
    _, board = await bridge.board()
    page = await page_with(bridge, Scope)
    other = await page_with(bridge, Scope, OTHER)
    flash = {"kind": "flash", "board": board, "sketch": "provisioning"}
    ended = (await page.call("jobs.start", **flash))["job"]
    bridge.jobs.end(ended)
    kept = (await page.call("jobs.start", **flash))["job"]
    await other.call("jobs.start", **flash)
    own = await bridge.open()
    after = await own.call("origins.revoke", url=FOREIGN + "/")
    title = bridge.jobs.jobs[kept].title
    assert after["jobs"] == [{"job": kept, "title": title}]
    assert FOREIGN not in [each["url"] for each in after["origins"]]
    assert bridge.jobs.cancelled == []


async def test_jobs_of_others_stay_unknown_whatever_a_page_may(bridge: Bridge) -> None:
    _, board = await bridge.board()
    other = await page_with(bridge, Scope, OTHER)
    scan = (await other.call("jobs.start", kind="networks", board=board))["job"]
    bridge.jobs.end(scan, result={"networks": [{"ssid": "NeighbourNet"}]})
    page = await page_with(bridge, [Scope.BOARDS])
    for method in ("jobs.get", "jobs.cancel"):
        assert code(await page.request(method, job=scan)) == "job-unknown"
    assert (await page.call("jobs.list"))["jobs"] == []


async def test_files_and_serial_data_need_their_scope(bridge: Bridge) -> None:
    pty, board = await bridge.board()
    page = await page_with(bridge, [Scope.SERIAL])
    error = await page.fail("flash.offer", name="a.bin", size=3)
    assert error["data"]["code"] == "scope-refused"
    # Whoever sends bytes for a file that was never offered sends them nowhere.
    await page.socket.send(b"\x01abc")
    channel = (await page.call("serial.open", board=board))["channel"]
    await page.socket.send(bytes([channel]) + b"hello")
    assert await pty.read(5) == b"hello"
    page = await page_with(bridge, [Scope.FLASH])
    error = await page.fail("serial.open", board=board)
    assert error["data"]["code"] == "scope-refused"
    image = (await page.call("flash.offer", name="a.bin", size=3))["image"]
    await page.socket.send(bytes([image]) + b"abc")
    await page.call("flash.start", board=board, image=image)
    assert bridge.jobs.requests[-1]["image"].data == b"abc"


async def test_a_port_that_is_open_closes_with_the_scope(bridge: Bridge) -> None:
    _, board = await bridge.board()
    page = await page_with(bridge, [Scope.SERIAL])
    await page.call("serial.open", board=board)
    bridge.services.consent.allow(FOREIGN, complete([]))
    await page.socket.wait_closed()
    # The port is free again for somebody else, at another rate.
    own = await bridge.open()
    await own.call("serial.open", board=board, baud=115200)


async def test_own_peers_may_do_everything(bridge: Bridge) -> None:
    for peer in (await bridge.open(own=True), await bridge.open()):
        assert (await peer.call("agent.info"))["may"] == list(Scope)
