"""``/v2/pkgs/tools``: each shape and status of the original, and JSON whatever goes wrong."""

from __future__ import annotations

import hashlib
import json

import pytest

from agent.compat.answer import Asked
from agent.compat.tools_api import AVAILABLE, BODY_LIMIT, INSTALLED, ToolsApi
from agent.errors import InputError
from agent.flash.toolstore.store import ToolStore
from agent.simulator.tool_index import INDEX_PATH, SimulatedToolIndex
from tests.compat.tool_rig import Rig, signed
from tests.flash.toolstore.rig import program, publish

BOSSAC = {"name": "bossac", "version": "1.7.0", "packager": "arduino"}
DAY_S = 86400.0


@pytest.fixture
async def server():
    async with SimulatedToolIndex() as running:
        publish(running, "1.7.0")
        yield running


@pytest.fixture
async def rig(server, tmp_path):
    made = Rig(server, tmp_path)
    yield made
    made.installs.stop()


def files(server):
    return [path for path in server.requests if path.startswith("/tools/")]


def error(answer, status, name):
    """The failure, in the shape that the client takes apart."""
    assert answer.status == status
    assert answer.media_type == "application/json"
    told = json.loads(answer.body)
    assert list(told) == ["name", "id", "message", "temporary", "timeout", "fault"]
    assert told["name"] == name
    assert told["id"]
    assert told["message"]
    assert (told["timeout"], told["fault"]) == (False, status >= 500)
    return told


async def test_a_tool_is_installed_listed_and_removed(rig, server):
    assert (await rig.ask("HEAD")).status == 200
    assert json.loads((await rig.ask("GET")).body) == []
    assert json.loads((await rig.ask("GET", AVAILABLE)).body) == [BOSSAC]
    answer = await rig.ask(body=BOSSAC)
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})
    listed = await rig.ask("GET")
    assert (listed.status, listed.media_type) == (200, "application/json")
    assert json.loads(listed.body) == [BOSSAC]
    for _ in range(2):
        gone = await rig.ask("DELETE", f"{INSTALLED}/arduino/bossac/1.7.0", {})
        assert (gone.status, json.loads(gone.body)) == (200, {"status": "ok"})
    assert json.loads((await rig.ask("GET")).body) == []
    assert rig.keys == 0


async def test_that_the_interface_is_there_needs_neither_store_nor_index(rig, server, tmp_path):
    server.down = True
    (tmp_path / "tools").write_text("no folder")
    assert (await rig.ask("HEAD")).status == 200
    assert server.requests == []


async def test_an_address_counts_only_with_a_signature_and_nothing_is_fetched_before(rig, server):
    url = server.publish("x", "y", "1", host="all", file="b.tar.gz", data=program(b"theirs"))
    checksum = "SHA-256:" + hashlib.sha256(program(b"theirs")).hexdigest()
    wanted = BOSSAC | {"version": "9.9.9", "url": url, "checksum": checksum}
    for bad in (signed(url + "x"), "", "zz", signed("")):
        told = error(await rig.ask(body=wanted | {"signature": bad}), 500, "fault")
        assert "signature is invalid" in told["message"]
    assert server.requests == []
    answer = await rig.ask(body=wanted | {"signature": signed(url).upper()})
    assert answer.status == 200
    assert INDEX_PATH not in server.requests
    tool = rig.box.store.find("bossac-9.9.9")
    assert (tool.folder / "bossac").read_bytes() == b"theirs"


async def test_an_incomplete_address_says_nothing_as_in_the_original(rig, server):
    answer = await rig.ask(body=BOSSAC | {"url": "https://x.invalid/", "checksum": None})
    assert answer.status == 200
    assert rig.keys == 0
    assert len(files(server)) == 1


async def test_a_checksum_that_does_not_match_installs_nothing(rig, server):
    url = server.publish("x", "y", "1", host="all", file="b.tar.gz", data=program())
    body = BOSSAC | {"url": url, "signature": signed(url)}
    told = error(await rig.ask(body=body | {"checksum": "SHA-256:" + "0" * 64}), 500, "fault")
    assert "SHA-256" in told["message"]
    error(await rig.ask(body=body | {"checksum": "MD5:00"}), 500, "fault")
    assert json.loads((await rig.ask("GET")).body) == []


@pytest.mark.parametrize("fault", ["down", "no-file", "truncated-file", "wrong-checksum"])
async def test_what_the_network_does_is_a_failure_only_where_the_tool_is_not_there(
    rig, server, fault
):
    def break_it():
        if fault == "down":
            server.down = True
        else:
            server.fault = fault

    break_it()
    told = error(await rig.ask(body=BOSSAC), 500, "fault")
    assert told["temporary"] == (fault != "no-file")
    server.down, server.fault = False, None
    rig.time.now += DAY_S
    assert (await rig.ask(body=BOSSAC)).status == 200
    break_it()
    rig.time.now += DAY_S
    assert (await rig.ask(body=BOSSAC)).status == 200
    url = server.publish("x", "y", "1", host="all", file="b.tar.gz", data=program(b"other"))
    checksum = "SHA-256:" + hashlib.sha256(program(b"another")).hexdigest()
    body = BOSSAC | {"url": url, "checksum": checksum, "signature": signed(url)}
    assert (await rig.ask(body=body)).status == 200
    kept = rig.box.store.find("bossac")
    assert (kept.folder / "bossac").read_bytes() == b"program"


