from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agent.gateway.reset import METHOD, reset_call, set_aside
from agent.gateway.setup import read_setup
from agent.gateway.stored import GatewayStore, Kept
from agent.protocols.thingsboard.gateway import Call
from agent.settings import Secret
from agent.settings.credentials import AccessToken

TOKEN = AccessToken(token=Secret("t"))
P = "TB_GW_PROVISIONING_DEVICE_"
TOPIC = "v1/devices/me/rpc/request/7"


@pytest.fixture
def setup():
    setup = read_setup({"TB_GW_HOST": "127.0.0.1", f"{P}KEY": "k", f"{P}SECRET": "s"})
    assert setup is not None
    return setup


@pytest.fixture
async def store(tmp_path):
    store = GatewayStore(tmp_path / "gateway.json")
    await store.change(current=Kept(name="gw", credentials=TOKEN))
    return store


def called(params: object = None) -> Call:
    return Call("", 7, METHOD, params)


@pytest.mark.parametrize("params", [{}, {"params": None}, {"params": {}}, {"params": "{}"}])
def test_the_call_is_known_whatever_stands_for_nothing(params):
    call = reset_call(TOPIC, json.dumps({"method": METHOD} | params).encode())
    assert call is not None
    assert call.id == 7


def test_other_messages_are_not_the_call():
    body = json.dumps({"method": METHOD}).encode()
    assert reset_call("v1/devices/me/attributes", body) is None
    assert reset_call(TOPIC, b"{") is None
    assert reset_call(TOPIC, b'{"method":"remove_provisioned_credentials"}') is None
    of_board = json.dumps({"device": "b", "data": {"id": 1, "method": METHOD}}).encode()
    assert reset_call("v1/gateway/rpc", of_board) is None


@pytest.mark.parametrize("params", [None, {}, "{}", "", "null", []])
async def test_credentials_are_set_aside_and_stay(setup, store, params):
    assert (await set_aside(called(params), setup, store))["code"] == 200
    assert store.kept.reset
    assert store.kept.current is not None
    assert (await set_aside(called(params), setup, store))["code"] == 404


@pytest.mark.parametrize("params", [0, False, {"a": 1}, "x", [1]])
async def test_a_parameter_is_refused(setup, store, params):
    assert (await set_aside(called(params), setup, store))["code"] == 400
    assert not store.kept.reset


async def test_where_others_cannot_be_had_they_stay_in_use(setup, store):
    assert (await set_aside(called(), replace(setup, provisioning=None), store))["code"] == 500
    assert not store.kept.reset


async def test_there_are_none_where_they_came_from_outside(setup, store):
    assert (await set_aside(called(), replace(setup, fixed=TOKEN), store))["code"] == 404


async def test_a_disk_that_is_full_is_said(setup, store, tmp_path):
    (tmp_path / "taken").write_text("")
    store.path = tmp_path / "taken" / "gateway.json"
    answer = await set_aside(called(), setup, store)
    assert answer["code"] == 500
    assert not store.kept.reset