async def test_a_tool_that_the_list_has_no_more_is_there_all_the_same(rig, server):
    url = server.publish("x", "y", "1", host="all", file="b.tar.gz", data=program())
    checksum = "SHA-256:" + hashlib.sha256(program()).hexdigest()
    body = BOSSAC | {"version": "0.1"}
    address = {"url": url, "checksum": checksum, "signature": signed(url)}
    assert (await rig.ask(body=body | address)).status == 200
    assert (await rig.ask(body=body)).status == 200


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"", "missing_payload"),
        (b" \n", "missing_payload"),
        (b"{", "decode_payload"),
        (b"\xff\xfe", "decode_payload"),
        (b"[]", "decode_payload"),
        (b"null", "decode_payload"),
        (b'{"name": 5}', "decode_payload"),
        (b"[" * 60_000, "decode_payload"),
        (b'{"name": "' + b"x" * BODY_LIMIT + b'"}', "decode_payload"),
        (b"{}", "missing_field"),
        (b'{"name": "a", "version": "1"}', "missing_field"),
        (b'{"name": "a", "version": null, "packager": "b"}', "missing_field"),
    ],
)
async def test_a_body_that_cannot_be_read_is_told(rig, body, name):
    error(await rig.ask(body=body), 400, name)
    if name != "missing_field":
        error(await rig.ask("DELETE", f"{INSTALLED}/arduino/bossac/1.7.0", body), 400, name)


async def test_a_tool_that_nobody_has_is_not_found(rig, server):
    error(await rig.ask(body=BOSSAC | {"name": "avrdude"}), 400, "not_found")
    server.publish("arduino", "drivers", "1", host="i686-mingw32", file="d.zip", data=b"x")
    rig.time.now += DAY_S
    error(await rig.ask(body=BOSSAC | {"name": "drivers", "version": "1"}), 400, "not_found")


@pytest.mark.parametrize("name", ["../evil", "", "a/b", "..", "con", "x" * 65, "a\x00b"])
async def test_a_name_that_leads_out_of_the_store_is_refused(rig, server, tmp_path, name):
    error(await rig.ask(body=BOSSAC | {"name": name}), 500, "fault")
    error(await rig.ask(body=BOSSAC | {"packager": name}), 500, "fault")
    error(await rig.ask(body=BOSSAC | {"version": name}), 500, "fault")
    answer = await rig.ask("DELETE", f"{INSTALLED}/{name}/x/1", {})
    assert answer.status in {404, 500}
    assert not (tmp_path / "tools").exists()
    assert server.requests == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2", 404),
        ("GET", "/v2/", 404),
        ("POST", "/v2/pkgs/tools/installed/", 404),
        ("GET", "/v2/pkgs/tools/other", 404),
        ("DELETE", f"{INSTALLED}/arduino/bossac", 404),
        ("DELETE", f"{INSTALLED}/a/b/c/d", 404),
        ("PUT", INSTALLED, 405),
        ("DELETE", INSTALLED, 405),
        ("POST", AVAILABLE, 405),
        ("GET", f"{INSTALLED}/arduino/bossac/1.7.0", 405),
    ],
)
async def test_whatever_is_not_there_is_answered_with_json_too(rig, method, path, status):
    name = {404: "not_found", 405: "method_not_allowed"}[status]
    error(await rig.ask(method, path, {}), status, name)


async def test_a_page_that_may_not_write_to_boards_installs_and_removes_nothing(rig, server):
    await rig.ask(body=BOSSAC)
    before = list(server.requests)
    for scopes in ((), ("boards",), ("boards", "serial")):
        error(await rig.ask(body=BOSSAC, scopes=scopes), 403, "forbidden")
        path = f"{INSTALLED}/arduino/bossac/1.7.0"
        error(await rig.ask("DELETE", path, {}, scopes=scopes), 403, "forbidden")
        assert json.loads((await rig.ask("GET", scopes=scopes)).body) == [BOSSAC]
    assert server.requests == before


async def test_a_list_or_a_store_that_cannot_be_used_is_told(rig, server, tmp_path):
    server.fault = "wrong-signature"
    told = error(await rig.ask("GET", AVAILABLE), 500, "fault")
    assert "cannot be trusted" in told["message"]
    (tmp_path / "tools").write_text("no folder")
    server.fault = None
    rig.time.now += DAY_S
    told = error(await rig.ask(body=BOSSAC), 500, "fault")
    assert "store of tools" in told["message"]


async def test_a_key_that_cannot_be_read_is_a_failure_and_never_another_key(rig, server):
    def no_key():
        raise InputError(field="compat.signature_key", problem="names no file")

    api = ToolsApi(rig.box, rig.installs, no_key)
    url = server.base_url + "/x"
    body = BOSSAC | {"url": url, "checksum": "SHA-256:" + "0" * 64, "signature": signed(url)}
    asked = Asked("POST", INSTALLED, json.dumps(body).encode(), None, lambda _scope: True)
    told = error(await api(asked), 500, "fault")
    assert "compat.signature_key" in told["message"]
    assert server.requests == []


class _Defective(ToolStore):
    """A store with a defect of our own."""

    def list(self):
        raise ZeroDivisionError


async def test_a_defect_of_our_own_is_json_too(rig, tmp_path, caplog):
    rig.box.store = _Defective(tmp_path)
    error(await rig.ask("GET"), 500, "fault")
    assert "ZeroDivisionError" in caplog.text
